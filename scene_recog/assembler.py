"""The best model within a given time: Fisher vectors and networks, put together as one run.

    record-001/fisher-vectors-four/  a run, fitted first, because its time cannot be chosen;
                                     `fisher-vectors` instead, if there is little time
    record-001/best/                 a run, with as many epochs as there is time for; `fast80`
                                     instead, if they would be too few
    record-001/best-gradients/       another, if there is time for both at full length
    record-001/checkpoint.pt         the ensemble of them, which can be used without their folders

A run that was stopped continues with what is missing, as it was planned.
"""

from __future__ import annotations

import itertools
import math
import tempfile
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from scene_recog.datasets import describe_dataset
from scene_recog.runs.config import CONFIG, ENSEMBLE, FORMAT, RunConfig, read_config, write_config
from scene_recog.runs.ensemble import write_ensemble
from scene_recog.runs.history import EpochRecord, read_history
from scene_recog.runs.run_folder import LAST
from scene_recog.runs.scoring import Evaluation, evaluate_split, load_run
from scene_recog.system.devices import choose_device
from scene_recog.system.numbers import plain_data
from scene_recog.system.progress import clock, notice
from scene_recog.system.versions import versions
from scene_recog.training.mixing import shares_of_sizes

if TYPE_CHECKING:
    from scene_recog.fitter import Fitter
    from scene_recog.recipes import FittedRecipe, Recipe

RESERVE = 0.04  # of the time, for what is not trained: loading, measuring, saving
FITTED = 0.6  # of the time, at most, for Fisher vectors of several kinds of descriptor
LEAST, MOST = 0.4, 2.0  # times a network's own number of epochs
WARM_UP, MEASURED = 5, 15  # batches, to find out how long an epoch takes


