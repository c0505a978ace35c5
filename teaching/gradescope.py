"""The autograder zip for Gradescope: for one term, with only what the grader needs.

Gradescope unpacks it to `/autograder/source`, runs `setup.sh` once, and for each submission
`run_autograder`, which calls `main` here: it reads `/autograder/submission` and writes
`/autograder/results/results.json`.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from scene_recog.assignment import has_lecture
from scene_recog.submission import NOTEBOOK
from scene_recog.system.files import write_atomically, zipped
from teaching import sandbox
from teaching.grading import results
from teaching.grading.apart import ApartError, Processes
from teaching.grading.points import grade
from teaching.grading.records import Record, bounded
from teaching.grading.verdict import Verdict
from teaching.grading.workshop import prepare, prepare_images, workshop_in
from teaching.handout import questions_of
from teaching.receiving import receive
from teaching.rubric import read_rubric

HERE = Path(__file__).parent
SECONDS = 540.0  # for one submission; Gradescope's own limit is 10 minutes by default
SAME = ("torch", "torchvision")  # the versions installed here
AT_MOST = ("numpy", "pillow", "matplotlib", "tqdm", "pytest")  # as here, or older for its Python
LEFT_OUT = ("submissions", "attacks", "for_students", "__pycache__")
CPU_INDEX = "https://download.pytorch.org/whl/cpu"

SETUP = f"""\
#!/usr/bin/env bash
# Run once, when the image is built. TORCH_INDEX: another index for the CPU build of torch.
set -euo pipefail
cd "$(dirname "$0")"
if ! python3 -m venv --help > /dev/null 2>&1 || ! python3 -m ensurepip --version > /dev/null 2>&1
then
    apt-get update && apt-get install -y python3 python3-venv
fi
python3 -m venv venv
venv/bin/pip install --no-cache-dir --extra-index-url "${{TORCH_INDEX:-{CPU_INDEX}}}" \\
    -r requirements.txt
chmod -R go-rwx workshop/handout workshop/hidden workshop/*.npy repository
"""
RUN = """\
#!/usr/bin/env bash
# Run for each submission.
top="${AUTOGRADER:-/autograder}"
cd "$top/source"
exec env PYTHONPATH="$PWD/workshop/handout:$PWD/repository" \\
    venv/bin/python -m teaching.gradescope "$top"
"""


# ------------------------------------------------------------------------ made here


def make_autograder(path: Path, variant: int, images: Path, lecture: bool = False) -> list[str]:
    """Write the zip.

    Args:
        path: the zip.
        variant: as it was handed out.
        images: for the accuracy.
        lecture: whether it was handed out as a second assignment.

    Raises:
        ValueError: the file already exists, or the images are not usable.
    """
    if path.exists():
        raise ValueError(f"{path} already exists: remove it, or choose another name")
    rubric = read_rubric(lecture=lecture)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        prepare(work, variant, rubric.hidden_seed, lecture)
        count = prepare_images(work, images)
        contents = {
            f"workshop/{each.relative_to(work).as_posix()}": each.read_bytes()
            for each in sorted(work.rglob("*"))
            if each.is_file()
        }
    for each in sorted(HERE.rglob("*")):
        if each.is_file() and not set(each.relative_to(HERE).parts) & set(LEFT_OUT):
            name = each.relative_to(HERE).as_posix()
            contents[f"repository/teaching/{name}"] = each.read_bytes()
    contents["requirements.txt"] = "".join(f"{line}\n" for line in _requirements()).encode()
    contents["setup.sh"] = SETUP.encode()
    contents["run_autograder"] = RUN.encode()
    data = zipped(contents)
    write_atomically(path, lambda part: part.write_bytes(data))
    return [
        f"{path}: {len(data) / 1e6:.1f} MB, with {count} images; keep it private",
        "on Gradescope: Configure Autograder, upload it, base image Ubuntu 22.04; then Container "
        "Specifications: 1 processor and 1.5 GB or more",
    ]


def _requirements() -> Iterator[str]:
    """The versions installed here, so that it grades there as it does here.

    The image's Python may be older than this one, and the newest numpy not made for it.
    """
    for package in (*SAME, *AT_MOST):
        relation = "==" if package in SAME else "<="
        yield f"{package}{relation}{version(package).partition('+')[0]}"
    yield 'tomli>=2; python_version < "3.11"'


# ------------------------------------------------------------------------ run there


def main() -> int:
    """Grade the submission in a folder with Gradescope's layout. It always writes a result."""
    started = time.monotonic()
    top = Path(sys.argv[1])
    place = top / "results" / "results.json"
    place.parent.mkdir(exist_ok=True)
    place.parent.chmod(0o700)
    os.environ.pop("PYTHONPATH", None)
    work = HERE.parent.parent / "workshop"
    lecture = has_lecture(work / "handout")
    rubric = read_rubric(lecture=lecture)
    questions = questions_of((work / "handout" / NOTEBOOK).read_text(encoding="utf-8"))

    def write(verdict: Verdict) -> None:
        found = results.results(verdict, grade(verdict, rubric), rubric, questions)
        data = results.as_bytes(found)
        write_atomically(place, lambda part: part.write_bytes(data))

    write(Verdict.not_finished("it took too long"))
    received = receive(top / "submission", lecture=lecture)
    verdict = Verdict(received.reason)
    try:
        workshop = workshop_in(work, SECONDS * 0.9)
        for line in workshop.warnings:
            print(line)
        if received.reason is None:
            verdict = Processes().call(workshop.judge, received, seconds=SECONDS)
    except (ApartError, sandbox.SandboxError) as error:
        verdict = Verdict.not_finished(error)
        print(getattr(error, "detail", ""))
    verdict.notices = [*received.notices, *verdict.notices]
    verdict.seconds = time.monotonic() - started
    verdict = bounded(verdict)
    write(verdict)
    for line in Record("submission", verdict=verdict).for_a_person():  # teachers see the output
        print(line)
    print(json.dumps({"seconds": round(verdict.seconds, 1), "peak_memory": verdict.peak_memory}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
