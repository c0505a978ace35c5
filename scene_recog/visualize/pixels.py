"""The network's input: example images, and the effects of augmentation and normalization."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image

from scene_recog.image_loader import ImageLoader
from scene_recog.system.figures import BLUE, VERMILION, new_figure
from scene_recog.visualize.style import image_grid


def class_examples_figure(dataset: ImageLoader, title: str, *, seed: int = 0) -> Figure:
    """An image of each class, as the dataset's transform gives it, with the number of images.

    Args:
        dataset: its transform gives tensors [1, H, W].
        title: the figure's title.
        seed: which images.
    """
    labels = np.array([label for _, label in dataset.dataset])
    rng = np.random.default_rng(seed)
    images, captions = [], []
    for name, label in dataset.class_dict.items():
        mine = np.flatnonzero(labels == label)
        if len(mine):
            images.append(dataset[int(rng.choice(mine))][0])
            captions.append(f"{label}: {name}, {len(mine)}")
    return image_grid(images, captions, title)


def augmentation_figure(
    image: Image.Image, transform: Callable[[Image.Image], Any], title: str, *, draws: int = 16
) -> Figure:
    """One image as the network sees it in several epochs.

    Args:
        image: PIL image, mode L.
        transform: the training transforms, PIL image -> tensor [1, H, W].
        title: the figure's title.
        draws: how many times the transform is called.
    """
    drawn = torch.stack([transform(image) for _ in range(draws)])
    captions = [f"draw {number + 1}" for number in range(draws)]
    # One grey scale for all, or the brightness jitter would not show.
    limits = (float(drawn.min()), float(drawn.max()))
    return image_grid(list(drawn), captions, title, columns=8, limits=limits)


def normalization_figure(
    before: ImageLoader, after: ImageLoader, title: str, *, images: int = 300
) -> Figure:
    """Histograms of the pixels without and with normalization, with mean and standard deviation.

    Args:
        before, after: the same images, without and with normalization in their transforms.
        title: the figure's title.
        images: take this many, evenly spread over the dataset.
    """
    figure = new_figure(10, 3.2, title)
    chosen = np.linspace(0, len(before) - 1, min(images, len(before))).astype(int)
    panels = (("before", before, BLUE), ("after", after, VERMILION))
    for axes, (name, dataset, colour) in zip(figure.subplots(1, 2), panels, strict=True):
        pixels = torch.stack([torch.as_tensor(dataset[index][0]) for index in chosen]).flatten()
        mean, std = float(pixels.mean()), float(pixels.std())
        axes.hist(pixels.numpy(), bins=64, color=colour, density=True)
        axes.axvline(mean, color="black")
        for edge in (mean - std, mean + std):
            axes.axvline(edge, color="black", linestyle="--", linewidth=1)
        axes.set_title(f"{name}: mean {mean:.3f}, standard deviation {std:.3f}", fontsize=10)
        axes.set(xlabel="pixel value", ylabel="density")
    return figure
