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
from pathlib import Path
from typing import Any, NoReturn, cast

import torch
from torch import nn

from scene_recog.datasets import describe_dataset
from scene_recog.loading.bad_images import all_bad_images_named
from scene_recog.loading.loaders import make_loaders
from scene_recog.loading.split import open_datasets
from scene_recog.runs.config import RunConfig, describe_run, with_changes
from scene_recog.runs.curves import plot_accuracy, plot_loss, save_curves
from scene_recog.runs.history import EpochRecord, History
from scene_recog.runs.run_folder import RunFolder
from scene_recog.runs.saved_run import ADVICE, SavedRun
from scene_recog.system import processes
from scene_recog.system.devices import choose_device
from scene_recog.system.interrupts import Interrupted, StopRequest
from scene_recog.system.numbers import plain_data
from scene_recog.system.progress import notice, progress_bar
from scene_recog.training.arithmetic import Arithmetic, use_fused
from scene_recog.training.average import make_average
from scene_recog.training.checks import check_example, check_model, check_optimizer, check_outputs
from scene_recog.training.doctor import Checkup
from scene_recog.training.inference import predict_batches
from scene_recog.training.loss import TrainingLoss, batch_loss
from scene_recog.training.mixing import Growth, make_mixing
from scene_recog.training.optimizer_state import (
    describe_optimizer,
    load_optimizer,
    take_options,
)
from scene_recog.training.options import TrainerOptions
from scene_recog.training.randomness import batches_after, get_random_state, seed_generators
from scene_recog.training.replica import Replica
from scene_recog.training.schedule import Schedule
from scene_recog.training.totals import Totals


