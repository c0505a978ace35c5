"""Batches from images that were decoded once, so that an epoch is almost only arithmetic.

If the result could differ from the dataset's own `__getitem__` (see `reading`), or if the transform
has no batched form, a `DataLoader` reads image by image.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader, Sampler, default_collate

from scene_recog.datasets.images import image_name
from scene_recog.image_loader import ImageLoader
from scene_recog.loading.batch_transforms import UnsupportedTransform, split_pipeline
from scene_recog.loading.cache import NotGrayscaleError, default_cache_dirs, load_images
from scene_recog.loading.reading import (
    ImageByImage,
    as_label,
    read_example,
    why_image_by_image,
)
from scene_recog.system import processes
from scene_recog.system.progress import notice

CACHE_MODES = ("disk", "memory", "off")

Batch = tuple[torch.Tensor, torch.Tensor]


class BatchSampler(Sampler[list[int]]):
    """The examples in each batch of an epoch, drawn from torch's global generator.

    With several processes, each batch is divided among them: no example is used twice. All must
    take the same number of steps, so training drops the last examples of an epoch if there is not
    one for each process. Each process draws its own augmentation and dropout.

    Args:
        n: number of examples.
        batch_size: examples per batch, over all processes.
        shuffle: a new order each time, as in training.
    """

    def __init__(self, n: int, batch_size: int, *, shuffle: bool) -> None:
        self.n = n
        self.batch_size = batch_size
        self.shuffle = shuffle

    def __len__(self) -> int:
        """Number of batches, the same in every process."""
        full, rest = divmod(self.n, self.batch_size)
        return full + (rest > 0 and not self._is_too_few(rest))

    def __iter__(self) -> Iterator[list[int]]:
        return (share.tolist() for share in self.draw())

    def draw(self, device: torch.device | None = None) -> Iterator[torch.Tensor]:
        """The batches of one epoch as int64 index tensors on `device`."""
        order = torch.randperm(self.n) if self.shuffle else torch.arange(self.n)
        rank, world_size = processes.rank(), processes.world_size()
        if world_size > 1 and self.shuffle:
            torch.manual_seed(int(torch.randint(2**62, ())) + rank)
        for batch in torch.split(order.to(device), self.batch_size):
            share = batch[rank::world_size]
            if len(share) and not self._is_too_few(len(batch)):
                yield share

    def _is_too_few(self, examples: int) -> bool:
        return self.shuffle and examples < processes.world_size()


class BatchLoader:
    """Like a `DataLoader` over an `ImageLoader`, but from one tensor and with batched transforms.

    Iterating gives (x, y) on `device`: x as the dataset's transform makes it, stacked; y integers.
    Shuffling and augmentation draw from torch's global generator.

    Args:
        dataset: the examples, in order.
        images: uint8 [M, 1, H, W], M >= N; may be a memory-mapped file.
        positions: int64 [N], where in `images` each example is.
        tail: the rest of the transform, uint8 [n, 1, H, W] -> x.
        batch_size: images per batch; the last batch may be smaller.
        shuffle: a new order each time.
        device: where the images are kept and the batches are made.
    """

    def __init__(
        self,
        dataset: ImageLoader,
        images: torch.Tensor,
        positions: torch.Tensor,
        tail: Callable[[torch.Tensor], torch.Tensor],
        batch_size: int,
        *,
        shuffle: bool,
        device: torch.device,
    ) -> None:
        self.dataset = dataset
        self.batch_size = batch_size
        # On a GPU, the images are copied there once; on the CPU, they stay in the file, so that
        # memory does not grow with the dataset.
        on_cpu = device.type == "cpu"
        self.images = images if on_cpu else images[positions].to(device)
        self.positions = positions if on_cpu else torch.arange(len(positions), device=device)
        self.labels = torch.tensor(
            [as_label(label) for _, label in dataset.dataset], dtype=torch.int64, device=device
        )
        self.tail = tail
        self.batches = BatchSampler(len(self.labels), batch_size, shuffle=shuffle)

    def __len__(self) -> int:
        """Number of batches."""
        return len(self.batches)

    def __iter__(self) -> Iterator[Batch]:
        for indices in self.batches.draw(self.labels.device):
            yield self.tail(self.images[self.positions[indices]]), self.labels[indices]


Loader = BatchLoader | DataLoader[Any]


def make_loader(
    dataset: ImageLoader,
    batch_size: int,
    *,
    shuffle: bool,
    device: torch.device,
    cache: str,
    left_out: Collection[str] = (),
) -> Loader:
    """The fastest loader with the results of `DataLoader(dataset, batch_size, shuffle)`.

    Args:
        dataset: the examples; its transform is a torchvision `Compose`, or anything else.
        batch_size, shuffle, device: as for `BatchLoader`.
        cache: "disk" keeps the decoded images in a file for the next run, "memory" for this one
            only; "off" decodes every image in every epoch, as the course's starter does.
        left_out: paths of images that are left out of the dataset because they cannot be read.

    Returns:
        A `BatchLoader`; a `DataLoader` if cache is "off", or if the images must be read or
        transformed one by one, with a notice on stderr.

    Raises:
        UnreadableImageError, FileNotFoundError: an image cannot be read, or is missing.
    """
    loader, why_slow = _fastest(
        dataset, batch_size, shuffle=shuffle, device=device, cache=cache, left_out=left_out
    )
    if why_slow:
        notice(why_slow)
    return loader


def make_loaders(
    train: ImageLoader,
    val: ImageLoader,
    batch_size: int,
    *,
    device: torch.device,
    cache: str,
    left_out: Collection[str] = (),
) -> tuple[Loader, Loader]:
    """`make_loader` for training, shuffled, and for validation; a notice for both appears once.

    Args:
        train, val: the examples.
        batch_size, device, cache, left_out: as for `make_loader`.
    """
    made = [
        _fastest(data, batch_size, shuffle=shuffle, device=device, cache=cache, left_out=left_out)
        for data, shuffle in ((train, True), (val, False))
    ]
    for why_slow in dict.fromkeys(why_slow for _, why_slow in made if why_slow):
        notice(why_slow)
    return made[0][0], made[1][0]


def _fastest(
    dataset: ImageLoader,
    batch_size: int,
    *,
    shuffle: bool,
    device: torch.device,
    cache: str,
    left_out: Collection[str],
) -> tuple[Loader, str]:
    """(a loader, the reason why it is slow, for a notice)."""
    slow = _image_by_image(dataset, batch_size, shuffle=shuffle)
    if cache == "off":
        return slow, ""
    try:
        pipeline = split_pipeline(dataset.transform)
    except UnsupportedTransform as error:
        return slow, f"{error}: transforming image by image, which is slower."
    if reason := why_image_by_image(dataset):
        return slow, f"{reason}: reading image by image, which is slower."

    wanted = [str(path) for path, _ in dataset.dataset]
    paths, directory = _paths_to_cache(dataset, wanted, left_out)
    try:
        images = load_images(
            paths,
            dataset.load_img_from_path,
            pipeline.head,
            cache_dir=directory if cache == "disk" else None,
        )
    except NotGrayscaleError as error:
        # Not an error if the transform, or `__getitem__`, converts it to one channel.
        x, _ = read_example(dataset, 0)
        if tuple(getattr(x, "shape", ()))[:1] != (1,):
            raise
        return slow, f"{error}: reading image by image, which is slower."
    position = {path: index for index, path in enumerate(paths)}
    positions = torch.tensor([position[path] for path in wanted])
    fast = BatchLoader(
        dataset, images, positions, pipeline.tail, batch_size, shuffle=shuffle, device=device
    )
    return fast, ""


def _paths_to_cache(
    dataset: ImageLoader, wanted: list[str], left_out: Collection[str]
) -> tuple[list[str], Path | None]:
    """(images to decode, cache folder); no folder for files outside any data folder.

    The whole split is cached, even if only a part is needed, so that one file serves all seeds.
    """
    whole = [str(p) for p, _ in dataset.load_imagepaths_with_labels(dataset.class_dict)]
    if left_out:
        skipped = {image_name(path, dataset.root) for path in left_out}
        whole = [path for path in whole if image_name(path, dataset.root) not in skipped]
    if set(wanted) <= set(whole):
        return whole, default_cache_dirs(Path(dataset.root))[0]
    return list(dict.fromkeys(wanted)), None


def _image_by_image(dataset: ImageLoader, batch_size: int, *, shuffle: bool) -> DataLoader[Any]:
    examples = ImageByImage(dataset)
    if processes.world_size() == 1:
        return DataLoader(examples, batch_size, shuffle=shuffle, collate_fn=_stacked)
    sampler = BatchSampler(len(dataset), batch_size, shuffle=shuffle)
    return DataLoader(examples, batch_sampler=sampler, collate_fn=_stacked)


def _stacked(examples: list[tuple[Any, int]]) -> Any:
    """A batch as torch collates it, or an error for images that cannot be stacked.

    Raises:
        ValueError: they have different sizes.
    """
    shapes = {tuple(getattr(image, "shape", ())): None for image, _ in examples}
    if len(shapes) > 1:
        first, second = list(shapes)[:2]
        raise ValueError(
            f"the images of a batch have different sizes, {list(first)} and {list(second)}: the "
            "transform must resize them with Resize((height, width)), with both numbers"
        )
    return default_collate(examples)
