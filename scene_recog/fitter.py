"""Fitting without steps: Fisher vectors as a run on disk, saved stage by stage.

    words, once they are known   -> checkpoint.pt, unfinished
    Fisher vectors, part by part -> vectors-0001.pt, ..., deleted at the end
    weights                      -> checkpoint.pt, and one row in history.csv

A run that was stopped continues after the last stage or part on disk, with bit-identical weights.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch.utils.data import Subset

from scene_recog.datasets import describe_dataset
from scene_recog.datasets.images import image_name
from scene_recog.loading.bad_images import all_bad_images_named
from scene_recog.loading.loaders import make_loader
from scene_recog.loading.reading import ImageByImage, listed
from scene_recog.loading.split import open_datasets
from scene_recog.models.fisher_vectors import AT_ONCE, BATCH, FisherVectorNet
from scene_recog.models.misfit import misfit
from scene_recog.runs.checkpoint import read_data, write_data
from scene_recog.runs.config import RunConfig, describe_run
from scene_recog.runs.history import EpochRecord, History
from scene_recog.runs.run_folder import RunFolder
from scene_recog.runs.saved_run import ADVICE, UNFINISHED, SavedRun
from scene_recog.runs.scoring import Evaluation, evaluate_batches
from scene_recog.system.interrupts import StopAtOnce
from scene_recog.system.memory import freed_memory_kept, physical_memory
from scene_recog.system.numbers import plain_data
from scene_recog.system.progress import notice, progress_bar

PART = 8 * BATCH  # images; a multiple of BATCH, so that no batch is divided
FOR_WORDS = 2000  # images could be seen in the time that the visual words take
OF_WEIGHTS = 1.3  # times as long as the images takes with the weights, for three thousand


class Fitter:
    """Fits a `FisherVectorNet` on the CPU and keeps the run on disk.

    It has the attributes of `Trainer` that make sense for one pass over the images: its history has
    one record. Its arguments are those of `Trainer` too.

    Args:
        data_dir: folder with train/ and test/, one folder per class in each.
        model: the net, not fitted yet.
        model_dir: the run's folder; created if it is missing.
        transform: PIL image -> float32 tensor [1, H, W], values from 0 to 1.
        val_fraction: 0 validates on the test split; above 0, that fraction of each training class
            is held out for validation.
        seed: for the validation split, the sample of descriptors and the initial words.
        load_from_disk: resume the run in `model_dir`, if there is one, or from the checkpoint at
            this path.
        skip_images: images to leave out, as paths below `data_dir`.
        extra_config: plain data to keep in config.json and the checkpoint, such as the recipe.

    Raises:
        ValueError: as `Trainer`, more classes than outputs, or more images than memory allows.
        FileNotFoundError: no dataset in `data_dir`.
    """

    def __init__(
        self,
        data_dir: str | Path,
        model: FisherVectorNet,
        model_dir: str | Path,
        transform: Any,
        *,
        val_fraction: float,
        seed: int,
        load_from_disk: bool | str | Path = False,
        skip_images: Collection[str] = (),
        extra_config: Mapping[str, Any] | None = None,
    ) -> None:
        self.data_dir, self.model_dir = Path(data_dir).expanduser(), Path(model_dir).expanduser()
        self.model, self.seed, self.device = model, seed, torch.device("cpu")
        saved = SavedRun.find(self.model_dir, load_from_disk)
        saved.check_val_fraction(val_fraction)
        self.validation_name = "validation" if val_fraction > 0 else "test"
        self.dataset_info = describe_dataset(data_dir)
        self.train_dataset, self.val_dataset, self.split = open_datasets(
            data_dir,
            transform,
            transform,
            val_fraction=val_fraction,
            seed=seed,
            skip_images=skip_images,
            recorded=saved.split(self.data_dir),
            class_names=saved.config.get("class_names"),
        )
        classes, outputs = len(self.train_dataset.class_dict), model.linear.out_features
        if classes > outputs:
            raise ValueError(
                f"{self.data_dir} has {classes} classes, but {type(model).__name__} has {outputs} "
                "outputs"
            )
        _require_memory(len(self.train_dataset), model.linear.in_features)
        self.val_loader = make_loader(
            self.val_dataset, BATCH, shuffle=False, device=self.device, cache="off"
        )
        self.evaluation: Evaluation | None = None  # of the validation images
        self.epochs_done = 0
        self._has_words = False
        self._seconds = 0.0  # of all stages so far, before the run was stopped too
        self._history = History()
        self.records = self._history.records
        self._folder = RunFolder(self.model_dir, continues=bool(saved))
        config = describe_run(
            model,
            self.train_dataset,
            self.val_dataset,
            self.dataset_info,
            data_dir=self.data_dir,
            val_fraction=val_fraction,
            seed=seed,
            skip_images=skip_images,
            device=self.device,
        )
        self.config = cast(RunConfig, plain_data({**(extra_config or {}), **config}))
        if saved:
            self._go_on(saved)

    @property
    def averaged_model(self) -> FisherVectorNet:
        """The net that is validated."""
        return self.model

    @property
    def best_record(self) -> EpochRecord:
        """The only record.

        Raises:
            ValueError: the net is not fitted yet.
        """
        return self._history.best

    @torch.inference_mode()
    def expected_seconds(self, side: int) -> float:
        """About how long all of it takes here, measured on a few images of side x side pixels."""
        images = torch.rand(AT_ONCE, 1, side, side)
        self.model.fisher_vectors(images)  # the first time takes longer
        start = time.perf_counter()
        self.model.fisher_vectors(images)
        of_image = (time.perf_counter() - start) / len(images)
        seen = 2 * len(self.train_dataset) + len(self.val_dataset)
        return of_image * (FOR_WORDS + OF_WEIGHTS * seen)

    def run_training_loop(self, num_epochs: int = 1) -> None:
        """Fit what is not fitted yet, validate and save.

        Args:
            num_epochs: 1, for there is only one pass over the images.

        Raises:
            ValueError: num_epochs is not 1, too few images for the number of words, another process
                is using `model_dir`, or the net is fitted already.
            Interrupted: Ctrl-C or SIGTERM; what is finished is saved.
            OSError: `model_dir` cannot be written to.
        """
        if num_epochs != 1 or self.epochs_done:
            raise ValueError("Fisher vectors are fitted in one pass over the images")
        with (
            StopAtOnce(),
            self._folder.held(self._state(), self.records),
            all_bad_images_named(self.data_dir),
            freed_memory_kept(),
        ):
            self._fit()
            self._folder.save_epoch(self._state(), self.records, is_best=False)
        self._delete_parts()

    def _fit(self) -> None:
        images = ImageByImage(self.train_dataset)
        if not self._has_words:
            with self._timed():
                self.model.fit_words(images, seed=self.seed)
            self._has_words = True
            self._folder.save_unfinished(self._state())
        vectors, labels = self._training_vectors(images)
        with self._timed():
            self.model.fit_weights(vectors, labels)
        train_loss, train_accuracy = self._measure(vectors, labels)
        del vectors
        fitted = self._seconds
        with self._timed():
            self.evaluation = evaluate_batches(
                self.model, self.val_loader, self.val_dataset, self.device
            )
        record = EpochRecord(
            epoch=1,
            train_loss=train_loss,
            train_accuracy=train_accuracy,
            validation_loss=self.evaluation.loss,
            validation_accuracy=self.evaluation.accuracy,
            learning_rate=0.0,
            seconds=self._seconds,
            validation_seconds=self._seconds - fitted,
        )
        self._history.add(record)
        self.epochs_done = 1

    @contextmanager
    def _timed(self) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self._seconds += time.perf_counter() - start

    @torch.inference_mode()
    def _measure(self, vectors: torch.Tensor, labels: torch.Tensor) -> tuple[float, float]:
        """(mean loss per example, accuracy) on what the weights were fitted to."""
        weight = self.model.linear.weight
        logits = torch.cat([part.float() @ weight.T for part in vectors.split(500)])
        accuracy = (logits.argmax(dim=1) == labels).float().mean()
        return F.cross_entropy(logits, labels).item(), accuracy.item()

    # ---------------------------------------------------------------- the parts

    def _training_vectors(self, images: ImageByImage) -> tuple[torch.Tensor, torch.Tensor]:
        """All Fisher vectors and labels; parts that are on disk are read, the others are made."""
        count = len(images)
        vectors = torch.empty(2 * count, self.model.linear.in_features, dtype=torch.float16)
        labels = torch.empty(len(vectors), dtype=torch.long)
        parts = [
            (number, range(start, min(start + PART, count)))
            for number, start in enumerate(range(0, count, PART), start=1)
        ]
        missing = [part for part in parts if not self._read_part(*part, vectors, labels)]
        left = sum(len(chosen) for _, chosen in missing)
        with progress_bar(
            total=count, initial=count - left, unit="img", desc="Fisher vectors"
        ) as bar:
            for number, chosen in missing:
                before, done = self._seconds, 2 * chosen.start
                with self._timed():
                    for of_batch, y in self.model.training_vectors(Subset(images, chosen)):
                        rows = slice(done, done := done + len(y))
                        vectors[rows], labels[rows] = of_batch, y
                        bar.update(len(y) // 2)
                self._write_part(number, chosen, vectors, labels, self._seconds - before)
        return vectors, labels

    def _read_part(
        self, number: int, chosen: range, vectors: torch.Tensor, labels: torch.Tensor
    ) -> bool:
        """Fill in the rows of these images, if they are on disk and were made as they would be now.

        Args:
            number: of the part.
            chosen: indices of its images.
            vectors, labels: of all images.
        """
        path = self._part(number)
        if not path.is_file():
            return False
        rows = slice(2 * chosen.start, 2 * chosen.stop)
        try:
            part = read_data(path)
            shapes = part["vectors"].shape, part["labels"].shape
            outputs = range(self.model.linear.out_features)
            if (
                part["origin"] != self._origin(chosen)
                or shapes != (vectors[rows].shape, labels[rows].shape)
                or not part["vectors"].isfinite().all()
                or not set(part["labels"].tolist()) <= set(outputs)
            ):
                return False
            vectors[rows], labels[rows] = part["vectors"], part["labels"]
            self._seconds += float(part["seconds"])
        except (AttributeError, KeyError, TypeError, ValueError, RuntimeError):
            return False  # damaged: it is made again
        return True

    def _write_part(
        self,
        number: int,
        chosen: range,
        vectors: torch.Tensor,
        labels: torch.Tensor,
        seconds: float,
    ) -> None:
        """Without it, a run that is stopped has more to do again, so a full disk is no error."""
        rows = slice(2 * chosen.start, 2 * chosen.stop)
        part = {
            "origin": self._origin(chosen),
            "vectors": vectors[rows].clone(),  # torch would store those of all images
            "labels": labels[rows].clone(),
            "seconds": seconds,
        }
        path = self._part(number)
        try:
            write_data(path, part)
        except OSError as error:
            notice(f"{path.name} is not saved ({error.strerror or error}); fitting continues.")

    def _part(self, number: int) -> Path:
        return self.model_dir / f"vectors-{number:04d}.pt"

    def _origin(self, chosen: range) -> str:
        """What a part was made from: the words, and the names of its images."""
        digest = hashlib.sha256()
        for tensor in self.model.buffers():
            digest.update(tensor.numpy().tobytes())
        pairs = listed(self.train_dataset)[chosen.start : chosen.stop]
        digest.update("\n".join(image_name(path, self.data_dir) for path, _ in pairs).encode())
        digest.update(repr(self.config["train_transforms"]).encode())
        return digest.hexdigest()

    def _delete_parts(self) -> None:
        with suppress(OSError):
            for path in self.model_dir.glob("vectors-*.pt"):
                path.unlink()

    # ---------------------------------------------------------------- saving and loading

    def _state(self) -> dict[str, Any]:
        """What a checkpoint holds; with UNFINISHED as long as there are no weights."""
        state = {
            "model_state_dict": self.model.state_dict(),
            "epoch": self.epochs_done,
            "seed": self.seed,
            **self._history.state_dict(),
            **self.split.state_dict(),
            "config": self.config,
        }
        if not self.epochs_done:
            state[UNFINISHED] = {"words": self._has_words, "seconds": self._seconds}
        return state

    def _go_on(self, saved: SavedRun) -> None:
        try:
            self.model.load_state_dict(saved.contents["model_state_dict"])
        except (RuntimeError, ValueError, TypeError, AttributeError) as error:
            differences = misfit(self.model, saved.contents["model_state_dict"])
            raise ValueError(
                f"{saved.path} does not fit this {type(self.model).__name__} ({differences}): "
                f"{ADVICE}"
            ) from error
        try:
            self._history.load_state_dict(saved.contents)
            self.epochs_done = len(self.records)
            unfinished = saved.contents.get(UNFINISHED, {})
            self._has_words = bool(unfinished.get("words"))
            self._seconds = float(unfinished.get("seconds", 0.0))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{saved.path} is damaged: its history cannot be read; {ADVICE}"
            ) from error
        if "started" in saved.config:
            self.config["started"] = saved.config["started"]
        if self.epochs_done:
            self._delete_parts()
        else:
            notice(f"Resuming the run in {self.model_dir} after the visual words.")


def _require_memory(images: int, features: int) -> None:
    """Refuse what this machine has not enough memory for, rather than be killed after an hour."""
    vectors = 2 * images  # mirrored too
    needed = 2 * vectors * features + 2 * 4 * vectors**2  # float16; their products, and a factor
    present = physical_memory()
    if present is not None and needed > present:
        raise ValueError(
            f"Fisher vectors of {images:,} images need about {needed / 1e9:.0f} GB of memory, and "
            f"this machine has {present / 1e9:.0f} GB: take fewer images, hold more of them out "
            "(val_fraction), or train a network, whose memory does not grow"
        )
