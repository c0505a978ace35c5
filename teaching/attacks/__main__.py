"""Judge all attacks, and report the results.

    python -m teaching.attacks [--only PATTERN] [--jobs 2] [--work FOLDER]

The exit code is 1 if one gained a point, if a student would see what is not for students, if a
verdict is missing, if something was left behind, or if a file beside an attack lost a test.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import csv
import hashlib
import io
import json
import os
import re
import secrets
import shutil
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np

from scene_recog.assignment import FILES
from scene_recog.submission import CODE_FILES, STEP_FILES
from teaching import sandbox
from teaching.attacks import WRONG, Attack
from teaching.attacks.archives import ARCHIVES
from teaching.attacks.leaving import LEAVING
from teaching.attacks.lecture import LECTURE
from teaching.attacks.lying import LYING
from teaching.attacks.networks import NETWORKS
from teaching.attacks.patching import PATCHING
from teaching.attacks.reading import READING
from teaching.attacks.resources import RESOURCES
from teaching.attacks.results import RESULTS
from teaching.attacks.weights import WEIGHTS
from teaching.grading import twins
from teaching.grading.grade import Grading, grade_all
from teaching.grading.records import Record, read_all
from teaching.grading.workshop import Workshop, prepare
from teaching.handout import REPOSITORY
from teaching.rubric import read_rubric

FAMILIES = {
    "leaving early": LEAVING, "writing results": RESULTS, "reading answers": READING,
    "patching": PATCHING, "lying objects": LYING, "resources": RESOURCES, "weights": WEIGHTS,
    "archives and names": ARCHIVES, "networks": NETWORKS, "the lecture": LECTURE,
}  # fmt: skip
RIGHT = Path(__file__).parents[1] / "submissions" / "right" / "course_style"
SEED = 20_261_126  # of the hidden tests
BESIDE = (
    "SIGKILL to all others", "SIGSTOP to the first process", "the first process, through its memory",
    "children and threads that stay", "sitecustomize, usercustomize and .pth",
)  # fmt: skip
Files = dict[str, bytes]


@dataclass
class Tried:
    """The result of an attack."""

    attack: Attack
    family: str
    gained: list[str] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)
    invalid: list[str] = field(default_factory=list)
    harmed: list[str] = field(default_factory=list)
    signs: list[str] = field(default_factory=list)
    seconds: float = 0.0
    memory: int = 0


# ------------------------------------------------------------------------ submissions


def base_files(attack: Attack, handout: Path) -> Files:
    """The submission without the attack."""
    files = {}
    for file in dict.fromkeys([*(attack.adds or {"optimizer": ""}), *attack.with_others]):
        if attack.base == "right" or file in attack.with_others:
            text = (RIGHT / f"{file}.py").read_text(encoding="utf-8")
        elif attack.base == "wrong":
            text = WRONG[file]
        else:
            text = (handout / "scene_recog" / f"{file}.py").read_text(encoding="utf-8")
        files[CODE_FILES[file]] = text.encode()
    return files


def with_attack(attack: Attack, files: Files) -> Files:
    """The submission with the attack."""
    changed = {**files, **attack.files}
    for file, code in attack.adds.items():
        name = CODE_FILES[file]
        changed[name] = files[name] + f"\n\n{code}".encode()
    return changed


@dataclass(frozen=True)
class Graded:
    """A submission after everything that `python -m teaching grade` does.

    Attributes:
        record: what the teacher sees.
        points: of each test that Gradescope shows.
        shown: what the student sees.
        problems: with the files of results.
    """

    record: Record
    points: dict[str, float]
    shown: str
    problems: list[str]


def graded(work: Path, files: Files, attack: Attack | None = None) -> Graded:
    """The results of a submission of these files."""
    with tempfile.TemporaryDirectory(prefix="attack-") as folder:
        path, out = Path(folder) / "submission", Path(folder) / "out"
        if attack and attack.packed:
            path = path.with_suffix(".zip")
            path.write_bytes(attack.packed(files))
        else:
            for name, contents in files.items():
                (path / name).parent.mkdir(parents=True, exist_ok=True)
                (path / name).write_bytes(contents)
        workshop = Workshop(work, sandbox.protections()["processes"].holds)
        grading = Grading(out, workshop.judge, "", read_rubric(lecture=True), seconds=1200)
        with contextlib.redirect_stderr(io.StringIO()):
            grade_all(grading, [path], jobs=1)
        [(name, record)] = read_all(out).items()
        results = json.loads((out / name / "results.json").read_bytes())
        texts = [
            (out / name / each).read_text("utf-8") for each in ("feedback.html", "feedback.md")
        ]
        pages = [texts[0], (out / "class.html").read_text("utf-8")]
        table = list(csv.reader((out / "grades.csv").read_text("utf-8-sig").splitlines()))
    problems = [f"a page has {each}" for page in pages for each in set(_unsafe(page))]
    if len(table) != 2 or len({len(row) for row in table}) != 1:
        problems.append(f"grades.csv has {len(table)} rows")
    problems += [
        f"grades.csv has the formula {cell}" for cell in table[-1] if cell[:1] in tuple("=+@")
    ]
    points = {test["name"]: test["score"] for test in results["tests"]}
    if results["score"] != _sum(points):
        problems.append(f"the score {results['score']} is not the sum")
    if "could not be graded" in record.trouble:
        problems.append(record.trouble)
    return Graded(
        record, points, "\n".join([json.dumps(results, ensure_ascii=False), *texts]), problems
    )


def _sum(points: Mapping[str, float]) -> float:
    """Rounded as the points are."""
    return round(sum(points.values()), 1)


class _Page(HTMLParser):
    """Collects what runs in a page, other than the grader's own script."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.is_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Of each element."""
        self.is_script = tag == "script"
        self.found += [name for name, _ in attrs if name.startswith("on")]
        self.found += [tag] if tag in ("img", "iframe") else []

    def handle_data(self, data: str) -> None:
        """The attacks' scripts call alert, or set a title."""
        if self.is_script and ("alert(" in data or "document.title" in data):
            self.found.append("a script of a student's")
        self.is_script = False


