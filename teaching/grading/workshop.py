"""What a class of submissions is judged with: the hand-out, its hidden twins, what goes into the
sandbox, and the teacher's images. `judge.py` works in it, in a process of its own."""

from __future__ import annotations

import json
import os
import site
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from scene_recog.submission import STEP_FILES
from teaching import sandbox
from teaching.grading.twins import hidden
from teaching.grading.verdict import Verdict
from teaching.handout import REPOSITORY, handed_out
from teaching.receiving import Received

HERE = Path(__file__).parent
SIDE = 64  # pixels, of the handout's networks
LIMITS = sandbox.Limits(seconds=3600)  # the judge has a limit for each call, file and submission
IN_SANDBOX = ("__init__.py", "wire.py", "worker.py", "tracing.py", "figures.py")


@dataclass(frozen=True)
class Workshop:
    """A folder with all of it, on which submissions are judged.

    Attributes:
        folder: filled by `prepare` and `prepare_images`.
        is_alone: whether the worker sees its own processes only; see `sandbox.protections`.
        limits: of the worker.
    """

    folder: Path
    is_alone: bool
    limits: sandbox.Limits = field(default_factory=lambda: LIMITS)

    def judge(self, received: Received) -> Verdict:
        """What is found out about a submission.

        Raises:
            RuntimeError: the judge has a mistake; the end of what it said.
        """
        with tempfile.TemporaryDirectory() as folder:
            files = {}
            for number, (name, contents) in enumerate(received.files.items()):
                path = Path(folder) / str(number)
                path.write_bytes(contents)
                files[name] = str(path)
            spec = {
                "work": str(self.folder),
                "files": files,
                "hidden": [str(path) for path in _to_hide()],
                "is_alone": self.is_alone,
                "limits": asdict(self.limits),
            }
            # The hand-out's package, not the repository's: the networks of its own variant.
            paths = f"{self.folder / 'handout'}{os.pathsep}{REPOSITORY}"
            done = subprocess.run(
                [sys.executable, "-m", "teaching.grading.judge"],
                input=json.dumps(spec), capture_output=True, encoding="utf-8", check=False,
                errors="replace", cwd=self.folder,
                env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1",
                     "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "MPLBACKEND": "agg"},
            )  # fmt: skip
        try:
            return Verdict.from_json(json.loads(done.stdout))
        except ValueError:
            raise RuntimeError(done.stderr.strip()[-1000:] or "it ended without a word") from None


def _to_hide() -> Iterator[Path]:
    """Where the solution may be: the repository, but not the Python that is used, if it stands in
    it; and the package where that Python has it installed."""
    for folder in site.getsitepackages():
        for name in ("scene_recog", "teaching"):
            if (Path(folder) / name).exists():
                yield Path(folder) / name
    pythons = {Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve()}
    if not any(python.is_relative_to(REPOSITORY) for python in pythons):
        yield REPOSITORY
        return
    for child in REPOSITORY.iterdir():
        if not any(python.is_relative_to(child) for python in pythons):
            yield child


def prepare(work: Path, variant: int, seed: int) -> None:
    """Write `handout/`, `hidden/` and `package/` to an empty folder.

    Args:
        variant: as it was handed out.
        seed: of the hidden tests.
    """
    work.chmod(0o711)  # the worker's user must come through to `package`
    contents = handed_out(variant)
    tests = {
        name.removeprefix("unit_tests/"): text.decode()
        for name, text in contents.items()
        if name.startswith("unit_tests/") and name.count("/") == 1
    }
    twins = hidden(tests, seed)
    _write(work / "handout", contents)
    _write(work / "hidden", {"pyproject.toml": contents["pyproject.toml"]})
    _write(
        work / "hidden" / "unit_tests",
        {name: twins.get(name, text).encode() for name, text in tests.items()},
    )
    for folder in ("handout", "hidden"):
        (work / folder).chmod(0o700)
    package = {
        name: text
        for name, text in contents.items()
        if name.startswith("scene_recog/") and name not in STEP_FILES.values()
    }
    package["fakes.py"] = contents["unit_tests/fakes.py"]
    package["teaching/__init__.py"] = b""
    for name in IN_SANDBOX:
        package[f"teaching/grading/{name}"] = (HERE / name).read_bytes()
    for path in (HERE / "standins").glob("*.py"):
        package[f"teaching/grading/standins/{path.name}"] = path.read_bytes()
    _write(work / "package", package)


def prepare_images(work: Path, folder: Path) -> int:
    """Write the images of `<folder>/<class>/*.jpg` at 64x64, and their labels; returns how many.

    Raises:
        ValueError: there are none.
    """
    names = sorted(path.name for path in folder.iterdir() if path.is_dir())
    paths = [(path, i) for i, name in enumerate(names) for path in sorted((folder / name).iterdir())]
    paths = [(path, i) for path, i in paths if path.suffix.lower() in (".jpg", ".jpeg", ".png")]
    if not paths:
        raise ValueError(f"{folder}: there are no images; they must be in {folder}/<class>/*.jpg")
    images = np.empty((len(paths), SIDE, SIDE), dtype=np.uint8)
    for place, (path, _) in enumerate(paths):
        with Image.open(path) as image:
            resized = image.convert("L").resize((SIDE, SIDE), Image.Resampling.BILINEAR)
            images[place] = np.asarray(resized)
    np.save(work / "images.npy", images)
    np.save(work / "labels.npy", np.array([label for _, label in paths]))
    return len(paths)


def _write(folder: Path, contents: dict[str, bytes]) -> None:
    for name, data in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
