"""Fisher vectors: scene recognition as it was before deep nets, without gradient descent.

The descriptors are designed by hand, the visual words are fitted to them without labels, and the
single linear layer, which learns from labels, has a closed-form solution. No `Trainer` is needed:

    net = FisherVectorNet()
    net.fit(ImageLoader("data", "train", FisherVectorNet.transform))

`scene-recog train --recipe fisher-vectors` makes a run of it (`fitter.py`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset, Subset
from torchvision import transforms

from scene_recog.system.progress import progress_bar

BATCH = 32
AT_ONCE = 8  # images, whose gradient maps a processor's cache holds better than those of a batch


def slopes(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """How much images [N, 1, H, W] change per pixel: (to the right, downwards), each as the images.

    Central differences; the edge is repeated.
    """
    x = F.pad(x, (1, 1, 1, 1), mode="replicate")
    return (x[..., 1:-1, 2:] - x[..., 1:-1, :-2]) / 2, (x[..., 2:, 1:-1] - x[..., :-2, 1:-1]) / 2


class DenseSift(nn.Module):
    """SIFT descriptors (Lowe 2004, section 6) on a grid over the image, every 6 pixels each way.

    A descriptor gives, for 4x4 cells 6 pixels apart, the gradient strength in each of 8 directions.
    Each pixel counts for the nearest two directions and four cells. Brightness has no effect,
    because these are differences; nor has contrast, because each descriptor is divided by its norm.
    The square root at the end keeps strong edges from dominating (Arandjelovic and Zisserman 2012).
    Lowe's Gaussian window and rotation to the main direction are left out, because scenes are
    upright. A descriptor covers 31x31 pixels; nothing in it is learned.
    """

    window: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        window = 1 - torch.arange(-5.0, 6.0).abs() / 6
        self.register_buffer("window", window.view(1, 1, 1, 11), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images [N, 1, H, W], from 0 to 1 -> [N, rows, columns, 128], each of norm 1."""
        slope_x, slope_y = slopes(x)
        steepness = torch.hypot(slope_x, slope_y)
        direction = torch.atan2(slope_y, slope_x) / (math.pi / 4)  # from -4 to 4
        below = direction.floor()
        of_next = (direction - below) * steepness
        below = below.long()
        maps = x.new_zeros(len(x), 8, *steepness.shape[2:])
        maps.scatter_add_(1, below % 8, steepness - of_next)
        maps.scatter_add_(1, (below + 1) % 8, of_next)

        cells = F.conv2d(maps.flatten(0, 1)[:, None], self.window, stride=(1, 6))
        cells = F.conv2d(cells, self.window.mT, stride=(6, 1)).unflatten(0, (len(x), 8))[:, :, 0]
        rows, columns = cells.shape[2] - 3, cells.shape[3] - 3
        x = F.unfold(cells, 4).mT  # [N, rows * columns, 128]
        x = x / (x.norm(dim=2, keepdim=True) + 4e-3)
        x = x.clamp(max=0.2)  # limits the effect of a single edge
        x = x / (x.sum(dim=2, keepdim=True) + 1e-6)
        return x.sqrt().reshape(len(x), rows, columns, 128)