class Assembler:
    """Trains the members of an ensemble within a given time, and keeps the run on disk.

    It has the attributes of `Trainer` that make sense for a run without epochs of its own.

    Args:
        data_dir: folder with train/ and test/.
        model_dir: the run's folder; members are runs in it.
        fitted: the recipe that is fitted first, and a smaller one for when it would take most of
            the time, or more memory than there is.
        quick, best, second: recipes of networks whose images grow. `best` gets as many epochs as
            there is time for; if they are too few, `quick` does. `second` is trained too if there
            is time for all epochs of both.
        minutes: for everything.
        device: for the networks.
        skip_images: images to leave out, as paths below `data_dir`.
        extra_config: plain data to keep in config.json, such as the recipe.

    Raises:
        ValueError: an unavailable device, or a damaged run in `model_dir`.
        FileNotFoundError: no dataset in `data_dir`.
    """

    def __init__(
        self,
        data_dir: str | Path,
        model_dir: str | Path,
        fitted: tuple[FittedRecipe, FittedRecipe],
        *,
        quick: Recipe,
        best: Recipe,
        second: Recipe,
        minutes: float,
        device: str = "auto",
        skip_images: Collection[str] = (),
        extra_config: Mapping[str, Any] | None = None,
    ) -> None:
        self.data_dir, self.model_dir = Path(data_dir).expanduser(), Path(model_dir).expanduser()
        self.fitted, self.networks, self.minutes = fitted, (quick, best, second), minutes
        self.device = choose_device(device)
        self.dataset_info = describe_dataset(data_dir)
        self.validation_name = "validation" if fitted[0].val_fraction > 0 else "test"
        self.evaluation: Evaluation | None = None  # of the validation images
        self.records: list[EpochRecord] = []
        self._skip_images = sorted(skip_images)
        self._extra_config = dict(extra_config or {})
        self.config: RunConfig = self._read_config()
        self.epochs_done = int("members" in self.config)

    @property
    def best_record(self) -> EpochRecord:
        """The only record."""
        return self.records[0]

    def run_training_loop(self, num_epochs: int = 1) -> None:
        """Train the members that are missing, and make their ensemble.

        Args:
            num_epochs: 1.

        Raises:
            ValueError, OSError: as `Trainer` and `Fitter`.
            Interrupted: Ctrl-C or SIGTERM; what is finished is saved.
        """
        if num_epochs != 1 or self.epochs_done:
            raise ValueError("an ensemble is put together once")
        self.model_dir.mkdir(parents=True, exist_ok=True)
        write_config(self.model_dir, self.config)
        total = 60 * self.minutes
        with clock(total, self._seconds_of_members(), self.model_dir.name) as elapsed:
            if not self._name_of_fitted:
                self._note(fitted=self._chosen(FITTED * total).name)
            to_measure = self._fit()
            if not self._plan:
                left = total * (1 - RESERVE) - to_measure - elapsed()
                self._note(plan=self._planned(left))
            for network in self.networks:
                if epochs := self._plan.get(network.name):
                    self._train(replace(network, epochs=epochs))
            self._put_together()
            seconds = elapsed()
        self._measure(seconds)

    @property
    def _plan(self) -> dict[str, int]:
        """Epochs of each network, once they are chosen."""
        plan: dict[str, int] = cast(dict[str, Any], self.config)["plan"]
        return plan

    @property
    def _name_of_fitted(self) -> str:
        """That of the recipe that is fitted first, once it is chosen."""
        name: str = cast(dict[str, Any], self.config)["fitted"]
        return name

    def _note(self, **choices: Any) -> None:
        self.config = cast(RunConfig, {**self.config, **choices})
        write_config(self.model_dir, self.config)

    def _chosen(self, most: float) -> FittedRecipe:
        """The first recipe that is fitted in this time and in the memory of this machine."""
        large, small = self.fitted
        with tempfile.TemporaryDirectory() as folder:
            try:
                fitter = self._fitter(large, Path(folder))
            except ValueError:  # too many images; the small one says so, if they are for it too
                return small
        return large if fitter.expected_seconds(large.input_size) <= most else small

    def _fitter(self, recipe: FittedRecipe, folder: Path) -> Fitter:
        return recipe.make_trainer(
            self.data_dir, folder, device="cpu", load_from_disk=True, skip_images=self._skip_images
        )

    def _fit(self) -> float:
        """Fit what is not fitted yet; the seconds that its validation took."""
        (recipe,) = (each for each in self.fitted if each.name == self._name_of_fitted)
        fitter = self._fitter(recipe, self.model_dir / recipe.name)
        if not fitter.epochs_done:
            fitter.run_training_loop()
        return fitter.best_record.validation_seconds

    def _train(self, network: Recipe) -> None:
        folder = self.model_dir / network.name
        pixel_stats = None
        if (folder / CONFIG).is_file():
            mean, std = read_config(folder)["pixel_stats"]
            pixel_stats = mean, std
        trainer = network.make_trainer(
            self.data_dir,
            folder,
            device=str(self.device),
            load_from_disk=True,
            skip_images=self._skip_images,
            pixel_stats=pixel_stats,
        )
        if (left := network.epochs - trainer.epochs_done) > 0:
            trainer.run_training_loop(left)

    def _put_together(self) -> None:
        names = (*self._plan, self._name_of_fitted)
        members = [self.model_dir / name / LAST for name in names]
        kept = {"fitted": self._name_of_fitted, "plan": self._plan, **self._extra_config}
        write_ensemble(self.model_dir, self.model_dir.name, members, plain_data(kept))
        self.config = read_config(self.model_dir)
        self.epochs_done = 1

    def _measure(self, seconds: float) -> None:
        run = load_run(self.model_dir, device=str(self.device))
        self.evaluation = evaluate_split(run, self.data_dir, self.validation_name)
        self.records.append(
            EpochRecord(
                epoch=1,
                train_loss=float("nan"),
                train_accuracy=float("nan"),
                validation_loss=self.evaluation.loss,
                validation_accuracy=self.evaluation.accuracy,
                learning_rate=0.0,
                seconds=seconds,
                validation_seconds=0.0,
            )
        )

    # ---------------------------------------------------------------- the plan

    def _planned(self, seconds: float) -> dict[str, int]:
        """Epochs of each network that is to be trained in this time."""
        deadline = time.monotonic() + seconds
        quick, best, second = self.networks

        def in_time(network: Recipe, of_epoch: float) -> int:
            epochs = int((deadline - time.monotonic()) / of_epoch)
            return min(epochs, round(MOST * network.epochs))

        of_best = self._seconds_of_epoch(best)
        epochs = in_time(best, of_best)
        if epochs < LEAST * best.epochs:
            epochs, least = in_time(quick, self._seconds_of_epoch(quick)), LEAST * quick.epochs
            if epochs < least:
                notice(
                    f"There is time for {max(0, epochs)} epochs of {quick.name}, too few to learn: "
                    f"{math.ceil(least)} are trained, so it takes longer."
                )
            return {quick.name: max(epochs, math.ceil(least))}
        if epochs > best.epochs:  # enough for both?
            both = best.epochs * of_best + second.epochs * self._seconds_of_epoch(second)
            if both <= deadline - time.monotonic():
                return {network.name: network.epochs for network in (best, second)}
        return {best.name: in_time(best, of_best)}

    def _seconds_of_epoch(self, network: Recipe) -> float:
        """The mean over a run in which the images grow, from some batches of each size.

        The first batches take longer, so they do not count.
        """
        notice(f"Measuring how long an epoch of {network.name} takes.")
        full, mean = network.input_size, 0.0
        with tempfile.TemporaryDirectory() as folder:
            for size, share in shares_of_sizes(network.start_size or full, full).items():
                trainer = replace(network, start_size=size).make_trainer(
                    self.data_dir, folder, device=str(self.device), skip_images=self._skip_images
                )
                started: list[float] = []
                batches = len(trainer.train_loader)
                trainer.train_loader = _some_batches(trainer.train_loader, started)
                with trainer.arithmetic.in_use([trainer.model], trainer.optimizer):
                    trainer.train_epoch()
                    trained = time.perf_counter()
                    trainer.validate()
                of_batch = (trained - started[0]) / MEASURED
                mean += share * (batches * of_batch + time.perf_counter() - trained)
        return mean

    def _seconds_of_members(self) -> float:
        return sum(
            row["seconds"]
            for checkpoint in self.model_dir.glob(f"*/{LAST}")
            for row in read_history(checkpoint.parent)
        )

    # ---------------------------------------------------------------- the config

    def _read_config(self) -> RunConfig:
        """That of a run on disk, or of a new one; the ensemble's replaces it in the end."""
        names = {network.name for network in self.networks}
        if (self.model_dir / CONFIG).is_file():
            config = read_config(self.model_dir)
            plan = cast(dict[str, Any], config).get("plan")
            if not isinstance(plan, dict) or not all(
                name in names and isinstance(epochs, int) for name, epochs in plan.items()
            ):
                raise ValueError(f"{self.model_dir / CONFIG} is damaged: its plan is {plan!r}")
            small = self.fitted[1].name  # the only one, when runs did not note it yet
            fitted = cast(dict[str, Any], config).get("fitted", small)
            if fitted not in ("", *(recipe.name for recipe in self.fitted)):
                raise ValueError(f"{self.model_dir / CONFIG} is damaged: its fitted is {fitted!r}")
            return cast(RunConfig, {**config, "fitted": fitted})
        new: dict[str, Any] = {
            **self._extra_config,
            "format": FORMAT,
            "fitted": "",
            "plan": {},
            "model": {"class_name": ENSEMBLE},
            "skipped_images": self._skip_images,
            "val_fraction": self.fitted[0].val_fraction,
            "data": {
                "folder": str(self.data_dir.resolve()),
                "kind": self.dataset_info.kind,
                "title": self.dataset_info.title,
                "validated_on": self.validation_name,
            },
            "device": str(self.device),
            "started": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "versions": versions(),
        }
        return cast(RunConfig, plain_data(new))


def _some_batches(loader: Iterable[Any], started: list[float]) -> Any:
    """Notes in `started` when the first `WARM_UP` of them are done."""
    again = itertools.chain.from_iterable(itertools.repeat(loader))
    yield from itertools.islice(again, WARM_UP)
    started.append(time.perf_counter())
    yield from itertools.islice(again, MEASURED)
