"""Time an epoch the course's way and ours, and compare both with the arithmetic alone.

    python benchmarks/epoch_time.py [--data data] [--epochs 5] [--device cpu]

It times part1, part2, and part2 with a network of the size that students hand in (25,899
parameters). The systems take turns, epoch by epoch. Each figure is the median of `--epochs` epochs
at batch 32; an epoch trains on train and validates on test:

    a  open, decode and transform every image in every epoch; DataLoader without workers
    b  the same with two workers
    c  ours, float32: images are decoded once and transformed in batches
    d  ours with bfloat16 autocast, where the processor has it
    e  the floor: the same network, batches and steps on random data already in memory, with
       torch's fused optimizer, in both memory formats; the faster one counts
    f  like e, in Keras on TensorFlow (f and g: if installed, see peers.py; on the CPU only)
    g  like e, in JAX with Flax

All share a process that keeps freed memory (system/memory.py), so a, b and e are faster than they
would be alone.

Then it times the start of a process up to its first step, with an empty cache and a full one.
"""

from __future__ import annotations

import argparse
import multiprocessing
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from common import machine, run_script
from peers import peer_epochs
from torch import nn
from torch.utils.data import DataLoader

from scene_recog.datasets import find_dataset
from scene_recog.loading.cache import clear_cache, default_cache_dirs
from scene_recog.models import NETS
from scene_recog.recipes import RECIPES, Recipe, get_recipe
from scene_recog.runner import Trainer
from scene_recog.system.devices import has_bfloat16

FIRST_STEP = """
import sys, time
started = float(sys.argv[1])
import torch, torchvision
from torch.optim.lr_scheduler import OneCycleLR
libraries = time.time() - started
from scene_recog.recipes import get_recipe
recipe = get_recipe(sys.argv[2]).override(["val_fraction=0"])
trainer = recipe.make_trainer(sys.argv[3], sys.argv[4], device=sys.argv[5])
x, y = next(iter(trainer.train_loader))
trainer.model.loss_criterion(trainer.model(x), y).backward()
trainer.optimizer.step()
total = time.time() - started
print(libraries, total - libraries)
"""


class StudentNet(nn.Module):
    """Three convolutional stages with batch norm, dropout, two linear layers: 25,899 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_layers = nn.Sequential(  # [N, 1, 64, 64]
            nn.Conv2d(1, 10, kernel_size=5),
            nn.BatchNorm2d(10),
            nn.MaxPool2d(3),
            nn.ReLU(),  # [N, 10, 20, 20]
            nn.Conv2d(10, 20, kernel_size=3, padding=1),
            nn.BatchNorm2d(20),
            nn.MaxPool2d(2),
            nn.ReLU(),  # [N, 20, 10, 10]
            nn.Dropout(),
            nn.Conv2d(20, 32, kernel_size=3, padding=1),
            nn.MaxPool2d(2),
            nn.ReLU(),  # [N, 32, 5, 5]
        )
        self.fc_layers = nn.Sequential(
            nn.Flatten(), nn.Linear(800, 22), nn.ReLU(), nn.Linear(22, 15)
        )
        self.loss_criterion = nn.CrossEntropyLoss()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images [N, 1, 64, 64] -> logits [N, 15]."""
        logits: torch.Tensor = self.fc_layers(self.conv_layers(x))
        return logits


def synchronize(device: str) -> None:
    """Wait until the GPU has finished its queued work."""
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def trainer_epoch(trainer: Trainer) -> Callable[[], None]:
    """A function that trains one epoch and validates."""

    def epoch() -> None:
        nets = [trainer.model, trainer.averaged_model]
        with trainer.arithmetic.in_use(nets, trainer.optimizer):
            trainer.train_epoch()
            trainer.validate()

    return epoch


def floor_epoch(
    recipe: Recipe, trainer: Trainer, memory_format: torch.memory_format
) -> Callable[[], None]:
    """A function that does only the arithmetic of an epoch."""
    device = trainer.device
    n_train, n_val = len(trainer.train_dataset), len(trainer.val_dataset)
    size = recipe.input_size
    x_train = torch.randn(n_train, 1, size, size, device=device)
    x_val = torch.randn(n_val, 1, size, size, device=device)
    y_train = torch.randint(15, (n_train,), device=device)
    y_val = torch.randint(15, (n_val,), device=device)
    model: Any = recipe.make_model().to(device).to(memory_format=memory_format)
    optimizer = recipe.make_optimizer(model)
    for group in optimizer.param_groups:
        if "fused" in group:
            group["fused"] = True
    batches = [(i, i + recipe.batch_size) for i in range(0, n_train, recipe.batch_size)]

    def epoch() -> None:
        model.train()
        for start, end in batches:
            loss = model.loss_criterion(model(x_train[start:end]), y_train[start:end])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.inference_mode():
            for start in range(0, n_val, recipe.batch_size):
                end = start + recipe.batch_size
                model.loss_criterion(model(x_val[start:end]), y_val[start:end])

    return epoch