def _unsafe(page: str) -> Iterator[str]:
    parser = _Page()
    parser.feed(page)
    yield from parser.found
    yield from (f"U+{ord(c):04X}" for c in page if not c.isprintable() and c not in "\n\t")


# ------------------------------------------------------------------------ leaks


class Secrets:
    """Strings that no student may see."""

    def __init__(self, work: Path, canaries: list[str]) -> None:
        self.exact = set(canaries)
        for text in canaries:
            data = text.encode()
            codes = [base64.b64encode(b"x" * n + data).decode()[4:-4] for n in range(3)]
            self.exact |= {*codes, data.hex(), text[::-1]}
        handout = {
            line.strip()
            for path in (work / "handout").rglob("*.py")
            for line in path.read_text(encoding="utf-8").splitlines()
        }
        for name in CODE_FILES.values():
            self._add_lines((REPOSITORY / name).read_text(encoding="utf-8"), handout)
        for path in (work / "hidden").rglob("*.py"):
            self._add_lines(path.read_text(encoding="utf-8"), handout)
        public = "\n".join(handout)
        self.numbers = set()
        for name in twins.DRAWN:
            for number in re.findall(r"[\w.]{5,}", repr(twins.constants(name, SEED))):
                if number not in public and any(each.isdigit() for each in number):
                    self.numbers.add(number)

    def _add_lines(self, text: str, public: set[str]) -> None:
        self.exact |= {
            line.strip() for line in text.splitlines() if len(line.strip()) > 30
        } - public

    def found_in(self, words: str) -> Iterator[str]:
        """The secrets in this text."""
        yield from (each for each in self.exact if each in words)
        if "CAN-READ-MEMORY-OF" in words:
            yield "the memory of another process can be read"
        there = set(re.findall(r"[\w.]{5,}", words))
        yield from there & self.numbers


