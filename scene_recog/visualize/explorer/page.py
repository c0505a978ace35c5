"""Put the page together: the networks of some runs, images to try, and the scripts."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, cast

import numpy as np
from PIL import Image
from torch import nn

from scene_recog.datasets import describe_dataset
from scene_recog.models import FITTED
from scene_recog.runs.scoring import LoadedRun, evaluate_split, load_run
from scene_recog.system.files import write_atomically
from scene_recog.visualize.explorer.images import choose_images
from scene_recog.visualize.explorer.network import Step, UnknownLayerError, describe_network
from scene_recog.visualize.page import digest_of, path_of_page
from scene_recog.visualize.report_subject import untrained_model

EXPLORER = "explore.html"  # the page, in a run's folder
SHARED = ("arithmetic.js", "pixels.js")  # by the page and its workers
WORKER = ("experiments.js", "worker.js")
PAGE = (
    "dom.js", "words.js", "layers.js", "detail.js", "picture.js", "answers.js", "studies.js",
    "page.js",
)  # fmt: skip
# What the page can compute, and in which order: levels are integers until ToTensor.
_ORDER = {"Grayscale": 0, "Resize": 1, "CenterCrop": 1, "ToTensor": 2, "Normalize": 3}
_FILTERS = {"bilinear", "bicubic"}
_SIZES = ((300, 200), (200, 300))  # of pictures, which must give inputs of one shape


def write_explorer(
    names: Sequence[str | Path],
    out: str | Path | None = None,
    *,
    data_dir: str | Path | None = None,
    split: str = "test",
    before: nn.Module | None = None,
) -> Path:
    """Write one HTML page in which the networks of one or several runs can be explored.

    Args:
        names: runs, as for `load_run`; the images are chosen by the answers of the first.
        out: the file; None for `explore.html` in the folder of the first run.
        data_dir: folder with train/ and test/; None for the one that the first run was trained on.
            Without its images, the page still takes photographs and drawings.
        split: where the images are taken from: "test" or "validation".
        before: the first run's network before training, if it was not trained from a recipe (which
            tells the seed of its weights).

    Returns:
        The file written.

    Raises:
        FileNotFoundError: no such run, or no folder to write into.
        ValueError: no run named, a run that cannot be loaded, a network or transforms that the page
            cannot compute; or "validation" of a run that held no images out.
    """
    if not names:
        raise ValueError("name at least one run")
    different = list(dict.fromkeys(map(str, names)))
    runs = [load_run(name, device="cpu") for name in different]
    path = path_of_page(out, runs[0].folder / EXPLORER)
    shown = [run.folder.resolve().name for run in runs]
    if len(set(shown)) < len(shown):
        shown = different
    fresh = [before, *[None] * (len(runs) - 1)]
    described = [
        _describe_run(run, name, net) for run, name, net in zip(runs, shown, fresh, strict=True)
    ]
    images, missing = _images(runs[0], data_dir, split)
    content = page_of({"runs": described, "images": images, "missing": missing})
    write_atomically(path, lambda part: part.write_bytes(content))
    return path


def page_of(data: dict[str, Any]) -> bytes:
    """The page as bytes of HTML.

    Args:
        data: `runs`, `images` and `missing` (why there are no images), as page.js reads them.
    """
    files = resources.files(__package__)

    def text_of(names: Sequence[str]) -> str:
        return '"use strict";\n' + "\n".join(
            files.joinpath(name).read_text(encoding="utf-8") for name in names
        )

    style = files.joinpath("explorer.css").read_text(encoding="utf-8")
    shared, page = text_of(SHARED), text_of(PAGE)
    # The browser loads nothing from elsewhere, and runs no other script.
    policy = (
        f"default-src 'none'; img-src data:; style-src '{digest_of(style)}'; worker-src blob:; "
        f"script-src '{digest_of(shared)}' '{digest_of(page)}'; base-uri 'none'; form-action 'none'"
    )
    plain = json.dumps(data).replace("<", "\\u003c")  # so that no name ends the script
    parts = [
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{html.escape(policy)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>See your network think</title>\n<style>{style}</style>\n</head>\n<body>",
        files.joinpath("explorer.html").read_text(encoding="utf-8"),
        f'<script type="application/json" id="data">{plain}</script>',
        f'<script type="text/plain" id="worker">{text_of(WORKER)}</script>',
        f'<script id="shared">{shared}</script>\n<script>{page}</script>\n</body>\n</html>\n',
    ]
    return "\n".join(parts).encode("utf-8", errors="replace")


def _describe_run(run: LoadedRun, name: str, before: nn.Module | None) -> dict[str, Any]:
    class_name = run.config["model"]["class_name"]
    if run.members:
        member = next(iter(run.members))
        if (run.folder / member).is_dir():
            member = f"{name}/{member}"
        raise ValueError(f"{name} is an ensemble: explore one of its members, such as {member}")
    if class_name in FITTED:
        raise ValueError(f"{name} holds {class_name}, which is no neural network")
    described = cast(list[dict[str, Any]], run.config["val_transforms"])  # as load_run checks
    transforms = _in_first_version(described)
    if trouble := _trouble_with(transforms):
        raise ValueError(f"{name} was trained with {trouble}, which the page cannot compute")
    shape, other = (tuple(run.transform(Image.new("L", size)).shape) for size in _SIZES)
    if shape != other:
        raise ValueError(
            f"{name} takes images of different shapes ({shape} and {other}): the page needs one "
            "size, such as Resize((64, 64))"
        )
    try:
        steps, arrays = describe_network(run.model, shape)
    except UnknownLayerError as error:
        raise ValueError(f"{name} cannot be explored: {error}") from error
    return {
        "name": name,
        "about": f"{name} is a {class_name} with {run.config['model']['parameters']:,} parameters, "
        f"epoch {run.epoch}, trained on {run.config['data']['title']}.",
        "classes": run.class_names,
        "transforms": [
            {**step, "columns_first": _columns_first()} if step["name"] == "Resize" else step
            for step in transforms
        ],
        "steps": steps,
        "arrays": arrays,
        "untrained": _untrained(before or untrained_model(run.config), steps, shape),
    }


def _untrained(
    model: nn.Module | None, steps: list[Step], shape: Sequence[int]
) -> list[str] | None:
    """The weights before training; None if they are unknown or belong to another network."""
    if model is None:
        return None
    try:
        same, arrays = describe_network(model, shape)
    except ValueError:
        return None
    return arrays if same == steps else None


@cache
def _columns_first() -> bool:
    """Whether this version of Pillow resizes tall images along their columns first."""
    levels = np.random.default_rng(0).integers(0, 256, (180, 97), dtype=np.uint8)
    tall = Image.fromarray(levels)
    bilinear = Image.Resampling.BILINEAR
    in_order = tall.resize((64, 180), bilinear).resize((64, 64), bilinear)
    return tall.resize((64, 64), bilinear).tobytes() != in_order.tobytes()


def _in_first_version(transforms: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same transforms, without those of `transforms.v2` where the first version has them.

    Both resize alike, except that a pixel of a tensor may differ from Pillow's by one grey level.
    """
    renamed = []
    for step in transforms:
        name = step["name"].removeprefix("v2.")
        if name == "ToDtype" and step.get("dtype") == "torch.float32" and step.get("scale"):
            renamed.append({"name": "ToTensor"})
        elif name in _ORDER and step.get("antialias", True):
            renamed.append(step | {"name": name})
        elif name != "ToImage":
            renamed.append(step)
    return renamed


