"""Batches from images that were decoded once, so that an epoch is little but arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader, Sampler

from scene_recog.image_loader import ImageLoader
from scene_recog.loading.batch_transforms import UnsupportedTransform, split_pipeline
from scene_recog.loading.cache import default_cache_dirs, load_images
from scene_recog.system import processes
from scene_recog.system.progress import notice

CACHE_MODES = ("disk", "memory", "off")

Batch = tuple[torch.Tensor, torch.Tensor]


class BatchSampler(Sampler[list[int]]):
    """Which examples go into each batch of an epoch, drawn from torch's global generator.

    With several processes, each batch is dealt out: they share no example, and leave none out but
    the last of an epoch in training, where there is not one for each (they all must take the same
    number of steps). Then each process draws its augmentation and dropout on its own.

    Args:
        n: number of examples.
        batch_size: examples per batch, in all processes together.
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
        """The batches of one epoch as index tensors, int64, on `device`."""
        order = torch.randperm(self.n) if self.shuffle else torch.arange(self.n)
        rank, world_size = processes.rank(), processes.world_size()
        if world_size > 1 and self.shuffle:
            torch.manual_seed(int(torch.randint(2**62, ())) + rank)
        for batch in order.to(device).split(self.batch_size):
            share = batch[rank::world_size]
            if len(share) and not self._is_too_few(len(batch)):
                yield share

    def _is_too_few(self, examples: int) -> bool:
        return self.shuffle and examples < processes.world_size()


class BatchLoader:
    """Like a `DataLoader` over an `ImageLoader`, from one tensor and with batched transforms.

    Iterating gives (x, y) on `device`: x as the dataset's transform makes it, stacked; y integers.
    Shuffling and augmentation draw from torch's global generator.

    Args:
        dataset: the examples, in order.
        images: uint8 [M, 1, H, W], M >= N; may be a memory-mapped file.
        positions: int64 [N], where in `images` each example is.
        tail: what is left of the transform, uint8 [n, 1, H, W] -> x.
        batch_size: images per batch; the last batch may be smaller.
        shuffle: a new order each time.
        device: where the images are kept and the batches made.
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
        # On a GPU the images move there once; on the CPU they stay in the file, so that memory
        # does not grow with the dataset.
        on_cpu = device.type == "cpu"
        self.images = images if on_cpu else images[positions].to(device)
        self.positions = positions if on_cpu else torch.arange(len(positions), device=device)
        self.labels = torch.tensor([label for _, label in dataset.dataset], device=device)
        self.tail = tail
        self.batches = BatchSampler(len(self.labels), batch_size, shuffle=shuffle)

    def __len__(self) -> int:
        """Number of batches."""
        return len(self.batches)

    def __iter__(self) -> Iterator[Batch]:
        for indices in self.batches.draw(self.labels.device):
            yield self.tail(self.images[self.positions[indices]]), self.labels[indices]


def make_loader(
    dataset: ImageLoader,
    batch_size: int,
    *,
    shuffle: bool,
    device: torch.device,
    cache: str,
    left_out: Collection[str] = (),
) -> BatchLoader | DataLoader[Any]:
    """The fastest loader that gives what `DataLoader(dataset, batch_size, shuffle)` gives.

    Args:
        dataset: the examples; its transform is a torchvision `Compose`, or anything else.
        batch_size, shuffle, device: as for `BatchLoader`.
        cache: "disk" keeps the decoded images in a file for the next run, "memory" for this one
            only; "off" decodes every image in every epoch, as the course's starter does.
        left_out: paths of images that the dataset does without, since they cannot be read.

    Returns:
        A `BatchLoader`; a `DataLoader` if cache is "off" or the transform has no batched form
        (which is said once, on stderr).
    """
    if cache == "off":
        return _plain_loader(dataset, batch_size, shuffle=shuffle)
    try:
        pipeline = split_pipeline(dataset.transform)
    except UnsupportedTransform as error:
        notice(f"{error}: transforming image by image, which is slower.")
        return _plain_loader(dataset, batch_size, shuffle=shuffle)

    # The whole split is cached, whichever part of it is asked for: one file serves all seeds.
    everything = dataset.load_imagepaths_with_labels(dataset.class_dict)
    split = [path for path, _ in everything if path not in left_out]
    directory = default_cache_dirs(Path(dataset.root))[0] if cache == "disk" else None
    images = load_images(split, dataset.load_img_from_path, pipeline.head, cache_dir=directory)
    position = {path: index for index, path in enumerate(split)}
    positions = torch.tensor([position[path] for path, _ in dataset.dataset])
    return BatchLoader(
        dataset, images, positions, pipeline.tail, batch_size, shuffle=shuffle, device=device
    )


def _plain_loader(dataset: ImageLoader, batch_size: int, *, shuffle: bool) -> DataLoader[Any]:
    if processes.world_size() == 1:
        return DataLoader(dataset, batch_size, shuffle=shuffle)
    return DataLoader(
        dataset, batch_sampler=BatchSampler(len(dataset), batch_size, shuffle=shuffle)
    )
