"""A run in TensorBoard: scalars by epoch, confusion matrix and filters at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scene_recog.loading.reading import class_names
from scene_recog.runs.history import EpochRecord
from scene_recog.runs.scoring import evaluate_batches
from scene_recog.visualize.confusion import confusion_figure
from scene_recog.visualize.filters import filters_figure, first_filters

if TYPE_CHECKING:
    from scene_recog.runner import Trainer

FOLDER = "tensorboard"


def summary_writer() -> Any:
    """The class `torch.utils.tensorboard.SummaryWriter`.

    Raises:
        ValueError: TensorBoard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise ValueError(
            'TensorBoard is not installed: pip install "scene-recog[tensorboard]"'
        ) from error
    return SummaryWriter


class TensorBoardLog:
    """Logs a `Trainer` into `<its folder>/tensorboard`. Use it in a `with` statement.

    A resumed run continues the same curves; entries newer than the checkpoint are dropped.

    Args:
        trainer: before it trains.

    Raises:
        ValueError: TensorBoard is not installed.
    """

    def __init__(self, trainer: Trainer) -> None:
        writer = summary_writer()
        self.trainer = trainer
        done = trainer.epochs_done
        self._first_filters = first_filters(trainer.model) if done == 0 else None
        self._writer = writer(
            str(trainer.model_dir / FOLDER), purge_step=done + 1 if done else None
        )

    def __enter__(self) -> TensorBoardLog:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Write out pending entries."""
        self._writer.close()

    def log_epoch(self, record: EpochRecord) -> None:
        """Log losses (nats), accuracies (0 to 1), learning rate and seconds of an epoch."""
        validated_on = self.trainer.validation_name
        values = {
            "loss/train": record.train_loss,
            f"loss/{validated_on}": record.validation_loss,
            "accuracy/train": record.train_accuracy,
            f"accuracy/{validated_on}": record.validation_accuracy,
            "learning_rate": record.learning_rate,
            "seconds": record.seconds,
        }
        for tag, value in values.items():
            self._writer.add_scalar(tag, value, record.epoch)

    def log_pictures(self) -> None:
        """Log the current confusion matrix on the validation images, and the current filters."""
        trainer = self.trainer
        title = (
            f"{trainer.model_dir.name}, epoch {trainer.epochs_done}, "
            f"{trainer.validation_name} images of {trainer.dataset_info.title}"
        )
        names = class_names(trainer.val_dataset.class_dict)
        evaluation = evaluate_batches(
            trainer.averaged_model, trainer.val_loader, trainer.val_dataset, trainer.device
        )
        matrix = confusion_figure(evaluation, names, title)
        filters = filters_figure(
            first_filters(trainer.averaged_model),
            f"{trainer.model_dir.name}: filters of the first convolution",
            self._first_filters,
        )
        self._writer.add_figure("confusion_matrix", matrix, trainer.epochs_done)
        self._writer.add_figure("filters", filters, trainer.epochs_done)