def measure(recipe: Recipe, data_dir: Path, device: str, epochs: int, folder: Path) -> None:
    """Time all systems with one recipe and print the table."""

    def trainer(**options: Any) -> Trainer:
        return recipe.make_trainer(data_dir, folder / "run", device=device, **options)

    ours = trainer()
    slow = {"cache": "off", "memory_format": "contiguous"}
    with_workers = trainer(**slow)
    with_workers.train_loader, with_workers.val_loader = (
        DataLoader(dataset, recipe.batch_size, shuffle=shuffle, num_workers=2)
        for dataset, shuffle in (
            (with_workers.train_dataset, True), (with_workers.val_dataset, False),
        )
    )  # fmt: skip
    systems = {
        "a  decode every epoch": trainer_epoch(trainer(**slow)),
        "b  the same, 2 workers": trainer_epoch(with_workers),
        "c  ours, float32": trainer_epoch(ours),
        "e  floor, contiguous": floor_epoch(recipe, ours, torch.contiguous_format),
        "e  floor, channels_last": floor_epoch(recipe, ours, torch.channels_last),
    }
    if has_bfloat16(ours.device):
        systems["d  ours, bfloat16"] = trainer_epoch(trainer(amp="on"))
    if device == "cpu":
        systems |= peer_epochs(recipe, len(ours.train_dataset), len(ours.val_dataset))
    seconds: dict[str, list[float]] = {name: [] for name in systems}
    for round_number in range(epochs + 1):
        for name, epoch in systems.items():
            synchronize(device)
            start = time.perf_counter()
            epoch()
            synchronize(device)
            if round_number:  # the first round is a warm-up
                seconds[name].append(time.perf_counter() - start)
    systems.clear()
    for peer in multiprocessing.active_children():  # they would disturb the next measurement
        peer.terminate()
        peer.join()

    medians = {name: statistics.median(times) for name, times in seconds.items()}
    floor = min(median for name, median in medians.items() if name.startswith("e"))
    slowest = medians["a  decode every epoch"]
    print(f"\n{recipe.name}: {recipe.model}, batch {recipe.batch_size}, "
          f"{len(ours.train_dataset)} + {len(ours.val_dataset)} images; "
          f"ours: {ours.arithmetic}")  # fmt: skip
    print(f"{'':24} {'median':>8} {'min':>8} {'max':>8}   {'a / it':>6} {'it / e':>6}")
    for name, times in sorted(seconds.items()):
        median = medians[name]
        print(
            f"{name:24} {median:6.3f} s {min(times):6.3f} s {max(times):6.3f} s   "
            f"{slowest / median:6.2f} {median / floor:6.2f}"
        )


def measure_first_step(recipe: str, data_dir: Path, device: str, folder: Path) -> None:
    """Print the time from the start of a process to its first step, with a cold and warm cache."""
    for cache in ("cold", "warm", "warm", "warm"):
        if cache == "cold":
            for directory in default_cache_dirs(data_dir):
                clear_cache(directory)
        result = subprocess.run(
            [sys.executable, "-c", FIRST_STEP, str(time.time()), recipe, str(data_dir),
             str(folder / "first"), device],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        libraries, own = map(float, result.stdout.split())
        print(f"first step of {recipe}, {cache} cache: {libraries + own:.2f} s "
              f"(importing torch and torchvision {libraries:.2f} s, ours {own:.2f} s)"
        )  # fmt: skip


def main() -> None:
    """Print the machine, the table of each recipe, and the times to the first step."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--recipes", nargs="+", default=["part1", "part2"])
    args = parser.parse_args()
    NETS["StudentNet"] = StudentNet
    plain = ["val_fraction=0", "scheduler=none", "start_size=None"]
    recipes = [
        *(get_recipe(recipe_name).override(plain) for recipe_name in args.recipes),
        RECIPES["part2"].override(["name=student", "model=StudentNet", *plain]),
    ]
    data_dir = find_dataset(args.data)
    print(f"{platform.processor() or platform.machine()}, {machine()}, device {args.device}, "
          f"bfloat16 in hardware: {torch.ops.mkldnn._is_mkldnn_bf16_supported()}")  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        for recipe in recipes:
            assert isinstance(recipe, Recipe)  # Fisher vectors have no scheduler to set
            measure(recipe, data_dir, args.device, args.epochs, Path(name))
        for recipe_name in args.recipes:
            measure_first_step(recipe_name, data_dir, args.device, Path(name))


if __name__ == "__main__":
    run_script(main)
