"""Fisher vectors: scene recognition as it was before deep nets, without gradient descent.

The descriptors are designed by hand (`descriptors.py`), the visual words are fitted to them without
labels, and the single linear layer, which learns from labels, has a closed-form solution. No
`Trainer` is needed:

    net = FisherVectorNet()
    net.fit(ImageLoader("data", "train", FisherVectorNet.transform))

`scene-recog train --recipe fisher-vectors` makes a run of it (`fitter.py`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset, Subset
from torchvision import transforms

from scene_recog.models.descriptors import DenseCensus, DenseCurvature, DenseDescriptor, DenseSift
from scene_recog.system.progress import progress_bar

BATCH = 32
AT_ONCE = 8  # images, whose gradient maps a processor's cache holds better than those of a batch
COMPONENTS = 64  # of the 128 numbers of a descriptor


class Kind(NamedTuple):
    """What visual words are made of.

    Attributes:
        descriptor: class of the descriptors.
        cell: its argument.
        scales: of the image, at which they are computed.
        words: as many as the net's argument says, or a fraction of that.
        weight: of these words among the others.
    """

    descriptor: type[DenseDescriptor]
    cell: int
    scales: tuple[float, ...]
    words: float = 1.0
    weight: float = 1.0


FOUR_SCALES = (1.0, 0.7, 0.5, 0.35)
KINDS: dict[str, tuple[Kind, ...]] = {
    "sift": (Kind(DenseSift, 6, FOUR_SCALES),),
    "four": (
        Kind(DenseSift, 4, (1.0, 0.7), weight=2.0),
        Kind(DenseSift, 4, (0.5, 0.35, 0.25), words=0.5),
        Kind(DenseCurvature, 6, FOUR_SCALES, words=0.5),
        Kind(DenseCensus, 6, FOUR_SCALES, words=0.5),
    ),
}


def products_of(vectors: torch.Tensor) -> torch.Tensor:
    """The products of all pairs of float16 vectors [M, D]: float32 [M, M]."""
    products = torch.empty(len(vectors), len(vectors))
    for i in progress_bar(range(0, len(vectors), 500), desc="weights"):
        for j in range(0, i + 1, 500):
            block = vectors[i : i + 500].float() @ vectors[j : j + 500].float().T
            products[i : i + 500, j : j + 500] = block
            products[j : j + 500, i : i + 500] = block.T
    return products


def solve_ridge(products: torch.Tensor, labels: torch.Tensor, outputs: int) -> torch.Tensor:
    """Ridge regression in its dual form, because there are fewer images than features.

    Args:
        products: of all pairs of vectors, [M, M]; its diagonal is changed.
        labels: [M].
        outputs: number of classes, K.

    Returns:
        [M, K]: the scores of a vector are its products with all M vectors, times this.
    """
    targets = F.one_hot(labels, outputs).float() * 2 - 1
    of_class = labels.bincount()[labels] * len(labels.unique()) / len(labels)
    products.diagonal().add_(0.3 * of_class)
    dual: torch.Tensor = torch.linalg.solve(products, targets)
    return dual


class VisualWords(nn.Module):
    """A mixture of Gaussians that models one kind of descriptor, and Fisher vectors by it.

    Args:
        describe: the descriptors.
        scales: of the image, at which they are computed.
        words: number of Gaussians.

    Input [N, 1, H, W], pixels from 0 to 1, at least 100x100; output [N, 5 * 2 * words * 64], each
    of length 1.
    """

    center: torch.Tensor
    projection: torch.Tensor
    shares: torch.Tensor
    means: torch.Tensor
    variances: torch.Tensor

    def __init__(self, describe: DenseDescriptor, scales: Sequence[float], words: int) -> None:
        super().__init__()
        self.describe, self.scales = describe, tuple(scales)
        self.register_buffer("center", torch.zeros(128))
        self.register_buffer("projection", torch.eye(128)[:, :COMPONENTS])
        self.register_buffer("shares", torch.full((words,), 1 / words))
        self.register_buffer("means", torch.zeros(words, COMPONENTS))
        self.register_buffer("variances", torch.ones(words, COMPONENTS))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[N, 1, H, W] -> [N, 5 * 2 * words * 64], each of length 1."""
        quarters = torch.cat([self._sums(part) for part in x.split(AT_ONCE)])
        regions = torch.cat([quarters.sum(dim=1, keepdim=True), quarters], dim=1)
        count, first, second = regions.split((1, COMPONENTS, COMPONENTS), dim=3)
        deviations, roots = self.variances.sqrt(), self.shares.sqrt()[:, None]
        of_means = (first - count * self.means) / (deviations * roots)
        of_deviations = second - 2 * first * self.means + count * self.means.square()
        of_deviations = (of_deviations / self.variances - count) / (math.sqrt(2) * roots)
        x = torch.stack([of_means, of_deviations], dim=2).flatten(2)  # [N, 5, 2 * words * 64]
        x = x.sign() * x.abs().sqrt()  # power normalization (Perronnin et al. 2010, section 3.2)
        return F.normalize(x, dim=2).flatten(1) / math.sqrt(5)

    def _sums(self, x: torch.Tensor) -> torch.Tensor:
        """For each quarter and word, the sums of 1, d and d squared over its descriptors d.

        [N, 1, H, W] -> [N, 4, words, 1 + 2 * 64]
        """
        total = x.new_zeros(())
        for descriptors in self.descriptors(x):
            d = (descriptors - self.center) @ self.projection
            words = self._responsibilities(d)
            d = torch.cat([torch.ones_like(d[..., :1]), d, d.square()], dim=3)
            half_y, half_x = d.shape[1] // 2, d.shape[2] // 2
            quarters = [
                words[:, rows, columns].flatten(1, 2).mT @ d[:, rows, columns].flatten(1, 2)
                for rows in (slice(half_y), slice(half_y, None))
                for columns in (slice(half_x), slice(half_x, None))
            ]
            total = total + torch.stack(quarters, dim=1)
        return total

    def descriptors(self, x: torch.Tensor) -> Iterator[torch.Tensor]:
        """The descriptors at each scale: [N, rows, columns, 128].

        Raises:
            ValueError: images are too small.
        """
        if x.ndim != 4 or x.shape[1] != 1 or min(x.shape[2:]) < 100:
            raise ValueError(
                f"images have shape {list(x.shape)}: use [N, 1, H, W] with at least 100x100 pixels"
            )
        for scale in self.scales:
            size = [round(side * scale) for side in x.shape[2:]]
            yield self.describe(F.interpolate(x, size, mode="bilinear", antialias=True))

    def _responsibilities(self, d: torch.Tensor) -> torch.Tensor:
        """The posterior probability of each word for a descriptor: [..., 64] -> [..., words]."""
        precisions = 1 / self.variances
        constant = self.means.square() * precisions + self.variances.log()
        log_likelihood = (
            d @ (self.means * precisions).T
            - d.square() @ (precisions / 2).T
            + (self.shares.log() - constant.sum(dim=1) / 2)
        )
        return log_likelihood.softmax(dim=-1)

    def some_descriptors(
        self, batches: Sequence[torch.Tensor], generator: torch.Generator
    ) -> torch.Tensor:
        """Up to 250 descriptors of each image, of batches [N, 1, H, W]: [M, 128]."""
        chosen = []
        with progress_bar(total=sum(map(len, batches)), unit="img", desc="descriptors") as bar:
            for x in batches:
                of_batch = torch.cat([d.flatten(1, 2) for d in self.descriptors(x)], dim=1)
                for d in of_batch:
                    chosen.append(d[torch.randperm(len(d), generator=generator)[:250]])
                bar.update(len(x))
        return torch.cat(chosen)

    def fit(self, descriptors: torch.Tensor, generator: torch.Generator) -> None:
        """Principal components, then a mixture of Gaussians: k-means first, then EM."""
        if len(descriptors) < len(self.shares):
            raise ValueError(
                f"{len(descriptors)} descriptors are too few for {len(self.shares)} words: "
                "use more images"
            )
        self.center.copy_(descriptors.mean(dim=0))
        centered = descriptors - self.center
        _, vectors = torch.linalg.eigh(centered.T @ centered)  # the largest comes last
        self.projection.copy_(vectors.flip(1)[:, :COMPONENTS])
        d = centered @ self.projection

        start = torch.randperm(len(d), generator=generator)[: len(self.shares)]
        self.means.copy_(d[start])
        least = d.var(dim=0) * 0.01 + 1e-6  # keeps words from shrinking to a point
        for step in progress_bar(range(25), desc="visual words"):
            sums = torch.zeros(len(self.means), 1 + 2 * COMPONENTS)
            for part in d.split(10_000):
                if step < 10:
                    nearest = torch.cdist(part, self.means).argmin(dim=1)
                    words = F.one_hot(nearest, len(self.means)).float()
                else:
                    words = self._responsibilities(part)
                part = torch.cat([torch.ones_like(part[:, :1]), part, part.square()], dim=1)
                sums += words.T @ part
            count, first, second = sums.split((1, COMPONENTS, COMPONENTS), dim=1)
            count = count + 1e-3
            self.shares.copy_(count[:, 0] / count.sum())
            self.means.copy_(first / count)
            self.variances.copy_(torch.maximum(second / count - self.means.square(), least))


