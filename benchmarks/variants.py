"""Train four small networks for other tasks than classification, and measure them.

    python benchmarks/variants.py [denoising siamese segmentation detection] [--seeds 0 1 2]
        [--data data] [--validation] [--pictures FOLDER]

Denoising, segmentation and detection use drawn scenes; each seed draws its own. The siamese network
uses the photographs if they are there, else drawn scenes. Each task has baselines that cannot see:
fixed filters, the most frequent label at each position, a template, pixels. All four networks are
trained by the same loop (`minimize`); what differs is the loss of a batch.

For each task it prints each seed's results, then mean and standard deviation. With --validation, it
measures on the part of the data that settings are chosen on, otherwise on test.
"""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from common import machine, make_parser, mean_line, run_script
from matplotlib.figure import Figure
from torch import nn
from torchvision.transforms.functional import gaussian_blur

from scene_recog.datasets import describe_dataset, find_dataset
from scene_recog.datasets.sketch15 import BOXED, KINDS
from scene_recog.loading.annotated_sketches import draw_sketches
from scene_recog.loading.windows import (
    SMALLEST,
    background_windows,
    false_alarms,
    mean_sides,
    object_windows,
)
from scene_recog.models.denoiser import Denoiser
from scene_recog.models.detector import (
    STRIDE,
    WINDOW,
    Detector,
    detect,
    longer_sides,
)
from scene_recog.models.embedding import EmbeddingNet
from scene_recog.models.segmenter import Segmenter
from scene_recog.recipes import RECIPES
from scene_recog.training.metrics import average_precision, mean_iou, precision_at, psnr
from scene_recog.visualize.tasks import (
    denoising_figure,
    detection_figure,
    retrieval_figure,
    segmentation_figure,
)

STREETS = ("highway", "industrial", "insidecity", "street", "suburb", "tallbuilding")
NOISE = 25 / 255  # standard deviation


class Result(NamedTuple):
    """Scores by name, the network's first, and a picture."""

    scores: dict[str, float]
    figure: Figure


def minimize(
    net: nn.Module, loss_of_batch: Callable[[], torch.Tensor], steps: int, rate: float
) -> None:
    """Train a network with Adam and a one-cycle schedule; leave it in eval mode."""
    optimizer = torch.optim.Adam(net.parameters(), rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, steps)
    net.train()
    for _ in range(steps):
        loss = loss_of_batch()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    net.eval()


# Denoising


def denoising(seed: int, part: str, _data_dir: Path) -> Result:
    """PSNR in decibels of a denoising network, and of filters with the best strength."""
    train = draw_sketches(300, 128, seed=seed).images
    validation = draw_sketches(60, 128, part="validation", seed=seed).images
    test = draw_sketches(150, 128, part=part, seed=seed).images

    net = Denoiser()

    def loss_of_batch() -> torch.Tensor:
        chosen, (row, column) = torch.randint(len(train), (32,)), torch.randint(96, (2,)).tolist()
        clean = train[chosen, :, row : row + 32, column : column + 32]
        loss: torch.Tensor = net.loss_criterion(net(noisy(clean)), clean)
        return loss

    minimize(net, loss_of_batch, steps=800, rate=3e-3)

    sample = noisy(validation)
    gaussian = max((0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2), key=lambda strength: psnr(
        gaussian_filter(sample, strength), validation))  # fmt: skip
    median = max((3, 5, 7), key=lambda side: psnr(median_filter(sample, side), validation))

    sample = noisy(test)
    with torch.no_grad():
        images = {
            "network": net(sample),
            f"Gaussian filter, deviation {gaussian}": gaussian_filter(sample, gaussian),
            f"median filter, {median}x{median}": median_filter(sample, median),
            "noisy": sample,
        }
    figure = denoising_figure(test[:3], {name: batch[:3] for name, batch in images.items()})
    return Result({name.split(",")[0]: psnr(batch, test) for name, batch in images.items()}, figure)


def noisy(images: torch.Tensor) -> torch.Tensor:
    """Images with Gaussian noise; not clipped, so that its mean stays 0."""
    return images + NOISE * torch.randn_like(images)


def gaussian_filter(images: torch.Tensor, deviation: float) -> torch.Tensor:
    filtered: torch.Tensor = gaussian_blur(images, [9, 9], [deviation, deviation])
    return filtered


