"""Everything needed to judge a class: the hand-out, its hidden twins, the sandbox's files, and the
teacher's images. `judge.py` uses it, in a process of its own."""

from __future__ import annotations

import json
import os
import site
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from scene_recog.datasets.images import images_below, read_grayscale
from scene_recog.datasets.scene15 import CLASSES
from scene_recog.datasets.scene15.manifest import class_of_folder
from scene_recog.submission import CODE_FILES
from teaching import sandbox
from teaching.grading.twins import hidden
from teaching.grading.verdict import Verdict
from teaching.handout import REPOSITORY, handed_out, must_be_new, write_new_folder
from teaching.receiving import Received

HERE = Path(__file__).parent
SIDE = 64  # pixels, of the handout's networks
# Memory of all processes: pages shared by DataLoader workers count for each of them.
LIMITS = sandbox.Limits(seconds=1800, cpu_seconds=240, memory=6000 * sandbox.MB)
IN_SANDBOX = ("__init__.py", "wire.py", "worker.py", "tracing.py", "figures.py")


@dataclass(frozen=True)
class Workshop:
    """A folder with everything needed to judge submissions.

    Attributes:
        folder: filled by `prepare` and `prepare_images`.
        is_alone: whether the worker sees only its own processes; see `sandbox.protections`.
        limits: of the worker.
        seconds: for one submission; tests not run by then count as failed.
        warnings: lines about what the system cannot prevent.
    """

    folder: Path
    is_alone: bool
    limits: sandbox.Limits = LIMITS
    seconds: float = 780.0
    warnings: tuple[str, ...] = ()

    def judge(self, received: Received) -> Verdict:
        """The verdict on a submission.

        Raises:
            RuntimeError: the judge has a bug; the message is the end of its output.
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
                "seconds": self.seconds,
            }
            # The hand-out's package, not the repository's, because it has the variant's networks.
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
            raise RuntimeError(
                done.stderr.strip()[-1000:] or "it ended without a message"
            ) from None


@contextmanager
def open_workshop(
    variant: int, seed: int, images: Path, lecture: bool = False
) -> Iterator[Workshop]:
    """A workshop in a temporary folder.

    Args:
        variant: as it was handed out.
        seed: of the hidden tests.
        images: for the accuracy.
        lecture: whether it was handed out as a second assignment.

    Raises:
        ValueError: there are no images, or untrusted code cannot be run on this system.
    """
    with tempfile.TemporaryDirectory(prefix="grading-") as folder:
        try:
            workshop = workshop_in(Path(folder))
        except sandbox.SandboxError as error:
            raise ValueError(str(error)) from None
        prepare(workshop.folder, variant, seed, lecture)
        prepare_images(workshop.folder, images)
        yield workshop


def workshop_in(folder: Path, seconds: float = Workshop.seconds) -> Workshop:
    """A workshop in a folder, with the protections of this system.

    Raises:
        SandboxError: untrusted code cannot be run on it.
    """
    protections = sandbox.protections()
    warnings = [f"here, {each.meaning}" for each in protections.values() if not each.holds]
    if not protections["files"].holds and any(
        (REPOSITORY / name).is_file() for name in CODE_FILES.values()
    ):
        warnings.append(f"here, the student's code can read {REPOSITORY}, and the solution in it")
    is_alone = protections["processes"].holds
    return Workshop(folder, is_alone, seconds=seconds, warnings=tuple(warnings))


def images_folder(named: Path | None) -> Path:
    """The images for the accuracy: in a folder, or the dataset's test images.

    Raises:
        ValueError: there is none.
    """
    if named is None:
        named = REPOSITORY / "data" / "test"
        if not named.is_dir():
            raise ValueError(
                f"the accuracy needs images, but there is no {named}: run `scene-recog data "
                "download`, or give your own folder with --images"
            )
    elif not named.is_dir():
        raise ValueError(f"{named} is not a folder: give one with images in class folders")
    return named


def _to_hide() -> Iterator[Path]:
    """Where the solution may be: the repository, without the Python in use if it is in there; and
    the package as installed in that Python."""
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


def prepare(work: Path, variant: int, seed: int, lecture: bool = False) -> None:
    """Write `handout/`, `hidden/` and `package/` to an empty folder.

    Args:
        variant: as it was handed out.
        seed: of the hidden tests.
        lecture: whether it was handed out as a second assignment.
    """
    work.chmod(0o711)  # the worker's user must be able to reach `package`
    contents = handed_out(variant, lecture)
    _write(work / "handout", contents)
    _write(work / "hidden", {"pyproject.toml": contents["pyproject.toml"]})
    _write(work / "hidden", _hidden_tests(contents, seed))
    for folder in ("handout", "hidden"):
        (work / folder).chmod(0o700)
    package = {
        name: text
        for name, text in contents.items()
        if name.startswith("scene_recog/") and name not in CODE_FILES.values()
    }
    package["fakes.py"] = contents["unit_tests/fakes.py"]
    package["teaching/__init__.py"] = b""
    for name in IN_SANDBOX:
        package[f"teaching/grading/{name}"] = (HERE / name).read_bytes()
    for path in (HERE / "standins").rglob("*.py"):
        package[f"teaching/grading/{path.relative_to(HERE).as_posix()}"] = path.read_bytes()
    _write(work / "package", package)


def write_hidden_tests(folder: Path, variant: int, seed: int, lecture: bool = False) -> list[str]:
    """Write the hidden tests to a new folder, for the teacher to read.

    Args:
        folder: must not exist yet.
        variant: as it was handed out.
        seed: of the hidden tests.
        lecture: whether it was handed out as a second assignment.

    Raises:
        ValueError: the folder exists.
    """
    must_be_new(folder)
    tests = _hidden_tests(handed_out(variant, lecture), seed)
    chosen = {
        name.removeprefix("unit_tests/"): text for name, text in tests.items() if "/test_" in name
    }
    write_new_folder(folder, chosen)
    return [f"{folder}: the hidden tests of the {len(chosen)} files; keep them private"]


def _hidden_tests(contents: dict[str, bytes], seed: int) -> dict[str, bytes]:
    """The tests of a hand-out, with other numbers and names: unit_tests/<file> -> contents."""
    tests = {
        name.removeprefix("unit_tests/"): text.decode()
        for name, text in contents.items()
        if name.startswith("unit_tests/") and not name.startswith("unit_tests/provided/")
    }
    found = {**tests, **hidden(tests, seed)}
    return {f"unit_tests/{name}": text.encode() for name, text in found.items()}


def prepare_images(work: Path, folder: Path) -> int:
    """Write the images of `<folder>/<class>/` at 64x64, and their labels; returns their number.

    Args:
        folder: its class folders are some of the 15, in any known spelling.

    Raises:
        ValueError: there are none, or a class is not one of the 15.
    """
    order = {name: index for index, name in enumerate(sorted(CLASSES))}
    paths = []
    for place in sorted(path for path in folder.iterdir() if path.is_dir()):
        name = class_of_folder(place.name)
        if name is None:
            raise ValueError(f"{place}: this is not one of the classes {', '.join(order)}")
        paths += [(path, order[name]) for path in images_below(place)]
    if not paths:
        raise ValueError(f"{folder}: there are no images; they must be in {folder}/<class>/*.jpg")
    images = np.empty((len(paths), SIDE, SIDE), dtype=np.uint8)
    for number, (path, _) in enumerate(paths):
        image = read_grayscale(path).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        images[number] = np.asarray(image)
    np.save(work / "images.npy", images)
    np.save(work / "labels.npy", np.array([label for _, label in paths]))
    return len(paths)


def _write(folder: Path, contents: dict[str, bytes]) -> None:
    for name, data in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
