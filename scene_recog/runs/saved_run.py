"""The checkpoint that a run is resumed from."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from scene_recog.loading.split import Split, recorded_split, why_other_images
from scene_recog.models.misfit import misfit
from scene_recog.runs.checkpoint import read_checkpoint
from scene_recog.runs.config import RunConfig, config_of
from scene_recog.runs.run_folder import LAST
from scene_recog.system import processes
from scene_recog.training.options import TrainerOptions

ADVICE = "start a new run, with load_from_disk=False or another model_dir (train: without --resume)"

UNFINISHED = "unfinished_fit"  # in a checkpoint of a `Fitter`: the stages so far


@dataclass(frozen=True)
class SavedRun:
    """A run in a checkpoint; for a new run, there is none, and this object is false.

    Attributes:
        path: the checkpoint.
        contents: its contents.
        config: the run's config; empty for a checkpoint of the course's own Trainer.
    """

    path: Path
    contents: dict[str, Any] = field(default_factory=dict)
    config: RunConfig = field(default_factory=RunConfig)

    @classmethod
    def find(cls, model_dir: Path, load_from_disk: bool | str | Path) -> SavedRun:
        """The run to resume.

        Args:
            model_dir: the run's folder.
            load_from_disk: True for the last checkpoint there, if there is one; False for none; or
                the path of a checkpoint.

        Raises:
            FileNotFoundError, ValueError: as `read_checkpoint`.
        """
        last = model_dir / LAST
        path = last if isinstance(load_from_disk, bool) else Path(load_from_disk).expanduser()
        if not load_from_disk:
            return cls(path)
        if path == last and not processes.from_rank_zero(last.exists):
            return cls(path)
        contents = processes.from_rank_zero(lambda: read_checkpoint(path))
        return cls(path, contents, config_of(contents.get("config", {}), path))

    def __bool__(self) -> bool:
        """Whether there is a checkpoint."""
        return bool(self.contents)

    def check(self, optimizer: torch.optim.Optimizer, options: TrainerOptions) -> None:
        """Check that it can be resumed with this optimizer and these options.

        Raises:
            ValueError: it cannot.
        """
        kind = type(optimizer).__name__
        theirs = self.config.get("optimizer", {}).get("class_name", kind)
        if theirs != kind:
            raise ValueError(
                f"{self.path} was trained with {theirs} and cannot be resumed with {kind}: {ADVICE}"
            )
        self.check_val_fraction(options.val_fraction)

    def check_val_fraction(self, val_fraction: float) -> None:
        """Check that it holds out this fraction of the images.

        Raises:
            ValueError: it does not.
        """
        fraction = self.config.get("val_fraction", val_fraction)
        if fraction != val_fraction:
            raise ValueError(
                f"val_fraction is {val_fraction}, but the images of {self.path} were split "
                f"with {fraction}, which cannot change: pass val_fraction={fraction}, or "
                "load_from_disk=False to start over"
            )

    def why_unfit(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> str:
        """Why its weights or its optimizer's state cannot be loaded into these."""
        theirs = self.config.get("model", {}).get("class_name", "model")
        kind, weights = type(model).__name__, self.contents["model_state_dict"]
        if differences := misfit(model, weights):
            return (
                f"{self.path} is from a {theirs} that does not fit this {kind} ({differences}): "
                f"{ADVICE}"
            )
        return (
            f"{self.path} has an optimizer that does not fit this {kind} with "
            f"{type(optimizer).__name__}: {ADVICE}"
        )

    def choose_seed(self, options: TrainerOptions) -> int:
        """The requested seed, or else this run's, or else a new one."""
        if options.seed is not None:
            return options.seed
        drawn = processes.from_rank_zero(lambda: int(torch.randint(2**31, ())))
        return int(self.contents.get("seed", drawn))

    def split(self, data_dir: Path) -> Split | None:
        """The images that it trains and validates on; None if not yet decided.

        Raises:
            ValueError: as `recorded_split`, or `data_dir` holds another dataset.
        """
        if not self:
            return None
        split = recorded_split(self.contents, data_dir, self.path)
        if why := why_other_images(self.config.get("data", {}), split, data_dir):
            raise ValueError(f"{why}: {ADVICE}")
        return split
