"""What `methods.py` compares: seven ways to turn a photograph into a vector.

Each is computed once for a split of the data, and stored in the split's folder. What is learned
(visual words, networks) is learned from the split's training images alone.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from common import train_to_the_end
from numpy.typing import NDArray
from protocol100 import draw_split
from torch.utils.data import DataLoader, Subset
from torchvision import transforms

from scene_recog.image_loader import ImageLoader
from scene_recog.loading.reading import keep_only
from scene_recog.loading.split import open_datasets
from scene_recog.models.descriptors import DenseSift, slopes
from scene_recog.models.fisher_vectors import FisherVectorNet
from scene_recog.recipes import RECIPES
from scene_recog.runs.scoring import LoadedRun, load_run
from scene_recog.system.files import write_atomically

try:
    from sklearn.cluster import KMeans
except ModuleNotFoundError:
    raise SystemExit(
        "scikit-learn is missing: install it with pip install -e '.[classical]'"
    ) from None

Floats = NDArray[np.float32]
BATCH = 32
VALIDATION = 0.1  # of the training images, as in the recipes
GAUSSIANS = 16  # of the Fisher vectors; the recipe has 128, which would take eight times the memory
AS_SIFT = FisherVectorNet.transform  # photographs as 256x256 pixels
Costs = dict[str, float]


@dataclass(frozen=True)
class Split:
    """Training images, and the test images that a finished method is measured on.

    Attributes:
        protocol: "course" (the course's train and test) or "literature" (100 images of each class
            to train on, the others to test).
        seed: which images are held out for validation, and in "literature" also which are drawn.
        scratch: folder for all splits.
    """

    protocol: str
    seed: int
    scratch: Path

    @property
    def folder(self) -> Path:
        """Where everything about the split is stored."""
        return self.scratch / f"{self.protocol}-{self.seed}"

    @property
    def data_dir(self) -> Path:
        """A folder with train/ and test/, made of links, so that the dataset is not written to."""
        return self.scratch / "course-data" if self.protocol == "course" else self.folder / "data"

    def link(self, source: Path) -> None:
        """Make `data_dir` from the dataset in `source`."""
        if self.protocol == "literature":
            draw_split(source, self.data_dir, self.seed, per_class=100)
            return
        self.data_dir.mkdir(parents=True, exist_ok=True)
        for part in ("train", "test"):
            if not (link := self.data_dir / part).exists():
                link.symlink_to((source / part).resolve())

    def images(self, transform: Any = None) -> tuple[ImageLoader, int, int]:
        """(all images, number to learn from, number of these and of validation images).

        The images come in three parts: to learn from, to validate on, to test on.
        """
        learning, validation, _ = open_datasets(
            self.data_dir, transform, transform, val_fraction=VALIDATION, seed=self.seed
        )
        test = ImageLoader(self.data_dir, "test", transform)
        first, trained = len(learning), len(learning) + len(validation)
        images = [*learning.dataset, *validation.dataset, *test.dataset]
        return keep_only(test, images), first, trained


@dataclass(frozen=True)
class Vectors:
    """A representation of all images of a split.

    Attributes:
        x: one row per image, [N, D], ordered as in `Split.images`.
        y: their classes, [N].
        learning, trained: numbers of images to learn from, and of these and validation images.
        costs: "seconds" to learn it and "peak" bytes meanwhile, "ms" per image.
    """

    x: Floats
    y: NDArray[np.int64]
    learning: int
    trained: int
    costs: Costs


@contextmanager
def costs_in(costs: Costs) -> Iterator[None]:
    """Note the CPU seconds of a block, and the memory that it needs beyond what was in use.

    Memory is the kernel's high-water mark, which Linux lets a process reset; elsewhere it is NaN.
    """
    status, reset = Path("/proc/self/status"), Path("/proc/self/clear_refs")

    def kilobytes(key: str) -> float:
        lines = status.read_text().splitlines() if status.exists() else []
        return next((float(line.split()[1]) for line in lines if line.startswith(key)), np.nan)

    if reset.exists():
        reset.write_text("5")
    before, start = kilobytes("VmRSS"), time.process_time()
    yield
    costs["seconds"] = time.process_time() - start
    costs["peak"] = 1024 * (kilobytes("VmHWM") - before)


def write_json(path: Path, content: Any) -> None:
    """Write a whole file or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda part: part.write_text(json.dumps(content, indent=1)))


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Write a whole file or none."""
    path.parent.mkdir(parents=True, exist_ok=True)

    def write(part: Path) -> None:
        with part.open("wb") as file:
            np.save(file, array)

    write_atomically(path, write)


def stored(
    folder: Path, name: str, make: Callable[[], tuple[NDArray[Any], Any]], *, mapped: bool = False
) -> tuple[NDArray[Any], Any]:
    """An array and what it cost: from `folder`, or made and written there the first time.

    Args:
        folder: for `<name>.npy` and `<name>.json`.
        name: of the files, without their endings.
        make: returns both.
        mapped: leave the array on the disk.
    """
    rows, costs_file = folder / f"{name}.npy", folder / f"{name}.json"
    if not costs_file.exists():
        array, costs = make()
        write_array(rows, array)
        write_json(costs_file, costs)
    return np.load(rows, mmap_mode="r" if mapped else None), json.loads(costs_file.read_text())


def represent(name: str, split: Split) -> Vectors:
    """A representation of a split's images: computed, or read if it was computed before.

    Args:
        name: one of REPRESENTATIONS.
    """
    x, costs = stored(split.folder, name, lambda: REPRESENTATIONS[name](split))
    dataset, learning, trained = split.images()
    y = np.array([label for _, label in dataset.dataset])
    return Vectors(x, y, learning, trained, costs)


# ------------------------------------------------------------------------ tiny images


def tiny_image(pixels: torch.Tensor) -> torch.Tensor:
    """[N, 1, H, W] -> [N, H * W]: zero mean, length 1 (0 for an image of a single grey)."""
    flat = pixels.flatten(1)
    return F.normalize(flat - flat.mean(dim=1, keepdim=True))


def tiny_images(split: Split) -> tuple[Floats, Costs]:
    """The photograph at 16x16 pixels (Torralba et al. 2008), normalized."""
    transform = transforms.Compose([transforms.Resize((16, 16)), transforms.ToTensor()])
    return _of_batches(split, transform, tiny_image, {"seconds": 0.0, "peak": 0.0})


# ------------------------------------------------------------------------ visual words


def bag_of_words(split: Split, words: int) -> tuple[Floats, Costs]:
    """How often each visual word occurs in the photograph."""
    return _histograms(split, words, levels=1)


class Grid(NamedTuple):
    """Where and how descriptors are computed.

    Attributes:
        side: of the photograph, in pixels.
        step: keep every one, every second, ... of the descriptors in each direction.
        contrast: patches whose mean gradient is below this (0 to 1, per pixel) get descriptors that
            are shorter in proportion, so that the noise of sky and walls counts less.
    """

    side: int = 256
    step: int = 1
    contrast: float = 0.0

    @property
    def suffix(self) -> str:
        """For names of files; empty for the usual grid."""
        return "" if self == USUAL else "-" + "-".join(f"{value:g}" for value in self)


USUAL = Grid()


def spatial_pyramid(split: Split, words: int, grid: Grid = USUAL) -> tuple[Floats, Costs]:
    """Visual words counted in the photograph, its quarters and its sixteenths."""
    return _histograms(split, words, levels=3, grid=grid)


def pyramid_histogram(grid: torch.Tensor, words: int, levels: int = 3) -> torch.Tensor:
    """Histograms of visual words over a spatial pyramid (Lazebnik et al. 2006, section 3).

    Level l divides the grid into 2^l x 2^l cells. A match in a smaller cell says more, so with
    L = levels - 1, level 0 has the weight 1 / 2^L, and level l the weight 1 / 2^(L - l + 1). The
    intersection of two weighted histograms is then the paper's pyramid match kernel.

    Args:
        grid: the word at each position, int [N, rows, columns].
        words: number of visual words, M.
        levels: 1 for a bag of words; the paper recommends 3.

    Returns:
        [N, M * (1 + 4 + 16)] for 3 levels, cell by cell; each row has the sum 1.
    """
    count, rows, columns = grid.shape
    parts = []
    for level in range(levels):
        side = 2**level
        row, column = torch.arange(rows) * side // rows, torch.arange(columns) * side // columns
        bins = (row[:, None] * side + column) * words + grid.long()
        histogram = torch.zeros(count, side * side * words)
        histogram.scatter_add_(1, bins.flatten(1), torch.ones(count, rows * columns))
        weight = 0.5 ** (levels - 1) if level == 0 else 0.5 ** (levels - level)
        parts.append(histogram * (weight / (rows * columns)))
    return torch.cat(parts, dim=1)


def _histograms(split: Split, words: int, levels: int, grid: Grid = USUAL) -> tuple[Floats, Costs]:
    found, costs = _visual_words(split, words, grid)
    start = time.process_time()
    x = torch.cat([pyramid_histogram(part, words, levels) for part in found.split(BATCH)])
    costs["ms"] += 1000 * (time.process_time() - start) / len(x)
    return x.numpy(), costs


def _visual_words(split: Split, words: int, grid: Grid) -> tuple[torch.Tensor, Costs]:
    """The visual word nearest to each descriptor: int16 [N, rows, columns]."""

    def make() -> tuple[NDArray[np.int16], Costs]:
        grids, places, ms = _sift_grids(split, grid)
        _, _, trained = split.images()
        generator = np.random.default_rng(split.seed)
        costs: Costs = {}
        with costs_in(costs):  # 50 descriptors of 1,000 images
            some = [
                grids[place].reshape(-1, 128)[
                    generator.integers(grids[place][..., 0].size, size=50)
                ]
                for place in generator.permutation(places[:trained])[:1000]
            ]
            means = KMeans(words, n_init=1, max_iter=30, random_state=split.seed)
            means.fit(np.concatenate(some).astype(np.float32))
        centers = torch.from_numpy(means.cluster_centers_.astype(np.float32))
        half_norms = centers.square().sum(dim=1) / 2
        start = time.process_time()
        nearest = [
            (half_norms - torch.from_numpy(grids[place].astype(np.float32)) @ centers.T).argmin(-1)
            for place in places
        ]
        costs["ms"] = ms + 1000 * (time.process_time() - start) / len(places)
        return torch.stack(nearest).to(torch.int16).numpy(), costs

    found, costs = stored(split.folder, f"words{words}{grid.suffix}", make)
    return torch.from_numpy(found), costs


def _sift_grids(split: Split, grid: Grid) -> tuple[NDArray[np.float16], list[int], float]:
    """(descriptors of all photographs, the place of each of the split's images in them, ms each).

    Descriptors are not learned, so all splits share them: 1.7 GB, mapped from disk.
    """
    dataset, _, _ = split.images(
        transforms.Compose([transforms.Resize((grid.side, grid.side)), transforms.ToTensor()])
    )
    files = [str(Path(image).resolve()) for image, _ in dataset.dataset]
    sift, step = DenseSift(), grid.step

    def describe(images: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = sift(images)
        if grid.contrast:
            found = found * (mean_gradient(images) / grid.contrast).clamp(max=1)[..., None]
        return found[:, ::step, ::step].half()

    def make() -> tuple[NDArray[np.float16], float]:
        order, start = sorted(range(len(files)), key=files.__getitem__), time.process_time()
        with torch.inference_mode():
            loader = DataLoader(Subset(dataset, order), BATCH // 4)
            parts = [describe(images) for images, _ in loader]
        ms = 1000 * (time.process_time() - start) / len(files)
        return torch.cat(parts).numpy(), ms

    grids, ms = stored(split.scratch, f"sift{grid.suffix}", make, mapped=True)
    place = {file: index for index, file in enumerate(sorted(files))}
    return grids, [place[file] for file in files], ms


def mean_gradient(images: torch.Tensor) -> torch.Tensor:
    """The mean gradient in each patch of `DenseSift`: images [N, 1, H, W] -> [N, rows, columns]."""
    return F.avg_pool2d(torch.hypot(*slopes(images)), 29, stride=6)[:, 0]


# ------------------------------------------------------------------------ learned from gradients


def fisher_vectors(split: Split) -> tuple[Floats, Costs]:
    """The project's Fisher vectors, with a smaller mixture of Gaussians."""
    net, costs = FisherVectorNet(GAUSSIANS).eval(), dict[str, float]()
    dataset, _, trained = split.images(AS_SIFT)
    with costs_in(costs):
        net.fit_words(Subset(dataset, range(trained)), seed=split.seed)
    return _of_batches(split, AS_SIFT, net.fisher_vectors, costs)


def features(split: Split, recipe: str) -> tuple[Floats, Costs]:
    """What the last layer of a trained network sees, each value with mean 0 and deviation 1."""
    run, costs = trained_net(split, recipe)
    net: Any = run.model
    layers = torch.nn.Sequential(net.conv_layers, net.fc_layers[:-1])
    x, costs = _of_batches(split, run.transform, layers, costs)
    _, learning, _ = split.images()
    mean, deviation = x[:learning].mean(axis=0), x[:learning].std(axis=0)
    return (x - mean) / np.maximum(deviation, 1e-6), costs


def trained_net(split: Split, name: str) -> tuple[LoadedRun, Costs]:
    """A network of a recipe, trained on the images to learn from; its last epoch counts.

    A run that was stopped is resumed; its costs are then those of the epochs since.
    """
    folder = split.folder / name
    if not (folder / "costs.json").exists():
        recipe = RECIPES[name].override([f"seed={split.seed}", f"val_fraction={VALIDATION}"])
        costs: Costs = {}
        with costs_in(costs):
            trainer = recipe.make_trainer(split.data_dir, folder, load_from_disk=True)
            train_to_the_end(trainer, recipe.epochs)
        write_json(folder / "costs.json", costs)
    run = load_run(folder, checkpoint="last", device="cpu")
    return run, json.loads((folder / "costs.json").read_text())


def _of_batches(
    split: Split, transform: Any, function: Callable[[torch.Tensor], torch.Tensor], costs: Costs
) -> tuple[Floats, Costs]:
    """A function of all images of a split, and the milliseconds that it took for each.

    Reading a file and shrinking it is counted in, because a small image is cheap only after that.
    """
    dataset, _, _ = split.images(transform)
    start = time.process_time()
    with torch.inference_mode():
        parts = [function(images) for images, _ in DataLoader(dataset, BATCH)]
    costs["ms"] = 1000 * (time.process_time() - start) / len(dataset)
    return torch.cat(parts).numpy(), costs


REPRESENTATIONS: dict[str, Callable[[Split], tuple[Floats, Costs]]] = {
    "tiny images": tiny_images,
    "bag of words": lambda split: bag_of_words(split, 200),
    "pyramid 200": lambda split: spatial_pyramid(split, 200),
    "pyramid 400": lambda split: spatial_pyramid(split, 400),
    "Fisher vectors": fisher_vectors,
    "part2 features": lambda split: features(split, "part2"),
    "fast80 features": lambda split: features(split, "fast80"),
}
# SIFT's cells of 4x4 pixels and steps of 8, of the size of the photographs, as in the paper
PAPER_GRID = "pyramid 200, paper's grid"
REPRESENTATIONS[PAPER_GRID] = lambda split: spatial_pyramid(split, 200, Grid(384, 2))
SHORT = "pyramid 200, flat patches short"
REPRESENTATIONS[SHORT] = lambda split: spatial_pyramid(split, 200, Grid(contrast=0.02))
EXTRA = (PAPER_GRID, SHORT)  # only if asked for
HISTOGRAMS = ("bag of words", "pyramid 200", "pyramid 400", *EXTRA)