# ------------------------------------------------------------------------ remains


def processes() -> set[str]:
    """Processes of sandbox users or in submissions' folders, except those of a running judge."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            user = process.stat().st_uid
            place = str((process / "cwd").readlink())
            is_one = "/submission-" in place or any(
                first <= user < first + count for first, count in sandbox.USERS
            )
            if is_one and not _has_judge(process):
                found.add(f"{process.name} of user {user} in {place}")
        except OSError:
            continue
    return found


def _has_judge(process: Path) -> bool:
    """Whether one of those above it is a judge: of another run, perhaps."""
    while process.name not in ("0", "1"):
        process = Path("/proc", (process / "stat").read_text().rpartition(")")[2].split()[1])
        if process.name != "0" and b"teaching.grading.judge" in (process / "cmdline").read_bytes():
            return True
    return False


def stamps(*folders: Path) -> dict[str, tuple[int, int]]:
    """Sizes and times of the files there."""
    found = {}
    for folder in folders:
        for path in folder.rglob("*"):
            if "__pycache__" not in path.parts and ".git" not in path.parts and path.is_file():
                stat = path.lstat()
                found[str(path)] = (stat.st_size, stat.st_mtime_ns)
    return found


# ------------------------------------------------------------------------ all of it


class Bank:
    """Judges attacks and the submissions they are compared with."""

    def __init__(self, work: Path, secret: Secrets) -> None:
        self.work = work
        self.secret = secret
        self.bases: dict[str, dict[str, float]] = {}
        self.locks: dict[str, threading.Lock] = defaultdict(threading.Lock)

    def base(self, attack: Attack) -> dict[str, float]:
        """Points without the attack; none for the starter."""
        if attack.base == "starter" and not attack.with_others:
            return {}
        files = base_files(attack, self.work / "handout")
        key = hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()
        with self.locks[key]:
            if key not in self.bases:
                self.bases[key] = graded(self.work, files).points
        return self.bases[key]

    def tried(self, family: str, attack: Attack) -> Tried:
        """One."""
        found = Tried(attack, family)
        started = time.monotonic()
        files = base_files(attack, self.work / "handout")
        try:
            result = graded(self.work, with_attack(attack, files), attack)
        except Exception as error:
            found.invalid = [f"{type(error).__name__}: {error}"[-400:]]
            return found
        found.seconds = time.monotonic() - started
        found.memory = result.record.verdict.peak_memory
        found.invalid = result.problems
        before, after = self.base(attack), result.points
        others = {
            f"{FILES[file]} {file}.py" for file in attack.with_others if file not in attack.adds
        }
        for what in after:
            change = f"{what}: {before.get(what, 0):g} -> {after[what]:g}"
            if after[what] > before.get(what, 0):
                found.gained.append(change)
            elif after[what] < before.get(what, 0) and any(what.startswith(o) for o in others):
                found.harmed.append(change)
        found.leaks = sorted(self.secret.found_in(result.shown))
        found.signs = result.record.for_a_person()
        return found


def write_images(work: Path, of_each: int = 100) -> None:
    """The teacher's images by class: noise that is brighter for higher classes."""
    rng = np.random.default_rng(SEED)
    labels = np.repeat(np.arange(15), of_each)
    levels = (labels + 0.5) / 15 + rng.normal(0, 0.3, len(labels))
    images = levels[:, None, None] + rng.normal(0, 0.1, (len(labels), 64, 64))
    np.save(work / "images.npy", (images.clip(0, 1) * 255).astype(np.uint8))
    np.save(work / "labels.npy", labels)


def beside_the_right_ones() -> Iterator[Attack]:
    """Some attacks in one file, each beside seven correct files."""
    for attack in [*LEAVING, *PATCHING, *RESOURCES]:
        if attack.name in BESIDE:
            others = tuple(file for file in STEP_FILES if file not in attack.adds)
            yield replace(attack, with_others=others)


