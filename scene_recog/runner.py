"""The training loop: provided, but meant to be read.

    for each epoch:
        for each batch of training images:
            logits = model(images); loss; gradients; one optimizer step
        measure loss and accuracy on the validation images
        save

A run lives in one folder (`model_dir`): config.json, history.csv, checkpoint.pt (the last epoch),
checkpoint.previous.pt (the one before), best.pt (the best on validation) and curves.png.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.lr_scheduler import LRScheduler

from scene_recog.datasets import describe_dataset
from scene_recog.dl_utils import compute_loss
from scene_recog.image_loader import ImageLoader
from scene_recog.loading.bad_images import all_bad_images_named
from scene_recog.loading.loaders import CACHE_MODES, make_loader
from scene_recog.loading.split import split_train_validation
from scene_recog.loading.transform_spec import describe_transforms
from scene_recog.runs import run_folder
from scene_recog.runs.checkpoint import read_checkpoint
from scene_recog.runs.curves import draw_accuracy, draw_loss, find_best_epoch, save_curves
from scene_recog.runs.run_folder import EpochRecord, RunFolder
from scene_recog.system import processes
from scene_recog.system.devices import AMP_MODES, choose_device, use_bfloat16
from scene_recog.system.interrupts import Interrupted, StopRequest
from scene_recog.system.progress import notice, progress_bar
from scene_recog.training.extras import (
    average_weights,
    growing_size,
    make_mixing,
    shrink,
)
from scene_recog.training.randomness import batches_after, get_random_state, seed_generators
from scene_recog.training.schedule import SCHEDULES, make_scheduler
from scene_recog.training.totals import Totals


class Trainer:
    """Trains a model, epoch by epoch, and keeps the run on disk.

    Args:
        data_dir: folder with train/ and test/, one folder per class in each.
        model: images [N, 1, H, W] -> logits [N, num_classes]; has `loss_criterion`.
        optimizer: over the model's parameters.
        model_dir: the run's folder, made if it is not there.
        train_data_transforms, val_data_transforms: PIL image -> float32 tensor [1, H, W].
        batch_size: images per optimizer step.
        load_from_disk: go on with the run in `model_dir`, if there is one, or from the checkpoint
            of this path. False: a run that is there is moved to `model_dir/earlier-001` when this
            one first saves.
        cuda, mps: the course's switches for the GPU; `device` is the general form.
        device: "auto" (CUDA, else Apple's MPS, else CPU), "cpu", "cuda", "mps".
        seed: fixes the order of images, augmentation, dropout and the validation split, so that a
            run on the CPU repeats exactly. None draws one (see `self.seed`). The model's initial
            weights are the caller's: `torch.manual_seed(seed)` before making the model.
        val_fraction: 0 validates on the test split, as the course does. Above 0, that share of
            each training class is held out for validation, and the test split is not touched.
        scheduler: learning-rate schedule over one `run_training_loop`: "none", "one-cycle",
            "cosine" or "step" (see `training/schedule.py`).
        label_smoothing: 0 to below 1; share of the target spread evenly over all classes in
            training (Szegedy et al. 2016, section 7). Validation uses the plain loss.
        grad_clip: longest gradient (2-norm over all weights) allowed; None does not clip
            (Pascanu et al. 2013).
        cache: "disk" decodes each image once and keeps the pixels in a file that later runs use,
            "memory" decodes once per run, "off" in every epoch, as the course's starter does.
        amp: bfloat16 autocast: "off", "on", or "auto" (if the processor has it and it is faster).
        compile_model: run the model through `torch.compile`.
        sync_batch_norm: with several processes (see `system/processes.py`) batch norm sees each
            one's share of the batch; True lets it see the whole batch (on GPUs only).
        skip_images: images to leave out of both splits, as paths below `data_dir` such as
            "train/coast/a.jpg" (see `loading.bad_images.find_bad_images`).
        patience: stop after that many epochs without a better validation accuracy; None never.
        mixup, cutmix: mix each batch with itself, the share drawn from Beta(mixup, mixup), 0 for
            off (see `training.extras.make_mixing`). A mixed image counts as rightly labelled
            in the training accuracy if the class with the larger share is found.
        ema_decay: keep an exponential moving average of the weights with this decay, and validate
            with it; None does not (see `training.extras.average_weights`).
        start_size: side of the training images at first, in pixels; they grow to what
            `train_data_transforms` makes (see `training.extras.growing_size`). None: they
            are of that size from the start.
        extra_config: plain data to keep in config.json and the checkpoint, such as the recipe.

    Attributes:
        model, optimizer, device, seed, epochs_done.
        averaged_model: what is validated: the average of the weights, or `model` without ema_decay.
        train_dataset, val_dataset: `ImageLoader`; train_loader, val_loader: (x, y) batches.
        train_loss_history, validation_loss_history: mean cross-entropy per example, one an epoch.
        train_accuracy_history, validation_accuracy_history: from 0 to 1, one an epoch.

    Raises:
        ValueError: an argument out of range, a device that is not there, train and test with
            different classes, or a checkpoint of another model in `model_dir`.
        FileNotFoundError: no dataset in `data_dir`.
    """

    def __init__(
        self,
        data_dir: str | Path,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        model_dir: str | Path,
        train_data_transforms: Callable[..., Any],
        val_data_transforms: Callable[..., Any],
        batch_size: int = 100,
        load_from_disk: bool | str | Path = True,
        cuda: bool = False,
        mps: bool = False,
        *,
        device: str = "auto",
        seed: int | None = None,
        val_fraction: float = 0.0,
        scheduler: str = "none",
        label_smoothing: float = 0.0,
        grad_clip: float | None = None,
        patience: int | None = None,
        mixup: float = 0.0,
        cutmix: float = 0.0,
        ema_decay: float | None = None,
        start_size: int | None = None,
        cache: str = "disk",
        amp: str = "off",
        compile_model: bool = False,
        sync_batch_norm: bool = False,
        skip_images: Collection[str] = (),
        extra_config: Mapping[str, Any] | None = None,
    ) -> None:
        if batch_size < processes.world_size():
            raise ValueError(
                f"batch_size is {batch_size}: it must be at least 1"
                + (" for each process" if processes.launched() else "")
            )
        if not 0 <= val_fraction < 1:
            raise ValueError(f"val_fraction is {val_fraction}: it must be from 0 to below 1")
        if scheduler not in SCHEDULES:
            raise ValueError(
                f"scheduler is {scheduler!r}: it must be one of {', '.join(SCHEDULES)}"
            )
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"label_smoothing is {label_smoothing}: it must be from 0 to below 1")
        if grad_clip is not None and grad_clip <= 0:
            raise ValueError(f"grad_clip is {grad_clip}: it must be above 0, or None")
        for mix_name, alpha in (("mixup", mixup), ("cutmix", cutmix)):
            if not 0 <= alpha < math.inf:
                raise ValueError(f"{mix_name} is {alpha}: it must be 0 (off) or more")
        if ema_decay is not None and not 0 <= ema_decay < 1:
            raise ValueError(f"ema_decay is {ema_decay}: it must be from 0 to below 1, or None")
        if start_size is not None and start_size < 1:
            raise ValueError(f"start_size is {start_size}: it must be at least 1, or None")
        for name, value, allowed in (("cache", cache, CACHE_MODES), ("amp", amp, AMP_MODES)):
            if value not in allowed:
                raise ValueError(f"{name} is {value!r}: it must be one of {', '.join(allowed)}")
        if patience is not None and (patience < 1 or val_fraction == 0):
            raise ValueError(
                f"patience is {patience} with val_fraction {val_fraction}: patience must be at "
                "least 1, and val_fraction above 0, or the test split would choose when to stop"
            )

        self.model_dir = Path(model_dir).expanduser()
        last = self.model_dir / run_folder.LAST
        checkpoint_path = last if isinstance(load_from_disk, bool) else Path(load_from_disk)
        loads = bool(load_from_disk) and (checkpoint_path != last or last.exists())
        saved = processes.from_rank_zero(
            lambda: read_checkpoint(checkpoint_path) if loads else None
        )
        if seed is None:
            drawn = processes.from_rank_zero(lambda: int(torch.randint(2**31, ())))
            seed = saved.get("seed", drawn) if saved else drawn

        self.device = choose_device(device, cuda=cuda, mps=mps)
        if sync_batch_norm:
            if self.device.type != "cuda" or processes.world_size() == 1:
                raise ValueError(
                    "sync_batch_norm needs several processes with a GPU each: leave it out"
                )
            model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
        self.model = model.to(self.device)
        self.optimizer = optimizer
        self.seed = seed
        self.batch_size = batch_size
        self.val_fraction = val_fraction
        self.scheduler_name = scheduler
        self.label_smoothing = label_smoothing
        self.grad_clip = grad_clip
        self.patience = patience
        self.start_size = start_size

        self.data_dir = Path(data_dir).expanduser()
        self.dataset_info = describe_dataset(data_dir)
        left_out = {self.data_dir / name for name in skip_images}

        def images_of(split: str, transform: Callable[..., Any]) -> ImageLoader:
            dataset = ImageLoader(data_dir, split, transform)
            dataset.dataset = [item for item in dataset.dataset if Path(item[0]) not in left_out]
            return dataset

        self.train_dataset = images_of("train", train_data_transforms)
        self.val_dataset = images_of("train" if val_fraction > 0 else "test", val_data_transforms)
        if val_fraction > 0:
            images = self.train_dataset.dataset
            training, validation = split_train_validation(images, val_fraction, seed)
            self.train_dataset.dataset = [images[index] for index in training]
            self.val_dataset.dataset = [images[index] for index in validation]
        _check_classes(self.train_dataset, self.val_dataset)
        # Any iterable of (x, y) batches will do: replace them by loaders of your own if you like.
        options: dict[str, Any] = {
            "device": self.device,
            "cache": cache,
            "left_out": {str(path) for path in left_out},
        }
        with all_bad_images_named(data_dir), processes.one_first():
            self.train_loader = make_loader(self.train_dataset, batch_size, shuffle=True, **options)
            self.val_loader = make_loader(self.val_dataset, batch_size, shuffle=False, **options)

        self.bfloat16 = False
        if amp != "off":
            x, _ = next(iter(self.val_loader))
            x = x.to(self.device)
            self.bfloat16 = processes.from_rank_zero(
                lambda: use_bfloat16(amp, self.model, x, self.device)
            )
        self._compiled = torch.compile(self.model) if compile_model else self.model
        self._average = None if ema_decay is None else average_weights(self.model, ema_decay)
        self._mix = make_mixing(mixup, cutmix, len(self.train_dataset.class_dict))

        self.epochs_done = 0
        self.records: list[EpochRecord] = []
        self.train_loss_history: list[float] = []
        self.validation_loss_history: list[float] = []
        self.train_accuracy_history: list[float] = []
        self.validation_accuracy_history: list[float] = []

        self._scheduler: LRScheduler | None = None
        self._schedule_end = 0  # the epoch at which the schedule is through
        self._peak_lrs = [group["lr"] for group in optimizer.param_groups]
        self._saved_schedule: dict[str, Any] | None = None
        self._unfinished: dict[str, Any] | None = None  # an epoch that was interrupted
        self._stop = StopRequest()
        self._folder = RunFolder(self.model_dir, continues=saved is not None)
        self.config = {
            **(extra_config or {}),
            "model": {
                "class_name": type(model).__name__,
                "parameters": sum(p.numel() for p in model.parameters()),
                # what the class was called with, if that decides the net: evaluation makes it again
                **({"arguments": model.arguments} if hasattr(model, "arguments") else {}),
            },
            "optimizer": {"class_name": type(optimizer).__name__, **_plain(optimizer.defaults)},
            "train_transforms": describe_transforms(train_data_transforms)
            or repr(train_data_transforms),
            "val_transforms": describe_transforms(val_data_transforms) or repr(val_data_transforms),
            "batch_size": batch_size,
            "seed": seed,
            "val_fraction": val_fraction,
            "scheduler": scheduler,
            "label_smoothing": label_smoothing,
            "grad_clip": grad_clip,
            "patience": patience,
            "mixup": mixup,
            "cutmix": cutmix,
            "ema_decay": ema_decay,
            "start_size": start_size,
            "bfloat16": self.bfloat16,
            "compiled": compile_model,
            "processes": processes.world_size(),
            "launch": processes.launch_id(),
            "skipped_images": sorted(skip_images),
            "class_names": list(self.train_dataset.class_dict),
            "data": {
                "folder": str(Path(data_dir).expanduser().resolve()),
                "kind": self.dataset_info.kind,
                "title": self.dataset_info.title,
                "train_images": len(self.train_dataset),
                "val_images": len(self.val_dataset),
                "validated_on": self.validation_name,
            },
            "device": str(self.device),
            "started": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "versions": run_folder.versions(),
        }
        if saved:
            self._load(saved, checkpoint_path)

    @property
    def validation_name(self) -> str:
        """What validation looks at: "validation" (held out of train) or "test"."""
        return "validation" if self.val_fraction > 0 else "test"

    @property
    def averaged_model(self) -> nn.Module:
        """The net that is validated: the average of the weights, or `model` without ema_decay."""
        return self.model if self._average is None else self._average.module

    # ---------------------------------------------------------------- training

    def run_training_loop(
        self, num_epochs: int, *, on_epoch: Callable[[EpochRecord], None] | None = None
    ) -> None:
        """Train for `num_epochs` more epochs; validate and save after each.

        A schedule spans these epochs. If the run was loaded from disk in the middle of a schedule
        and `num_epochs` is what was left of it, the schedule goes on where it was.

        Args:
            num_epochs: at least 1.
            on_epoch: called with each epoch's record, when it is saved; for logging.

        Raises:
            ValueError: num_epochs is below 1, or another process works in `model_dir`.
            FloatingPointError: the loss is no longer finite.
            Interrupted: Ctrl-C or SIGTERM; the step was finished, and the run is saved.
            OSError: `model_dir` cannot be written to. If that begins after the first epoch,
                training goes on, and this comes at the end: `save_model` then tries once more.
        """
        if num_epochs < 1:
            raise ValueError(f"num_epochs is {num_epochs}: it must be at least 1")
        with (
            self._folder.held(self.config, self.records),
            all_bad_images_named(self.data_dir),
            StopRequest() as self._stop,
        ):
            self._start_schedule(num_epochs)
            with progress_bar(range(num_epochs), desc="epochs", unit="epoch") as bar:
                for _ in bar:
                    record = self._run_epoch()
                    is_best = record is self.best_record
                    self._folder.save_epoch(self._state(), self.records, is_best=is_best)
                    if on_epoch is not None:
                        on_epoch(record)
                    bar.set_postfix_str(
                        f"loss {record.train_loss:.3f}, accuracy {record.train_accuracy:.1%}, "
                        f"{self.validation_name} {record.validation_loss:.3f}, "
                        f"{record.validation_accuracy:.1%}"
                    )
                    if self._stop.signal:
                        raise Interrupted(self._stop.signal)
                    if self.patience and self.epochs_done - self.best_record.epoch >= self.patience:
                        notice(
                            f"Stopped after epoch {self.epochs_done}: no better validation "
                            f"accuracy since epoch {self.best_record.epoch}."
                        )
                        break
            self._folder.save_curves(self._draw_curves)

    def _run_epoch(self) -> EpochRecord:
        start = time.perf_counter()
        train_loss, train_accuracy = self.train_epoch()
        trained = time.perf_counter()
        validation_loss, validation_accuracy = self.validate()
        end = time.perf_counter()
        if not math.isfinite(validation_loss):
            raise FloatingPointError(
                f"the validation loss is {validation_loss} after epoch {self.epochs_done}: lower "
                f"the learning rate or set grad_clip; {self._what_is_kept()}"
            )
        record = EpochRecord(
            epoch=self.epochs_done,
            train_loss=train_loss,
            train_accuracy=train_accuracy,
            validation_loss=validation_loss,
            validation_accuracy=validation_accuracy,
            learning_rate=self.optimizer.param_groups[0]["lr"],
            seconds=end - start,
            validation_seconds=end - trained,
        )
        self._remember(record)
        return record

    def train_epoch(self) -> tuple[float, float]:
        """Go once through the training images: (mean loss per example, accuracy from 0 to 1).

        Both are measured on the fly, with augmentation and dropout, while the weights change.

        Raises:
            FloatingPointError: the loss of a batch is not finite; the weights are those before it.
        """
        seed_generators(self.seed, self.epochs_done)
        self.model.train()
        totals, done, batches = self._start_epoch()
        with progress_bar(total=len(self.train_dataset), unit="img", leave=False) as bar:
            bar.set_description(f"epoch {self.epochs_done + 1}")
            for step, (x, y) in enumerate(batches, start=done):
                x, y = x.to(self.device), y.to(self.device)
                if self.start_size is not None:
                    progress = self.epochs_done / max(1, self._schedule_end)
                    x = shrink(x, growing_size(self.start_size, x.shape[-1], progress))
                targets = y
                if self._mix is not None:
                    x, targets = self._mix(x, y)
                    y = targets.argmax(dim=1)
                with self._autocast():
                    logits = self._parallel(x)
                    loss = self._training_loss(logits, targets)
                totals.add(loss, logits, y, self.optimizer.param_groups[0]["lr"])
                if self.device.type == "cpu":  # elsewhere, looking would make every step wait
                    self._check_finite(totals)

                self.optimizer.zero_grad()
                (loss * self._weight(step, len(y))).backward()
                if self.grad_clip is not None:
                    nn.utils.clip_grad_norm_(self.model.parameters(), self.grad_clip)
                self.optimizer.step()
                if self._scheduler is not None:
                    self._scheduler.step()
                if self._average is not None:
                    self._average.update_parameters(self.model)

                bar.update(len(y))
                if not bar.disable and time.time() - bar.last_print_t > 0.2:
                    running_loss, running_accuracy = totals.means()
                    bar.set_postfix_str(f"loss {running_loss:.3f}, accuracy {running_accuracy:.1%}")
                if self._stop.signal:
                    self._interrupt_epoch(totals, step + 1)
        self._check_finite(totals)
        self.epochs_done += 1
        return totals.means_of_all()

    @torch.inference_mode()
    def validate(self) -> tuple[float, float]:
        """Measure on the validation images: (mean loss per example, accuracy from 0 to 1)."""
        model = self.averaged_model.eval()
        forward = self._compiled if self._average is None else model
        processes.share_buffers(model)
        totals = Totals(self.device)
        for x, y in self.val_loader:
            x, y = x.to(self.device), y.to(self.device)
            with self._autocast():
                logits = forward(x)
                loss = compute_loss(self.model, logits, y)
            totals.add(loss, logits, y)
        return totals.means_of_all()

    def _start_epoch(self) -> tuple[Totals, int, Iterable[Any]]:
        """(sums so far, steps done, batches to come); an interrupted epoch goes on where it was."""
        unfinished, self._unfinished = self._unfinished, None
        if unfinished is None:
            return Totals(self.device), 0, self.train_loader
        done = unfinished["steps"]
        batches = batches_after(self.train_loader, done, unfinished["random_state"])
        return Totals(self.device, unfinished["totals"]), done, batches

    def _interrupt_epoch(self, totals: Totals, steps: int) -> NoReturn:
        self._unfinished = {
            "steps": steps,
            "totals": totals.state_dict(),
            "random_state": get_random_state(),
        }
        self._folder.save_unfinished(self._state() | {"unfinished_epoch": self._unfinished})
        assert self._stop.signal is not None
        raise Interrupted(self._stop.signal)

    @cached_property
    def _parallel(self) -> Callable[[torch.Tensor], torch.Tensor]:
        """The model, its gradients averaged over all processes."""
        if processes.world_size() == 1:
            return self._compiled
        return DistributedDataParallel(self._compiled)

    def _weight(self, step: int, examples: int) -> float:
        """What makes the average over all processes the mean over all examples of the batch."""
        if processes.world_size() == 1:
            return 1.0
        whole = min(self.batch_size, len(self.train_dataset) - step * self.batch_size)
        return examples * processes.world_size() / whole

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16)

    def _training_loss(self, logits: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """y: labels [N], or the shares of the classes [N, num_classes]."""
        if y.ndim == 2:  # a net may have outputs to spare
            y = F.pad(y, (0, logits.shape[1] - y.shape[1]))
        if self.label_smoothing > 0 or y.ndim == 2:
            return F.cross_entropy(logits, y, label_smoothing=self.label_smoothing)
        return compute_loss(self.model, logits, y)

    def _start_schedule(self, num_epochs: int) -> None:
        end = self.epochs_done + num_epochs
        saved, self._saved_schedule = self._saved_schedule, None
        if self.scheduler_name != "none":
            for group, peak in zip(self.optimizer.param_groups, self._peak_lrs, strict=True):
                group["lr"] = peak
                group.pop("initial_lr", None)  # left there by an earlier schedule
        steps = num_epochs * len(self.train_loader)
        self._scheduler = make_scheduler(self.scheduler_name, self.optimizer, steps)
        self._schedule_end = end
        if saved and saved["schedule_end"] == end and self._scheduler is not None:
            self._scheduler.load_state_dict(saved["scheduler_state_dict"])
            self.optimizer.load_state_dict(saved["optimizer_state_dict"])

    def _check_finite(self, totals: Totals) -> None:
        if (bad := totals.first_non_finite()) is None:
            return
        loss, batch, rate = bad
        raise FloatingPointError(
            f"the loss is {loss} in epoch {self.epochs_done + 1}, batch {batch}, at learning rate "
            f"{rate:g}: lower the learning rate or set grad_clip; {self._what_is_kept()}"
        )

    def _what_is_kept(self) -> str:
        if not self.records:
            return "no epoch was finished, so there is no checkpoint"
        return f"the checkpoint of epoch {self.records[-1].epoch} is kept in {self.model_dir}"

    # ---------------------------------------------------------------- saving and loading

    @property
    def best_record(self) -> EpochRecord:
        """The epoch with the highest validation accuracy; of equals, the least loss."""
        return max(self.records, key=lambda r: (r.validation_accuracy, -r.validation_loss))

    def save_model(self) -> None:
        """Write `model_dir/checkpoint.pt`; the old one becomes `checkpoint.previous.pt`.

        With several processes, process 0 writes, and this does nothing in the others.

        Raises:
            ValueError: another process works in `model_dir`.
            OSError: it cannot be written; the files that are there stay as they are.
        """
        with self._folder.held(self.config, self.records):
            self._folder.save(self._state(), self.records)

    def _state(self) -> dict[str, Any]:
        """What a checkpoint holds.

        `model_state_dict` are the weights that the optimizer moves. With ema_decay there are also
        `averaged_state_dict`, their average, which is what was validated and what `load_run` takes,
        and `num_averaged`, the number of its updates.
        """
        averaged: dict[str, Any] = {}
        if self._average is not None:
            averaged["averaged_state_dict"] = self._average.module.state_dict()
            averaged["num_averaged"] = int(self._average.n_averaged)
        return {
            "model_state_dict": self.model.state_dict(),
            **averaged,
            "optimizer_state_dict": self.optimizer.state_dict(),
            "scheduler_state_dict": self._scheduler.state_dict() if self._scheduler else None,
            "schedule_end": self._schedule_end,
            "epoch": self.epochs_done,
            "seed": self.seed,
            "history": [asdict(record) for record in self.records],
            "config": self.config,
        }

    def _load(self, saved: dict[str, Any], path: Path) -> None:
        advice = "pass load_from_disk=False to start anew, or another model_dir"
        config = saved.get("config", {})  # a checkpoint of the course's own Trainer has none
        try:
            self.model.load_state_dict(saved["model_state_dict"])
            self.optimizer.load_state_dict(saved["optimizer_state_dict"])
            if self._average is not None:
                averaged = saved.get("averaged_state_dict", saved["model_state_dict"])
                self._average.module.load_state_dict(averaged)
                self._average.n_averaged.fill_(int(saved.get("num_averaged", 0)))
        except (RuntimeError, ValueError, KeyError, TypeError) as error:
            theirs = config.get("model", {}).get("class_name", "model")
            raise ValueError(
                f"{path} is of a {theirs} or an optimizer that does not fit this "
                f"{type(self.model).__name__} with {type(self.optimizer).__name__}: {advice}"
            ) from error
        if config.get("class_names", self.config["class_names"]) != self.config["class_names"]:
            raise ValueError(f"{path} was trained on other classes than are in the data: {advice}")
        self.config["started"] = config.get("started", self.config["started"])
        try:
            self.epochs_done = int(saved.get("epoch", 0))
            for record in saved.get("history", []):
                self._remember(EpochRecord(**record))
            self._unfinished = saved.get("unfinished_epoch")
            steps = f" and {self._unfinished['steps']} steps" if self._unfinished else ""
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} is damaged: its history cannot be read; {advice}") from error
        if saved.get("scheduler_state_dict"):
            self._saved_schedule = saved
        notice(f"Going on after epoch {self.epochs_done}{steps} of the run in {self.model_dir}.")

    def _remember(self, record: EpochRecord) -> None:
        self.records.append(record)
        self.train_loss_history.append(record.train_loss)
        self.validation_loss_history.append(record.validation_loss)
        self.train_accuracy_history.append(record.train_accuracy)
        self.validation_accuracy_history.append(record.validation_accuracy)

    # ---------------------------------------------------------------- plots

    def plot_loss_history(self) -> None:
        """Draw the loss of both splits by epoch, in a new pyplot figure."""
        _, axes = plt.subplots(layout="constrained")
        losses = self.train_loss_history, self.validation_loss_history
        draw_loss(axes, *losses, self._title(), self.validation_name)

    def plot_accuracy(self) -> None:
        """Draw the accuracy of both splits by epoch, in a new pyplot figure."""
        _, axes = plt.subplots(layout="constrained")
        accuracies = self.train_accuracy_history, self.validation_accuracy_history
        best = find_best_epoch(self.validation_accuracy_history, self.validation_loss_history)
        draw_accuracy(axes, *accuracies, self._title(), self.validation_name, best)

    def _draw_curves(self, path: Path) -> None:
        save_curves(
            path,
            (self.train_loss_history, self.validation_loss_history),
            (self.train_accuracy_history, self.validation_accuracy_history),
            self._title(),
            self.validation_name,
        )

    def _title(self) -> str:
        return f"{type(self.model).__name__} on {self.dataset_info.title}"


def _check_classes(train: ImageLoader, val: ImageLoader) -> None:
    for ours, theirs in ((train, val), (val, train)):
        for name in sorted(set(ours.class_dict) - set(theirs.class_dict)):
            raise ValueError(
                f"class {name} is in {ours.curr_folder} but not in {theirs.curr_folder}: "
                "both need the same class folders"
            )
    if not val.dataset:
        raise ValueError(f"no images in {val.curr_folder}: there is nothing to validate on")
    labels_with_images = {label for _, label in train.dataset}
    for name, label in train.class_dict.items():
        if label not in labels_with_images:
            raise ValueError(
                f"class folder {Path(train.curr_folder) / name} has no images: "
                "add some, or remove the folder"
            )


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    plain = (bool, int, float, str, type(None))
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in options.items()
        if isinstance(value, (*plain, tuple))
    }