def _trouble_with(transforms: Sequence[dict[str, Any]]) -> str:
    """The first transform that the page cannot compute; empty if there is none."""
    names = [step["name"] for step in transforms]
    for step, name in zip(transforms, names, strict=True):
        is_known = name in _ORDER and names.count(name) == 1
        if name == "Resize":
            is_known &= step.get("interpolation", "bilinear") in _FILTERS
            is_known &= not step.get("max_size")
        elif name == "Grayscale":
            is_known &= step.get("num_output_channels", 1) == 1
        elif name == "Normalize":
            is_known &= len(step["mean"]) == 1
        if not is_known:
            return f"the transform {name}"
    if [_ORDER[name] for name in names] != sorted(_ORDER[name] for name in names):
        return f"transforms in an unusual order ({', '.join(names)})"
    return ""


def _images(
    run: LoadedRun, data_dir: str | Path | None, split: str
) -> tuple[list[dict[str, str]], str]:
    """The images of the page; without any, why."""
    root = Path(data_dir or run.config["data"]["folder"]).expanduser()
    if data_dir is None:
        try:
            describe_dataset(root)
        except (ValueError, FileNotFoundError) as error:
            return [], f"There are no images to choose from ({error}): open a photograph or draw."
    evaluation = evaluate_split(run, root, split)
    return choose_images(evaluation, run.class_names, root), ""
