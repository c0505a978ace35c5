"""The images that the page offers: right answers, wrong ones, and the most confident mistakes."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from scene_recog.datasets.images import image_name, read_grayscale
from scene_recog.runs.scoring import Evaluation
from scene_recog.visualize.mistakes import most_confident_mistakes

EACH = 10  # images of a group
_LONGEST, _MOST_BYTES = 320, 40_000  # what is larger is made smaller


def choose_images(
    evaluation: Evaluation, class_names: Sequence[str], root: Path
) -> list[dict[str, str]]:
    """Up to thirty images with what the page says about them.

    Right and other wrong ones are spread evenly over their lists, which are sorted by class.

    Args:
        evaluation: of the run, on the split that they are taken from.
        class_names: by class index.
        root: the data folder.

    Returns:
        For each: `group`, `name` (relative to root), `target`, and `jpeg`, in base64.

    Raises:
        FileNotFoundError: the images are no longer there.
    """
    right = np.flatnonzero(evaluation.predictions == evaluation.targets)
    wrong = most_confident_mistakes(evaluation, count=len(evaluation.targets))
    groups = {
        "right answers": _spread(right),
        "wrong answers": _spread(np.sort(wrong[EACH:])),
        "most confident mistakes": wrong[:EACH].tolist(),
    }
    return [
        {
            "group": group,
            "name": image_name(evaluation.paths[index], root),
            "target": class_names[evaluation.targets[index]],
            "jpeg": base64.b64encode(_jpeg(Path(evaluation.paths[index]))).decode("ascii"),
        }
        for group, indices in groups.items()
        for index in indices
    ]


def _spread(indices: np.ndarray) -> list[int]:
    places = np.linspace(0, len(indices) - 1, min(EACH, len(indices)))
    return [int(index) for index in indices[np.round(places).astype(int)]]


def _jpeg(path: Path) -> bytes:
    """The file itself if it is a small, plain grey JPEG; else a smaller copy."""
    if path.stat().st_size <= _MOST_BYTES:
        with Image.open(path) as image:
            if image.format == "JPEG" and image.mode == "L" and not image.getexif():
                return path.read_bytes()
    copy = read_grayscale(path)
    copy.thumbnail((_LONGEST, _LONGEST))
    buffer = io.BytesIO()
    copy.save(buffer, format="JPEG", quality=85)
    return buffer.getvalue()
