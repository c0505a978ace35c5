"""Time flip, jitter and normalization of a batch: torchvision image by image, ours, kornia.

    python benchmarks/transforms.py          # pip install kornia for its row

The systems take turns on one thread. Each time is the median over `--rounds` batches of 32 images
of 64x64. "x" says how many times faster a system is than torchvision image by image. "error" is the
largest difference from torchvision at a fixed brightness factor of 1.3.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from common import run_script
from PIL import Image
from torchvision import transforms

from scene_recog.data_transforms import get_all_transforms
from scene_recog.datasets.sketch15 import CLASSES, draw_scene
from scene_recog.loading.batch_transforms import split_pipeline

MEAN, STD = 0.45, 0.25
System = tuple[Callable[[], torch.Tensor], Callable[[], torch.Tensor]]  # transform, brighten


def make_systems(images: list[Image.Image], batch: torch.Tensor) -> dict[str, System]:
    """For each system, one function that transforms the batch and one that brightens it by 1.3."""
    pipeline = get_all_transforms((64, 64), [MEAN], [STD])
    tail = split_pipeline(pipeline).tail
    per_image = transforms.Compose(pipeline.transforms[1:])  # the images are already resized
    brighter = transforms.Compose(
        [transforms.Resize((64, 64)), transforms.ColorJitter((1.3, 1.3)), transforms.ToTensor()]
    )
    brighter_tail = split_pipeline(brighter).tail
    systems: dict[str, System] = {
        "torchvision, image by image": (
            lambda: torch.stack([per_image(image) for image in images]),
            lambda: torch.stack([brighter(image) for image in images]),
        ),
        "ours, on the batch": (lambda: tail(batch), lambda: brighter_tail(batch)),
    }
    try:
        from kornia import augmentation as kornia
    except ImportError:
        return systems
    sequence = torch.nn.Sequential(
        kornia.RandomHorizontalFlip(p=0.5),
        kornia.RandomBrightness((0.8, 1.2), p=1.0),
        kornia.RandomContrast((0.8, 1.2), p=1.0),
        kornia.Normalize(torch.tensor([MEAN]), torch.tensor([STD])),
    )
    brightness = kornia.RandomBrightness((1.3, 1.3), p=1.0)
    systems["kornia, on the batch"] = (
        lambda: sequence(batch / 255),
        lambda: brightness(batch / 255),
    )
    return systems


def main() -> None:
    """Time all systems and print one line for each."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=200)
    args = parser.parse_args()
    torch.set_num_threads(1)
    images = [
        draw_scene(CLASSES[number % 15], np.random.default_rng(number)).resize((64, 64))
        for number in range(32)
    ]
    batch = torch.stack([transforms.functional.pil_to_tensor(image) for image in images])

    systems = make_systems(images, batch)
    times: dict[str, list[float]] = {name: [] for name in systems}
    for _ in range(args.rounds):
        for name, (make, _) in systems.items():
            start = time.perf_counter()
            make()
            times[name].append(time.perf_counter() - start)
    reference, slowest = next(iter(systems.values()))[1](), next(iter(times.values()))
    for name, (_, brighten) in systems.items():
        median = statistics.median(times[name])
        error = (brighten() - reference).abs().max().item() * 255
        ratio = statistics.median(slowest) / median
        print(f"{name:28} {median * 1e3:6.2f} ms {ratio:6.1f} x   error {error:5.1f} grey levels")


if __name__ == "__main__":
    run_script(main)