class FisherVectorNet(nn.Module):
    """Hand-designed descriptors, Fisher vectors over a spatial pyramid, and a linear layer.

    A mixture of Gaussians models the descriptors of a kind; its components are called visual words.
    The Fisher vector of an image says in which direction its descriptors would move the means and
    standard deviations of the words (Perronnin et al. 2010): it is the gradient of their
    log-likelihood, normalized. There is one for the whole image and one for each quarter (Lazebnik
    et al. 2006), and for each kind of descriptor.

    Args:
        words: number of Gaussians. The linear layer has 15 * 640 * words weights, 1,228,800 at 128,
            or 2.5 times as many with four kinds.
        descriptors: "sift", which is one kind, in cells of 6 pixels; or "four": SIFT in cells of 4
            pixels in large images, the same in small ones, curvature, and census, the last three
            with half as many words each.

    Input [N, 1, H, W], pixels from 0 to 1, at least 100x100, best at 256x256; output raw scores
    (logits) [N, 15]. Until it is fitted, all scores are 0.

    Raises:
        ValueError: words is not from 2 to 1024, unknown descriptors, or an image is too small.
    """

    transform = transforms.Compose([transforms.Resize((256, 256)), transforms.ToTensor()])

    def __init__(self, words: int = 128, descriptors: str = "sift") -> None:
        super().__init__()
        if not 2 <= words <= 1024:
            raise ValueError(f"words is {words}: it must be from 2 to 1024")
        if descriptors not in KINDS:
            raise ValueError(f"descriptors is {descriptors!r}: it must be {' or '.join(KINDS)}")
        self.arguments = {"words": words, "descriptors": descriptors}
        kinds = KINDS[descriptors]
        self.kinds = nn.ModuleList(
            VisualWords(kind.descriptor(kind.cell), kind.scales, math.ceil(kind.words * words))
            for kind in kinds
        )
        total = sum(kind.weight for kind in kinds)
        self.factors = [math.sqrt(kind.weight / total) for kind in kinds]
        in_all = sum(len(each.means) for each in cast(list[VisualWords], self.kinds))
        self.linear = nn.Linear(5 * 2 * in_all * COMPONENTS, 15, bias=False)
        nn.init.zeros_(self.linear.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[N, 1, H, W] -> [N, 15]."""
        logits: torch.Tensor = self.linear(self.fisher_vectors(x))
        return logits

    def fisher_vectors(self, x: torch.Tensor) -> torch.Tensor:
        """[N, 1, H, W] -> [N, features], each of length 1; 5 * 2 * words * 64 for each kind."""
        vectors = [factor * of(x) for factor, of in zip(self.factors, self.kinds, strict=True)]
        return torch.cat(vectors, dim=1)

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        """Also what was saved when there was one kind, whose words were the net's own."""
        for name, _ in self.kinds[0].named_buffers():
            if f"{prefix}{name}" in state_dict:
                state_dict[f"{prefix}kinds.0.{name}"] = state_dict.pop(f"{prefix}{name}")
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)

    # ---------------------------------------------------------------- learning

    @torch.inference_mode()
    def fit(self, dataset: Dataset[Any], *, seed: int = 0) -> None:
        """Learn words and weights.

        For 3,000 images and SIFT, this takes two minutes on one core and 1.5 GB; with four kinds of
        descriptor, seven minutes and 3 GB.

        The weights come from ridge regression to scores of 1 for the right class and -1 for the
        others. Every class has the same weight, and each image is also used mirrored.

        Args:
            dataset: (image [1, H, W], label from 0 to 14) by index, all images of one size, on the
                CPU, where the net must be too.
            seed: for the sample of descriptors and the initial words.

        Raises:
            ValueError: no images, too few for the number of words, images too small, or more
                classes than outputs.
        """
        self.fit_words(dataset, seed=seed)
        vectors = torch.empty(2 * len(dataset), self.linear.in_features, dtype=torch.float16)  # type: ignore[arg-type]
        labels = torch.empty(len(vectors), dtype=torch.long)
        done = 0
        with progress_bar(total=len(vectors) // 2, unit="img", desc="Fisher vectors") as bar:
            for of_batch, y in self.training_vectors(dataset):
                vectors[done : done + len(y)], labels[done : done + len(y)] = of_batch, y
                done += len(y)
                bar.update(len(y) // 2)
        self.fit_weights(vectors, labels)

    @torch.inference_mode()
    def fit_words(self, dataset: Dataset[Any], *, seed: int = 0) -> None:
        """The first stage of `fit`, with the same arguments: projection and visual words.

        Raises:
            ValueError: as `fit`.
        """
        count = len(dataset)  # type: ignore[arg-type]
        if count == 0:
            raise ValueError("there are no images to learn from")
        generator = torch.Generator().manual_seed(seed)
        some = Subset(dataset, torch.randperm(count, generator=generator)[:1000].tolist())
        batches = [x for x, _ in self._batches(some)]  # read once for all kinds
        for words in cast(list[VisualWords], self.kinds):
            words.fit(words.some_descriptors(batches, generator), generator)

    @torch.inference_mode()
    def training_vectors(
        self, dataset: Dataset[Any]
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """The second stage of `fit`: Fisher vectors of the images, and of their mirror images.

        Args:
            dataset: as for `fit`, or a part of it that begins at a multiple of `BATCH` images.

        Yields:
            (float16 [2n, features], labels [2n]) for each batch of n images.

        Raises:
            ValueError: as `fit`.
        """
        for x, y in self._batches(dataset):
            both = torch.cat([self.fisher_vectors(seen) for seen in (x, x.flip(-1))])
            yield both.half(), torch.cat([y, y])

    def _batches(self, dataset: Dataset[Any]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        outputs = self.linear.out_features
        for x, y in DataLoader(dataset, BATCH):
            if y.max() >= outputs:
                raise ValueError(
                    f"an image has label {y.max()}, but there are only {outputs} outputs"
                )
            yield x, y

    @torch.inference_mode()
    def fit_weights(self, vectors: torch.Tensor, labels: torch.Tensor) -> None:
        """The last stage of `fit`: ridge regression.

        Args:
            vectors, labels: from `training_vectors`, all batches.
        """
        dual = solve_ridge(products_of(vectors), labels, self.linear.out_features)
        weights = torch.zeros_like(self.linear.weight)
        for part, of_part in zip(vectors.split(500), dual.split(500), strict=True):
            weights += of_part.T @ part.float()
        self.linear.weight.copy_(8.5 * weights)  # so that softmax is roughly calibrated