class Trainer:
    """Trains a model, epoch by epoch, and keeps the run on disk.

    Args:
        data_dir: folder with train/ and test/, one folder per class in each.
        model: images [N, 1, H, W] -> logits [N, num_classes]; has `loss_criterion`.
        optimizer: over the model's parameters.
        model_dir: the run's folder; created if it is missing.
        train_data_transforms, val_data_transforms: PIL image -> float32 tensor [1, H, W].
        batch_size: images per optimizer step.
        load_from_disk: resume the run in `model_dir`, if there is one, or from the checkpoint
            at this path. The options and optimizer settings given here apply; one line says which
            of them have changed. False: an existing run is moved to `model_dir/earlier-001` when
            this one first saves.
        cuda, mps: the course's switches for the GPU; `device` is the general form.
        device: "auto" (CUDA, else Apple's MPS, else CPU), "cpu", "cuda", "mps".
        skip_images: images to leave out, as paths below `data_dir` such as "train/coast/a.jpg"
            (see `loading/bad_images.py`).
        extra_config: plain data to keep in config.json and the checkpoint, such as the recipe.
        options: any of `TrainerOptions` (`training/options.py`) by name: `seed`, `val_fraction`,
            `scheduler`, `label_smoothing`, `grad_clip`, `patience`, `ema_decay`, ...

    Attributes:
        model, optimizer, device, seed, options, epochs_done, records, config.
        arithmetic: precision, memory format and threads.
        checkup: looks for the usual mistakes; `checkup.findings` has what it found in this run.
        train_dataset, val_dataset: `ImageLoader`; train_loader, val_loader: (images, labels)
            batches. Any iterable of such batches will do: replace them if you like.
        train_loss_history, validation_loss_history: mean cross-entropy per example, by epoch.
        train_accuracy_history, validation_accuracy_history: from 0 to 1, by epoch.

    Raises:
        ValueError: an option out of range, an unavailable device, train and test with different
            classes, more classes than the model has outputs, an optimizer over the parameters of
            another model, or a checkpoint of another model or dataset in `model_dir`.
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
        skip_images: Collection[str] = (),
        extra_config: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self.options = TrainerOptions.of(batch_size=batch_size, **options)
        self.device = choose_device(device, cuda=cuda, mps=mps)
        self.data_dir, self.model_dir = Path(data_dir).expanduser(), Path(model_dir).expanduser()
        saved = SavedRun.find(self.model_dir, load_from_disk)
        check_model(model)
        check_optimizer(optimizer, model)
        saved.check(optimizer, self.options)
        self.seed = saved.choose_seed(self.options)

        # the images
        self.dataset_info = describe_dataset(data_dir)
        self.train_dataset, self.val_dataset, self.split = open_datasets(
            data_dir,
            train_data_transforms,
            val_data_transforms,
            val_fraction=self.options.val_fraction,
            seed=self.seed,
            skip_images=skip_images,
            recorded=saved.split(self.data_dir),
            class_names=saved.config.get("class_names"),
        )
        with all_bad_images_named(data_dir), processes.one_first():
            self.train_loader, self.val_loader = make_loaders(
                self.train_dataset,
                self.val_dataset,
                self.options.batch_size,
                device=self.device,
                cache=self.options.cache,
                left_out={str(self.data_dir / name) for name in skip_images},
            )

        # what a step is made of
        num_classes = len(self.train_dataset.class_dict)
        self._replica = Replica(model, self.device, self.options)
        self.model = self._replica.model
        example = check_example(self.val_dataset[0][0]).to(self.device)
        check_outputs(self.model, example, num_classes, self.data_dir)
        self.arithmetic = Arithmetic.choose(
            self.options,
            saved.config,
            self.model,
            self.device,
            batches=len(self.train_loader),
            first_batch=lambda: next(iter(self.val_loader))[0],
        )
        self._replica.bfloat16 = self.arithmetic.bfloat16
        self.optimizer = optimizer
        use_fused(optimizer, self.device)
        self._asked = take_options(optimizer)
        self._schedule = Schedule(self.options.scheduler, optimizer)
        self._average = make_average(self.model, self.options.ema_decay)
        self._grow = Growth(self.options.start_size)
        self._mix = make_mixing(self.options.mixup, self.options.cutmix, num_classes)
        self._loss = TrainingLoss(self.model, self.options)
        self.checkup = Checkup(
            self.model, optimizer, self.train_dataset, self.val_dataset, self.options, extra_config
        )

        # what is kept
        self.epochs_done = 0
        self._unfinished: dict[str, Any] | None = None  # an epoch that was interrupted
        self._stop = StopRequest()
        self._history = History()
        self.records = self._history.records
        self.train_loss_history = self._history.train_loss
        self.validation_loss_history = self._history.validation_loss
        self.train_accuracy_history = self._history.train_accuracy
        self.validation_accuracy_history = self._history.validation_accuracy
        self._folder = RunFolder(self.model_dir, continues=bool(saved))
        self.config = self._make_config(skip_images, extra_config or {})
        if saved:
            self._go_on(saved)

    # ---------------------------------------------------------------- training

    def run_training_loop(
        self, num_epochs: int, *, on_epoch: Callable[[EpochRecord], None] | None = None
    ) -> None:
        """Train for `num_epochs` more epochs; validate and save after each.

        A schedule spans these epochs. If the run stopped in the middle of a schedule, and
        `num_epochs` is the number of epochs left in it, the schedule continues.

        Args:
            num_epochs: at least 1.
            on_epoch: called with each epoch's record once it is saved; for logging.

        Raises:
            ValueError: num_epochs is below 1, another process is using `model_dir`, or the run
                could not be saved.
            FloatingPointError: the loss is no longer finite.
            Interrupted: Ctrl-C or SIGTERM; the step was finished, and the run is saved.
            OSError: `model_dir` cannot be written to. If this starts after the first epoch,
                training continues, and the error is raised at the end; `save_model` tries again.
        """
        if num_epochs < 1:
            raise ValueError(f"num_epochs is {num_epochs}: it must be at least 1")
        self._schedule.start(self.epochs_done, num_epochs, len(self.train_loader))
        self._note_hand_made_changes()
        with (
            StopRequest() as self._stop,
            self._folder.held(self._state(), self.records),
            all_bad_images_named(self.data_dir),
            self.arithmetic.in_use([self.model, self.averaged_model], self.optimizer),
            progress_bar(range(num_epochs), desc="epochs", unit="epoch") as bar,
        ):
            for _ in bar:
                record = self._run_epoch()
                self._folder.save_epoch(
                    self._state(), self.records, is_best=record is self.best_record
                )
                if on_epoch is not None:
                    on_epoch(record)
                bar.set_postfix_str(record.describe(self.validation_name))
                if self._stop.signal:
                    raise Interrupted(self._stop.signal)
                if self._is_out_of_patience():
                    notice(
                        f"Stopped after epoch {self.epochs_done}: no better validation accuracy "
                        f"since epoch {self.best_record.epoch}."
                    )
                    break
            self._folder.save_curves(self._draw_curves)

    def train_epoch(self) -> tuple[float, float]:
        """One pass over the training images: (mean loss per example, accuracy from 0 to 1).

        Both are measured on the fly, with augmentation and dropout, while the weights change.

        Raises:
            FloatingPointError: the loss of a batch is not finite; the weights are from before it.
        """
        seed_generators(self.seed, self.epochs_done)
        self.model.train()
        totals, done, batches = self._start_epoch()
        progress = self.epochs_done / max(1, self._schedule.end)
        with progress_bar(total=len(self.train_dataset), unit="img", leave=False) as bar:
            bar.set_description(f"epoch {self.epochs_done + 1}")
            for step, (images, labels) in enumerate(batches, start=done):
                images = self._grow(images.to(self.device), progress)
                images, targets = self._mix(images, labels.to(self.device))
                logits = self._replica(images)
                loss = self._loss(logits, targets)
                totals.add(loss, logits, targets, self.optimizer.param_groups[0]["lr"])
                self._check_finite(totals, now=self.device.type == "cpu")

                self.optimizer.zero_grad()
                self._replica.backward(loss, len(labels), self._whole_batch(step))
                self._clip_gradients()
                self.optimizer.step()
                self._schedule.step()
                self._average.update()
                self.checkup.step(images, targets, logits, loss)

                bar.update(len(labels))
                totals.show_in(bar)
                if self._stop.signal:
                    self._interrupt_epoch(totals, step + 1)
        self._check_finite(totals, now=True)
        self.epochs_done += 1
        return totals.means_of_all()

    @torch.inference_mode()
    def validate(self) -> tuple[float, float]:
        """Measure on the validation images: (mean loss per example, accuracy from 0 to 1)."""
        predict = self._replica.predict(self.averaged_model)
        totals = Totals(self.device)
        batches = self.checkup.watch(self.val_loader)
        for logits, labels in predict_batches(predict, batches, self.device):
            totals.add(batch_loss(self.model, logits, labels), logits, labels)
        return totals.means_of_all()

    def _run_epoch(self) -> EpochRecord:
        start = time.perf_counter()
        train_loss, train_accuracy = self.train_epoch()
        trained = time.perf_counter()
        validation_loss, validation_accuracy = self.validate()
        end = time.perf_counter()
        if not math.isfinite(validation_loss):
            raise FloatingPointError(
                f"the validation loss is {validation_loss} after epoch {self.epochs_done}; the "
                f"learning rate may be too high: lower it, or set grad_clip; {self._what_is_kept()}"
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
        self._history.add(record)
        is_last = self.epochs_done == self._schedule.end or self._is_out_of_patience()
        self.checkup.epoch(self.records, self.averaged_model, is_last=is_last)
        return record

    def _start_epoch(self) -> tuple[Totals, int, Iterable[Any]]:
        """(sums so far, steps done, batches to come); resumes an interrupted epoch."""
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

    def _clip_gradients(self) -> None:
        if self.options.grad_clip is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.options.grad_clip)

    def _whole_batch(self, step: int) -> int:
        """Number of images in this step's batch, over all processes."""
        size = self.options.batch_size
        return min(size, len(self.train_dataset) - step * size)

    def _check_finite(self, totals: Totals, *, now: bool) -> None:
        """On a GPU, checking would make every step wait, so there it is done after the epoch."""
        if not now or (bad := totals.first_non_finite()) is None:
            return
        loss, batch, rate = bad
        raise FloatingPointError(
            f"the loss is {loss} in epoch {self.epochs_done + 1}, batch {batch}, at learning rate "
            f"{rate:g}, usually too high: lower it, or set grad_clip; {self._what_is_kept()}"
        )

    def _what_is_kept(self) -> str:
        if not self.records:
            return "no epoch was finished, so there is no checkpoint"
        return f"the checkpoint of epoch {self._history.last_epoch} is kept in {self.model_dir}"

    def _is_out_of_patience(self) -> bool:
        patience = self.options.patience
        return patience is not None and self.epochs_done - self.best_record.epoch >= patience

    # ---------------------------------------------------------------- saving and loading

    def save_model(self) -> None:
        """Write `model_dir/checkpoint.pt`; the old one becomes `checkpoint.previous.pt`.

        With several processes, only process 0 writes.

        Raises:
            ValueError: another process is using `model_dir`, or the run could not be saved.
            OSError: it cannot be written; existing files stay as they are.
        """
        with self._folder.held(self._state(), self.records):
            self._folder.save(self._state(), self.records)

    def _state(self) -> dict[str, Any]:
        """What a checkpoint holds: each part adds its own.

        `model_state_dict` holds the weights that the optimizer updates. With ema_decay there are
        also `averaged_state_dict`, their average, which is validated and which `load_run` uses,
        and `num_averaged`, the number of updates to it.
        """
        return {
            "model_state_dict": self.model.state_dict(),
            **self._average.state_dict(),
            "optimizer_state_dict": self.optimizer.state_dict(),
            **self._schedule.state_dict(),
            "epoch": self.epochs_done,
            "seed": self.seed,
            **self._history.state_dict(),
            **self.split.state_dict(),
            **self.checkup.state_dict(),
            "config": self.config,
        }

    def _go_on(self, saved: SavedRun) -> None:
        try:
            self.model.load_state_dict(saved.contents["model_state_dict"])
            load_optimizer(self.optimizer, saved.contents["optimizer_state_dict"], self._asked)
            self._average.load_state_dict(saved.contents)
        except (RuntimeError, ValueError, KeyError, TypeError) as error:
            raise ValueError(saved.why_unfit(self.model, self.optimizer)) from error
        try:
            self._schedule.load_state_dict(saved.contents)
            self._history.load_state_dict(saved.contents)
            self.checkup.load_state_dict(saved.contents)
            self.epochs_done = int(saved.contents.get("epoch", 0))
            self._unfinished = saved.contents.get("unfinished_epoch")
            steps = f" and {self._unfinished['steps']} steps" if self._unfinished else ""
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{saved.path} is damaged: its history cannot be read; {ADVICE}"
            ) from error
        notice(f"Resuming the run in {self.model_dir} after epoch {self.epochs_done}{steps}.")
        self.config = with_changes(self.config, saved.config, self.epochs_done)

    def _make_config(
        self, skip_images: Collection[str], extra_config: Mapping[str, Any]
    ) -> RunConfig:
        common = describe_run(
            self.model,
            self.train_dataset,
            self.val_dataset,
            self.dataset_info,
            data_dir=self.data_dir,
            val_fraction=self.options.val_fraction,
            seed=self.seed,
            skip_images=skip_images,
            device=self.device,
        )
        optimizer = describe_optimizer(self.optimizer, self._asked, self._schedule.peaks[0])
        config = {
            **extra_config,
            **asdict(self.options),
            **common,
            "optimizer": optimizer,
            **asdict(self.arithmetic),
            "compiled": self.options.compile_model,
            "processes": processes.world_size(),
            "launch": processes.launch_id(),
        }
        return cast(RunConfig, plain_data(config))

    def _note_hand_made_changes(self) -> None:
        optimizer = describe_optimizer(self.optimizer, self._asked, self._schedule.peaks[0])
        now = cast(RunConfig, {**self.config, "optimizer": plain_data(optimizer)})
        if now != self.config:
            self.config = with_changes(now, self.config, self.epochs_done)

    # ---------------------------------------------------------------- results

    @property
    def validation_name(self) -> str:
        """The split that is validated on: "validation" (held out of train) or "test"."""
        return "validation" if self.options.val_fraction > 0 else "test"

    @property
    def averaged_model(self) -> nn.Module:
        """The network that is validated: with averaged weights, or else `model`."""
        return self._average.model

    @property
    def best_record(self) -> EpochRecord:
        """The epoch with the highest validation accuracy; ties go to the lowest loss."""
        return self._history.best

    def plot_loss_history(self) -> None:
        """Draw the loss of both splits by epoch, in a new pyplot figure."""
        plot_loss(self._history, self._title(), self.validation_name)

    def plot_accuracy(self) -> None:
        """Draw the accuracy of both splits by epoch, in a new pyplot figure."""
        plot_accuracy(self._history, self._title(), self.validation_name)

    def _draw_curves(self, path: Path) -> None:
        save_curves(path, self._history, self._title(), self.validation_name)

    def _title(self) -> str:
        return f"{type(self.model).__name__} on {self.dataset_info.title}"