def place_canaries(work: Path) -> tuple[list[str], list[Path]]:
    """Secret strings out of reach of students' code, and the files that hold them."""
    texts = [f"CANARY-{secrets.token_hex(12)}" for _ in range(5)]
    places = [
        REPOSITORY / "canary.txt", Path.home() / "canary.txt", work / "hidden" / "canary.txt",
        Path(tempfile.gettempdir()) / "teacher-canary.txt",
    ]  # fmt: skip
    for text, path in zip(texts, places, strict=False):
        path.write_text(text, encoding="utf-8")
        path.chmod(0o644)
    os.environ["TEACHERS_SECRET"] = texts[-1]
    return texts, places


def table(tried: list[Tried]) -> list[str]:
    """Markdown."""
    rows = [
        "| family | attacks | gained a point | leaks | no verdict | harmed others | with a sign "
        "| longest (s) | most memory (MB) |", "|---|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    groups: dict[str, list[Tried]] = defaultdict(list)
    for each in tried:
        groups[each.family].append(each)
        groups["all"].append(each)
    groups["all"] = groups.pop("all", [])
    for family, found in groups.items():
        counts = [
            len(found), *(sum(bool(getattr(e, what)) for e in found)
                          for what in ("gained", "leaks", "invalid", "harmed", "signs")),
            f"{max((e.seconds for e in found), default=0):.0f}",
            f"{max((e.memory for e in found), default=0) / 1e6:.0f}",
        ]  # fmt: skip
        rows.append(f"| {family} | {' | '.join(map(str, counts))} |")
    return rows


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m teaching.attacks", description=__doc__)
    parser.add_argument("--only", default="", help="a pattern of families and names")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--work", type=Path, help="a folder that was prepared before, or is new")
    parser.add_argument("--json", type=Path, help="a file for all that was found")
    options = parser.parse_args()
    work = options.work or Path(tempfile.mkdtemp(prefix="attacks-"))
    if not (work / "package").exists():
        work.mkdir(exist_ok=True)
        prepare(work, 0, SEED, lecture=True)
        write_images(work)
    canaries, places = place_canaries(work)
    bank = Bank(work, Secrets(work, canaries))
    chosen = [
        (family, attack)
        for family, attacks in {
            **FAMILIES,
            "beside right files": [*beside_the_right_ones()],
        }.items()
        for attack in attacks
        if re.search(options.only, f"{family}: {attack.name}", re.IGNORECASE)
    ]
    before = stamps(work, REPOSITORY / "teaching", REPOSITORY / "scene_recog")
    alive = processes()
    tried = []
    try:
        with ThreadPoolExecutor(options.jobs) as pool:
            for found in pool.map(lambda pair: bank.tried(*pair), chosen):
                tried.append(found)
                bad = [*found.gained, *found.leaks, *found.invalid, *found.harmed]
                state = "; ".join(filter(None, bad)) or "held"
                print(
                    f"{found.family}: {found.attack.name}: {state} ({found.seconds:.0f} s)",
                    flush=True,
                )
    finally:
        for path in places:
            path.unlink(missing_ok=True)
    left = sorted(processes() - alive)
    changed = sorted(
        path
        for path, stamp in stamps(work, REPOSITORY / "teaching", REPOSITORY / "scene_recog").items()
        if before.get(path) != stamp and path not in map(str, places)
    )
    evil = [
        str(p)
        for p in (Path("/tmp/evil"), Path("/root/evil"), Path("/autograder"), Path("/evil"))
        if p.exists()
    ]
    print("\n".join(["", *table(tried), ""]))
    for what, names in (("processes left alive", left), ("files changed outside", changed + evil)):
        print(f"{what}: {', '.join(names) or 'none'}")
    if options.json:
        options.json.write_text(
            json.dumps([{**asdict(e), "attack": e.attack.name} for e in tried], indent=1)
        )
    if not options.work:
        shutil.rmtree(work)
    return int(
        bool(left or changed or evil)
        or any(e.gained or e.leaks or e.invalid or e.harmed for e in tried)
    )


if __name__ == "__main__":
    sys.exit(main())