class FisherVectorNet(nn.Module):
    """Dense SIFT, Fisher vectors over a spatial pyramid, and a linear layer.

    A mixture of Gaussians models the descriptors; its components are called visual words. The
    Fisher vector of an image says in which direction its descriptors would move the means and
    standard deviations of the words (Perronnin et al. 2010): it is the gradient of their
    log-likelihood, normalized. There is one for the whole image and one for each quarter (Lazebnik
    et al. 2006).

    Args:
        words: number of Gaussians. The linear layer has 15 * 640 * words weights, 1,228,800 at 128.

    Input [N, 1, H, W], pixels from 0 to 1, at least 100x100, best at 256x256; output raw scores
    (logits) [N, 15]. Until it is fitted, all scores are 0.

    Raises:
        ValueError: words is not from 2 to 1024, or an image is too small.
    """

    scales = (1.0, 0.7, 0.5, 0.35)
    components = 64  # of the 128 numbers of a descriptor
    transform = transforms.Compose([transforms.Resize((256, 256)), transforms.ToTensor()])

    center: torch.Tensor
    projection: torch.Tensor
    shares: torch.Tensor
    means: torch.Tensor
    variances: torch.Tensor

    def __init__(self, words: int = 128) -> None:
        super().__init__()
        if not 2 <= words <= 1024:
            raise ValueError(f"words is {words}: it must be from 2 to 1024")
        self.arguments = {"words": words}
        self.sift = DenseSift()
        self.register_buffer("center", torch.zeros(128))
        self.register_buffer("projection", torch.eye(128)[:, : self.components])
        self.register_buffer("shares", torch.full((words,), 1 / words))
        self.register_buffer("means", torch.zeros(words, self.components))
        self.register_buffer("variances", torch.ones(words, self.components))
        self.linear = nn.Linear(5 * 2 * words * self.components, 15, bias=False)
        nn.init.zeros_(self.linear.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[N, 1, H, W] -> [N, 15]."""
        logits: torch.Tensor = self.linear(self.fisher_vectors(x))
        return logits

    def fisher_vectors(self, x: torch.Tensor) -> torch.Tensor:
        """[N, 1, H, W] -> [N, 5 * 2 * words * 64], each of length 1."""
        quarters = torch.cat([self._sums(part) for part in x.split(AT_ONCE)])
        regions = torch.cat([quarters.sum(dim=1, keepdim=True), quarters], dim=1)
        count, first, second = regions.split((1, self.components, self.components), dim=3)
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
        for descriptors in self._descriptors(x):
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

    def _descriptors(self, x: torch.Tensor) -> Iterator[torch.Tensor]:
        """The descriptors at each scale: [N, rows, columns, 128]."""
        if x.ndim != 4 or x.shape[1] != 1 or min(x.shape[2:]) < 100:
            raise ValueError(
                f"images have shape {list(x.shape)}: use [N, 1, H, W] with at least 100x100 pixels"
            )
        for scale in self.scales:
            size = [round(side * scale) for side in x.shape[2:]]
            yield self.sift(F.interpolate(x, size, mode="bilinear", antialias=True))

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

    # ---------------------------------------------------------------- learning

    @torch.inference_mode()
    def fit(self, dataset: Dataset[Any], *, seed: int = 0) -> None:
        """Learn words and weights; for 3,000 images, this takes three minutes on one core and 1.5
        GB.

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
        self._fit_words(self._some_descriptors(some, generator), generator)

    @torch.inference_mode()
    def training_vectors(
        self, dataset: Dataset[Any]
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """The second stage of `fit`: Fisher vectors of the images, and of their mirror images.

        Args:
            dataset: as for `fit`, or a part of it that begins at a multiple of `BATCH` images.

        Yields:
            (float16 [2n, 5 * 2 * words * 64], labels [2n]) for each batch of n images.

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

    def _some_descriptors(self, images: Dataset[Any], generator: torch.Generator) -> torch.Tensor:
        """Up to 250 descriptors of each image: [M, 128]."""
        chosen = []
        with progress_bar(total=len(images), unit="img", desc="descriptors") as bar:  # type: ignore[arg-type]
            for x, _ in self._batches(images):
                of_batch = torch.cat([d.flatten(1, 2) for d in self._descriptors(x)], dim=1)
                for d in of_batch:
                    chosen.append(d[torch.randperm(len(d), generator=generator)[:250]])
                bar.update(len(x))
        return torch.cat(chosen)

    def _fit_words(self, descriptors: torch.Tensor, generator: torch.Generator) -> None:
        """Principal components, then a mixture of Gaussians: k-means first, then EM."""
        if len(descriptors) < len(self.shares):
            raise ValueError(
                f"{len(descriptors)} descriptors are too few for {len(self.shares)} words: "
                "use more images"
            )
        self.center.copy_(descriptors.mean(dim=0))
        centered = descriptors - self.center
        _, vectors = torch.linalg.eigh(centered.T @ centered)  # the largest comes last
        self.projection.copy_(vectors.flip(1)[:, : self.components])
        d = centered @ self.projection

        start = torch.randperm(len(d), generator=generator)[: len(self.shares)]
        self.means.copy_(d[start])
        least = d.var(dim=0) * 0.01 + 1e-6  # keeps words from shrinking to a point
        for step in progress_bar(range(25), desc="visual words"):
            sums = torch.zeros(len(self.means), 1 + 2 * self.components)
            for part in d.split(10_000):
                if step < 10:
                    nearest = torch.cdist(part, self.means).argmin(dim=1)
                    words = F.one_hot(nearest, len(self.means)).float()
                else:
                    words = self._responsibilities(part)
                part = torch.cat([torch.ones_like(part[:, :1]), part, part.square()], dim=1)
                sums += words.T @ part
            count, first, second = sums.split((1, self.components, self.components), dim=1)
            count = count + 1e-3
            self.shares.copy_(count[:, 0] / count.sum())
            self.means.copy_(first / count)
            self.variances.copy_(torch.maximum(second / count - self.means.square(), least))

    @torch.inference_mode()
    def fit_weights(self, vectors: torch.Tensor, labels: torch.Tensor) -> None:
        """The last stage of `fit`: ridge regression.

        It is solved in its dual form, because there are fewer images than features.

        Args:
            vectors, labels: from `training_vectors`, all batches.
        """
        targets = F.one_hot(labels, self.linear.out_features).float() * 2 - 1
        of_class = labels.bincount()[labels] * len(labels.unique()) / len(labels)
        products = torch.empty(len(vectors), len(vectors))
        for i in progress_bar(range(0, len(vectors), 500), desc="weights"):
            for j in range(0, i + 1, 500):
                block = vectors[i : i + 500].float() @ vectors[j : j + 500].float().T
                products[i : i + 500, j : j + 500] = block
                products[j : j + 500, i : i + 500] = block.T
        products.diagonal().add_(0.3 * of_class)
        dual = torch.linalg.solve(products, targets)
        weights = torch.zeros_like(self.linear.weight)
        for part, of_part in zip(vectors.split(500), dual.split(500), strict=True):
            weights += of_part.T @ part.float()
        self.linear.weight.copy_(8.5 * weights)  # so that softmax is roughly calibrated