def median_filter(images: torch.Tensor, side: int) -> torch.Tensor:
    """The median of side x side pixels around each pixel of [N, 1, H, W]."""
    padded = F.pad(images, (side // 2,) * 4, mode="reflect")
    return F.unfold(padded, side).median(dim=1).values.view(images.shape)


# Siamese networks


def siamese(seed: int, part: str, data_dir: Path) -> Result:
    """Precision at 10 of retrieval by a siamese network, by SimpleNet's features and by pixels."""
    settings = [f"seed={seed}", f"val_fraction={0.1 if part == 'validation' else 0}", "epochs=20"]
    with tempfile.TemporaryDirectory() as folder:
        recipe = RECIPES["part1"].override([*settings, "cache=memory"])
        trainer = recipe.make_trainer(data_dir, folder, device="cpu")
        trainer.run_training_loop(recipe.epochs)
    images, labels = stacked(trainer.train_dataset)
    searched, targets = stacked(trainer.val_dataset)  # the test split if nothing is held out

    net = EmbeddingNet()
    first, second = torch.combinations(torch.arange(64)).T  # every pair of a batch

    def loss_of_batch() -> torch.Tensor:
        chosen = torch.randint(len(images), (64,))
        points = net(mirrored(images[chosen]))
        same = labels[chosen][first] == labels[chosen][second]
        loss: torch.Tensor = net.loss_criterion(points[first], points[second], same)
        return loss

    minimize(net, loss_of_batch, steps=800, rate=3e-3)

    with torch.no_grad():
        points = {
            "siamese network": net(searched),
            "SimpleNet's features": penultimate_features(trainer.model.eval(), searched),
            "pixels": searched.flatten(1),
        }
    names = list(trainer.val_dataset.class_dict)
    figure = retrieval_figure(searched, targets, names, points)
    scores = {name: precision_at(10, found, targets) for name, found in points.items()}
    return Result(scores, figure)


def stacked(dataset: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """All images [N, 1, 64, 64] and labels [N] of a dataset."""
    images, labels = zip(*(dataset[index] for index in range(len(dataset))), strict=True)
    return torch.stack(images), torch.tensor(labels)


def mirrored(images: torch.Tensor) -> torch.Tensor:
    """Half of the images, mirrored left to right."""
    chance = torch.rand(len(images), 1, 1, 1) < 0.5
    return torch.where(chance, images.flip(-1), images)


def penultimate_features(net: Any, images: torch.Tensor) -> torch.Tensor:
    """What the last layer sees: [N, 100]."""
    features: torch.Tensor = net.fc_layers[:-1](net.conv_layers(images))
    return features


# Segmentation


def segmentation(seed: int, part: str, _data_dir: Path) -> Result:
    """Mean IoU of a fully convolutional network, and of the most frequent label of a position."""
    train = draw_sketches(1500, 64, seed=seed)
    test = draw_sketches(300, 64, part=part, seed=seed)

    net = Segmenter(len(KINDS))

    def loss_of_batch() -> torch.Tensor:
        chosen = torch.randint(len(train.images), (32,))
        loss: torch.Tensor = net.loss_criterion(net(train.images[chosen]), train.labels[chosen])
        return loss

    minimize(net, loss_of_batch, steps=600, rate=5e-3)

    prior = F.one_hot(train.labels, len(KINDS)).sum(dim=0).argmax(dim=-1)
    with torch.no_grad():
        labels = {
            "network": net(test.images).argmax(dim=1),
            "prior of each position": prior.expand_as(test.labels),
        }
    figure = segmentation_figure(test, labels, KINDS)
    scores = {name: mean_iou(found, test.labels, len(KINDS)) for name, found in labels.items()}
    return Result(scores, figure)


# Detection


def detection(seed: int, part: str, _data_dir: Path) -> Result:
    """Average precision of a sliding-window network and of a template, for cars and people."""
    train = draw_sketches(900, 192, seed=seed, class_names=STREETS)
    test = draw_sketches(240, 192, part=part, seed=seed, class_names=STREETS)
    objects, background = object_windows(train), background_windows(train)
    sides = mean_sides(train, len(BOXED))

    net = Detector(len(BOXED))

    def loss_of_batch() -> torch.Tensor:
        windows = objects.some(32).and_also(background.some(96)).jittered()
        patches = windows.cut_from(train.images)
        loss: torch.Tensor = net.loss_criterion(net(mirrored(patches)).flatten(1), windows.labels)
        return loss

    minimize(net, loss_of_batch, steps=300, rate=3e-3)
    for first in (0, 200, 400):  # hard negatives: what the network takes for an object
        hard = false_alarms(net, train, range(first, first + 200), sides)
        background = background.and_also(hard)
        minimize(net, loss_of_batch, steps=300, rate=3e-3)

    patches = objects.cut_from(train.images)
    means = torch.stack([patches[objects.labels == 1 + k].mean(dim=0) for k in range(len(BOXED))])
    found = {
        "network": [detect(net.probabilities, image, sides) for image in test.images],
        "template": [
            detect(partial(correlations, means, sides), image, sides, least=0.2)
            for image in test.images
        ],
    }
    ignored = [longer_sides(boxes) < SMALLEST for boxes in test.boxes]
    scores = {
        f"{name}, {BOXED[k]}": average_precision(
            [each.boxes[each.kinds == k] for each in detections],
            [each.scores[each.kinds == k] for each in detections],
            [boxes[kinds == k] for boxes, kinds in zip(test.boxes, test.kinds, strict=True)],
            [small[kinds == k] for small, kinds in zip(ignored, test.kinds, strict=True)],
        )
        for name, detections in found.items()
        for k in range(len(BOXED))
    }
    return Result(scores, detection_figure(test, found["network"], BOXED))


def correlations(means: torch.Tensor, sides: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """Normalized cross-correlation with the mean patch of each kind, from -1 to 1.

    Args:
        means: [kinds, 1, 32, 32].
        sides: of the part of each patch that the object covers, [kinds, 2]; the rest is left out.
        images: [1, 1, H, W].

    Returns:
        [1, kinds, H / 4 - 7, W / 4 - 7].
    """
    maps = []
    for mean, (width, height) in zip(means, sides.round().int().tolist(), strict=True):
        top, left = (WINDOW - height) // 2, (WINDOW - width) // 2
        template = mean[:, top : top + height, left : left + width]
        template = (template - template.mean()) / (template - template.mean()).norm()
        bottom, right = WINDOW - top - height, WINDOW - left - width
        seen = F.pad(images, (-left, -right, -top, -bottom))  # negative: cut off
        average = partial(F.avg_pool2d, kernel_size=(height, width), stride=STRIDE)
        variance = average(seen.square()) - average(seen).square()
        norm = (variance.clamp(min=1e-4) * width * height).sqrt()
        maps.append(F.conv2d(seen, template[None], stride=STRIDE) / norm)
    return torch.cat(maps, dim=1)


TASKS = {task.__name__: task for task in (denoising, siamese, segmentation, detection)}


def main() -> None:
    """Train and measure each task with each seed, and print the results."""
    parser = make_parser(__doc__)
    parser.add_argument("tasks", nargs="*", default=list(TASKS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--validation", action="store_true", help="do not measure on test")
    parser.add_argument("--pictures", type=Path, help="folder for a picture of each task")
    args = parser.parse_args()

    if unknown := set(args.tasks) - set(TASKS):
        raise ValueError(f"unknown task {min(unknown)}: the tasks are {', '.join(TASKS)}")
    part = "validation" if args.validation else "test"
    data_dir = find_dataset(args.data) if "siamese" in args.tasks else Path()
    print(f"{machine()}; measured on {part}")
    for name in args.tasks:
        on = describe_dataset(data_dir).title if name == "siamese" else "drawn scenes"
        print(f"\n{name}, on {on}")
        columns = defaultdict(list)
        for seed in args.seeds:
            torch.manual_seed(seed)
            start = time.perf_counter()
            result = TASKS[name](seed, part, data_dir)
            scores = ", ".join(f"{key} {score:.4f}" for key, score in result.scores.items())
            print(f"seed {seed}: {scores}; {time.perf_counter() - start:.0f} s", flush=True)
            for key, score in result.scores.items():
                columns[key].append(score)
            if args.pictures and seed == args.seeds[0]:
                args.pictures.mkdir(parents=True, exist_ok=True)
                result.figure.savefig(args.pictures / f"{name}.png", dpi=90)
        for key, values in columns.items():
            print(mean_line(key, values, max(map(len, columns))))


if __name__ == "__main__":
    run_script(main)
