"""What a student hands in: files and limits, checks, the zip, and public points.

`scene-recog submit` checks a project's folder and packs `submission.zip`; the grader reads such a
zip. None of the student's code runs in this process: files are inspected as syntax trees, and
weights and tests run in processes of their own.
"""

from __future__ import annotations

import ast
import hashlib
import io
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import time
import warnings
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from scene_recog.assignment import (
    BY_NAME,
    FILES,
    LECTURE,
    STEPS,
    explain_error,
    files_of,
    functions_in,
    has_lecture,
    path_of_tests,
    unwritten_in,
)
from scene_recog.system.files import write_atomically, zipped
from scene_recog.system.text import first_of, in_one_line, reason_of, shortened

MB = 1_000_000  # bytes
NOTEBOOK = "proj3.ipynb"
LECTURE_NOTEBOOK = "lecture.ipynb"
REPORT = "report.pdf"
REPORT_DRAFT = "report.md"  # the questions, and the answers if the student wrote them here
HANDOUT_RECORD = ".handout.json"  # in a handed-out folder: its variant, and each file's fingerprint
ABOUT = "submission.json"  # {"format": 1, "name": what the student typed, or null}
FORMAT = 1
NOTEBOOK_RUNS = ("notebook_part1", "notebook_part2")  # where the notebook trains the two networks
FEW_EPOCHS = 10  # quick mode trains for fewer
STEP_FILES = {file: f"scene_recog/{file}.py" for file in STEPS}
LECTURE_FILES = {file: f"scene_recog/{file}.py" for file in LECTURE}
CODE_FILES = {**STEP_FILES, **LECTURE_FILES}
WEIGHTS = {  # the network that each holds
    f"model_checkpoints/trained_{network}_final.pt": network
    for network in ("SimpleNet", "SimpleNetFinal")
}
LIMITS = {  # the files that a submission may hold, in the zip's order, and their limits in bytes
    **dict.fromkeys(STEP_FILES.values(), MB),
    NOTEBOOK: 20 * MB,
    **dict.fromkeys(WEIGHTS, 50 * MB),
    REPORT: 20 * MB,
    REPORT_DRAFT: MB,
    ABOUT: MB,
}
ZIP_LIMIT = 100 * MB
LOADING_LIMIT = 120  # seconds for one file of weights; importing torch takes most of them
TESTS_LIMIT = 600  # seconds, for the tests of all steps
TEST_LIMIT = 20  # seconds for one test, so that tests that hang leave time for the rest
NAMED = 3  # the first paths in a file are named, the others counted


@dataclass
class Submission:
    """What is packed, and the messages about it.

    Attributes:
        files: name in the zip -> contents, in the order of the zip.
        problems: lines about what to fix before handing in.
        notices: lines for information.
        unfinished: those of the files of code that are missing, empty, too large, partly
            unwritten, or do not parse.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    unfinished: set[str] = field(default_factory=set)


def limits_of(lecture: bool) -> dict[str, int]:
    """`LIMITS`, with the files of the lecture if it was handed out."""
    if not lecture:
        return LIMITS
    code = {name: LIMITS[name] for name in STEP_FILES.values()}
    code |= dict.fromkeys(LECTURE_FILES.values(), MB)
    return code | LIMITS | {LECTURE_NOTEBOOK: LIMITS[NOTEBOOK]}


# ------------------------------------------------------------------------ the project's folder


def find_project() -> Path:
    """The folder that holds the imported package and its tests.

    Raises:
        ValueError: the current folder belongs to another copy of the project, or the package is
            installed without one.
    """
    package = Path(__file__).parent
    here = Path.cwd()
    for folder in (here, *here.parents):
        own = folder / package.name
        if (own / "__init__.py").is_file():
            if not own.samefile(package):
                raise ValueError(
                    f"this command belongs to the project in {package.parent}, but you are in "
                    f"another copy, {folder}: run `pip install -e .` there, in this environment"
                )
            break
    project = package.parent
    for name in ("pyproject.toml", "unit_tests"):
        if not (project / name).exists():
            raise ValueError(
                f"there is no {name} beside {package}: go to your project's folder, run "
                "`pip install -e .` there, in this environment, and then this command again"
            )
    return project


def collect(project: Path, name: str | None = None) -> Submission:
    """Read the files to hand in, and check them without running any of them.

    Args:
        project: the folder with `scene_recog/`.
        name: the student's name, as they typed it.

    Raises:
        ValueError: none of the files of code has been started.
    """
    found = Submission()
    personal = _personal_paths(project)
    is_begun = False
    for file, limit in limits_of(has_lecture(project)).items():
        if file == ABOUT:
            continue
        contents, problem = _read(project / file, limit)
        if file in (REPORT, REPORT_DRAFT, LECTURE_NOTEBOOK) and problem == "is missing":
            continue
        if contents is not None and problem is None:
            if file in CODE_FILES.values():
                problem, complaints, begun = _check_source(contents)
                is_begun |= begun
                found.problems += [f"{file} {complaint}" for complaint in complaints]
            elif file in (NOTEBOOK, LECTURE_NOTEBOOK):
                contents = _check_notebook(file, contents, personal, found)
            elif file in WEIGHTS and (
                place := re.search(os.fsencode(personal.pattern), _without_numbers(contents))
            ):
                where = in_one_line(os.fsdecode(place[0]))
                found.problems.append(
                    f"{file} holds more than weights, a path of your computer ({where}): write it "
                    "with save_trained_model_weights"
                )
        if problem is not None:
            found.problems.append(f"{file} {problem}{_advice(file, problem)}")
            found.unfinished.add(file)
        if contents is not None:
            found.files[file] = contents
    found.notices += _about_report(project, found.files)
    found.notices += _about_training(project, found.files)
    if not is_begun:
        raise ValueError(
            f"nothing to hand in: none of the eight files in {project / 'scene_recog'} is written; "
            f"start with step {next(iter(STEPS.values()))}, {next(iter(STEPS))}.py"
        )
    found.unfinished &= set(CODE_FILES.values())
    about = json.dumps({"format": FORMAT, "name": name or None}, indent=2) + "\n"
    found.files[ABOUT] = about.encode()
    return found


def _about_report(project: Path, files: dict[str, bytes]) -> Iterator[str]:
    draft = files.get(REPORT_DRAFT)
    if REPORT not in files and draft is None:
        yield f"no {REPORT}: hand it in separately, or put it here and run this again"
    elif REPORT not in files and draft is not None:
        if _is_as_handed_out(project, REPORT_DRAFT, draft):
            yield f"no {REPORT}, and {REPORT_DRAFT} has no answers yet"
        else:
            yield (
                f"no {REPORT}: {REPORT_DRAFT} is packed instead. If your course asks for a PDF, "
                f"print its preview in JupyterLab to {REPORT}, and run this again"
            )


def _is_as_handed_out(project: Path, name: str, contents: bytes) -> bool:
    try:
        record = json.loads((project / HANDOUT_RECORD).read_bytes())
        expected = record["files"][name]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return bool(expected == fingerprint(contents))


def fingerprint(contents: bytes) -> str:
    """A hash of a file that ignores line endings, which git on Windows may have changed."""
    return hashlib.sha256(contents.replace(b"\r\n", b"\n")).hexdigest()


def _about_training(project: Path, files: dict[str, bytes]) -> Iterator[str]:
    """Whether the notebook has trained long enough to be graded on accuracy."""
    for file, folder in zip(WEIGHTS, NOTEBOOK_RUNS, strict=True):
        run = project / "model_checkpoints" / folder
        try:
            epochs = len((run / "history.csv").read_text(encoding="utf-8").splitlines()) - 1
            title = str(json.loads((run / "config.json").read_bytes())["data"]["title"])
            saved, trained = ((project / file).stat(), (run / "history.csv").stat())
        except (OSError, ValueError, KeyError, TypeError):
            continue
        is_of_this_run = file in files and saved.st_mtime >= trained.st_mtime
        if is_of_this_run and (epochs < FEW_EPOCHS or "sketch" in title):
            yield (
                f"{file}: if it is the notebook's network, it was trained for {epochs} epochs on "
                f"{in_one_line(title)}. For the accuracy points, run the notebook with "
                'MODE = "full" on the photographs'
            )


def earlier_name(path: Path) -> str | None:
    """The student's name in an earlier zip; None if there is none."""
    try:
        with zipfile.ZipFile(path) as packed:
            name = json.loads(packed.read(ABOUT))["name"]
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile, RuntimeError):
        return None
    return name if isinstance(name, str) else None


def _read(path: Path, limit: int) -> tuple[bytes | None, str | None]:
    """(contents of a file, None if it cannot be packed; what is wrong with it, or None).

    Links are followed.
    """
    try:
        if path.is_dir():
            return None, "is a folder, not a file"
        if not path.is_file():
            is_link = path.is_symlink()
            return None, "is a link to a missing file" if is_link else "is missing"
        size = path.stat().st_size
        if size > limit:
            return None, (
                f"is left out of the zip: it has {megabytes(size)}, and the limit is "
                f"{megabytes(limit)}"
            )
        contents = path.read_bytes()
    except OSError as error:
        return None, f"is left out of the zip: it cannot be read ({reason_of(error)})"
    is_empty = not contents or contents.isspace()
    return contents, "is empty" if is_empty else None


def _advice(file: str, problem: str) -> str:
    """What to do about a missing file."""
    if problem in ("is missing", "is empty"):
        if file in WEIGHTS:
            return ': the notebook writes it under "Saving, loading, predicting", after training'
        if file == NOTEBOOK:
            return ": it belongs in the project's folder, under this name"
    return ""


def megabytes(size: int) -> str:
    """Such as "1.3 MB"; rounded up, so that a size over a limit also looks like it."""
    return f"{math.ceil(size / MB * 10) / 10:g} MB"


# ------------------------------------------------------------------------ code


def _check_source(source: bytes) -> tuple[str | None, list[str], bool]:
    """One of the files of code.

    Returns:
        (why it is unfinished, or None; complaints about its contents; whether it was started).
    """
    try:
        tree = _parse(source)
    except SyntaxError as error:
        return f"does not parse: line {error.lineno or 1}: {error.msg}", [], True
    except (ValueError, RecursionError, MemoryError) as error:  # a null byte; deep nesting
        return f"does not parse: {reason_of(error)}", [], True
    if all(isinstance(node, ast.Expr) for node in tree.body):
        return "has no code", [], False
    missing = unwritten_in(tree)
    problem = f"is not written yet: {', '.join(missing)}" if missing else None
    paths = [f"line {line} {shortened(path)}" for line, path in absolute_paths(tree)]
    is_begun = not missing or len(missing) < len(list(functions_in(tree)))
    return problem, _about_paths(paths), is_begun


def _parse(source: bytes | str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such as "\d", an invalid escape
        return ast.parse(source)


def _about_paths(places: list[str]) -> list[str]:
    if not places:
        return []
    return [
        "has absolute paths, which exist only on your computer: "
        f"{first_of(places, NAMED)}; write them "
        "relative to the project's folder, such as 'data/train'"
    ]


_ROOTS = "content|home|kaggle|media|mnt|private|root|scratch|tmp|users|var|volumes|Users|Volumes"
_ABSOLUTE = re.compile(
    rf"/(?:(?:{_ROOTS})(?:/|$)|[A-Za-z_][\w.@+ -]+/[\w.@+-])"  # two folders deep, or a known one
    r"|[A-Za-z]:[\\/]+[\w.~-]"  # C:\Users
    r"|\\\\[\w.-]+\\\w"  # \\server\share
    r"|~\w*/\w"
)


def absolute_paths(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, path) of each string constant that looks like an absolute path.

    Docstrings do not count, nor does a string added to another path: `root + "/train/"`.
    """
    ignored: set[ast.AST] = set()
    for node in ast.walk(tree):  # parents come before their children
        if isinstance(node, ast.Expr):
            ignored.add(node.value)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            ignored.add(node.right)
        elif isinstance(node, ast.Compare):
            ignored.update((node.left, *node.comparators))
        elif isinstance(node, ast.JoinedStr):
            ignored.update(node.values[0 if node in ignored else 1 :])
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            is_path = "\n" not in node.value and _ABSOLUTE.match(node.value)
            if is_path and node not in ignored:
                yield node.lineno, node.value


# ------------------------------------------------------------------------ the notebook


def _check_notebook(
    name: str, contents: bytes, personal: re.Pattern[str], found: Submission
) -> bytes:
    """A notebook as it is packed; messages about it are added to `found`."""
    try:
        notebook = json.loads(contents)
        cells = notebook["cells"]
        places = [
            f"cell {number} {shortened(path)}"
            for number, cell in enumerate(cells, start=1)
            if cell["cell_type"] == "code"
            for path in _paths_in_cell("".join(cell["source"]))
        ]
    except (ValueError, RecursionError, KeyError, TypeError):
        found.problems.append(
            f"{name} is not a notebook that Jupyter can open; it is packed unchanged"
        )
        return contents
    found.problems += [f"{name} {complaint}" for complaint in _about_paths(places)]
    notebook, count = _without_paths(notebook, personal)
    for cell in notebook["cells"]:
        cell["metadata"] = {}  # times, and in Colab names
    notebook["metadata"] = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    if count:
        found.notices.append(
            f"{name}: {count} path{'s' * (count > 1)} on your computer replaced by . or ~ in "
            "the packed copy; your own file is unchanged"
        )
    text = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    return text.encode(errors="backslashreplace")  # a lone surrogate becomes JSON's own escape


def _paths_in_cell(source: str) -> Iterator[str]:
    """The absolute paths in a code cell; lines that only IPython understands are skipped."""
    if source.lstrip().startswith("%%"):
        return
    try:
        tree = _parse(python_of_cell(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for _, path in absolute_paths(tree):
        yield path


def python_of_cell(source: str) -> str:
    """A code cell with `pass` for the lines that only IPython understands."""
    return re.sub(r"^(\s*)[%!?].*$", r"\1pass", source, flags=re.MULTILINE)


def _personal_paths(project: Path) -> re.Pattern[str]:
    """Matches the project's folder (as group "project") and home folders, here or elsewhere.

    Separators may be escaped, as in JSON or in the source of a string.
    """

    def spellings(path: Path) -> list[str]:
        found = []
        for spelling in sorted({str(path), str(path.resolve())}):
            parts = [part for part in re.split(r"[\\/]+", spelling) if part]
            if len(spelling) > 1 and parts:
                drive = parts[0].endswith(":")
                pattern = ("" if drive else r"[\\/]") + r"[\\/]+".join(map(re.escape, parts))
                found.append(f"(?i:{pattern})" if drive else pattern)
        return found

    homes = [
        *spellings(Path(os.path.expanduser("~"))),  # noqa: PTH111, Path.home() may raise
        r"(?:/mnt/[a-z]|/[a-z])?/(?:home|Users)/[\w.@-]+",
        r"""(?i:[a-z]:[\\/]+Users[\\/]+[^\\/\s"'<>|:*?]+)""",
    ]
    begin = r"(?:(?<![\w.~-])|(?<=[\d;\[]m)|(?<=\\[ntr]))"  # in the middle: after a color, a \n
    return re.compile(
        rf"{begin}(?:(?P<project>{'|'.join(spellings(project))})|{'|'.join(homes)})(?![\w-])"
    )


# A temporary folder whose name contains the user's.
_PYTEST_FOLDER = re.compile(r"pytest-of-[^/\\\s'\"]+")


def _without_paths(value: Any, personal: re.Pattern[str]) -> tuple[Any, int]:
    """(the value with paths replaced in strings at any depth, how many were replaced)."""
    if isinstance(value, str):
        text, count = personal.subn(lambda match: "." if match["project"] else "~", value)
        text, more = _PYTEST_FOLDER.subn("pytest-of-~", text)
        return text, count + more
    if isinstance(value, list):
        pairs = [_without_paths(each, personal) for each in value]
        return [each for each, _ in pairs], sum(count for _, count in pairs)
    if isinstance(value, dict):
        total = 0
        cleaned = {}
        for key, each in value.items():
            if not key.startswith("image/") or key == "image/svg+xml":  # pixels, in base64
                each, count = _without_paths(each, personal)
                total += count
            cleaned[key] = each
        return cleaned, total
    return value, 0


def _without_numbers(weights: bytes) -> bytes:
    """What torch.save wrote without the tensors' values, where any byte sequence can occur."""
    try:
        with zipfile.ZipFile(io.BytesIO(weights)) as saved:
            names = [name for name in saved.namelist() if "/data/" not in name]
            return b"\n".join(map(saved.read, names))
    except (zipfile.BadZipFile, OSError, RuntimeError, ValueError):  # the format before torch 1.6
        return weights


# ------------------------------------------------------------------------ the zip


def pack(found: Submission, path: Path) -> None:
    """Write the zip, whole or not at all; the same files give the same bytes.

    If it exceeds its limit, the largest files are left out and named in `problems`.

    Raises:
        ValueError: it cannot be written.
    """
    while len(packed := zipped(found.files)) > ZIP_LIMIT:
        others = [name for name in found.files if name not in CODE_FILES.values()]
        largest = max(others, key=lambda name: len(found.files[name]))
        found.problems.append(
            f"{largest} is left out: with it, the zip would have {megabytes(len(packed))}, and "
            f"the limit is {megabytes(ZIP_LIMIT)}"
        )
        del found.files[largest]
    try:
        write_atomically(path, lambda part: part.write_bytes(packed))
    except OSError as error:
        raise ValueError(
            f"{path} cannot be written ({reason_of(error)}): name another place with --out"
        ) from error


# ------------------------------------------------------------------------ weights


def check_weights(project: Path, file: str) -> str | None:
    """What is wrong with trained weights: they must fit the student's own network.

    Args:
        project: the folder with `scene_recog/`.
        file: one of `WEIGHTS`.
    """
    code = "import sys; from scene_recog import submission; submission.load_weights(*sys.argv[1:])"
    with tempfile.TemporaryDirectory() as folder:
        verdict = Path(folder) / "verdict.txt"
        if not _run(["-c", code, file, str(verdict)], project, LOADING_LIMIT):
            return f"{file} does not load within {LOADING_LIMIT} s: is there an endless loop?"
        try:
            reason = verdict.read_text(encoding="utf-8")
        except OSError:  # os._exit, or a crash
            return f"{file} does not load: Python stopped without a message"
    if not reason:
        return None
    return reason if file in reason else f"{file} does not load: {reason}"


def load_weights(file: str, verdict: str) -> None:
    """Write what is wrong with weights to the file `verdict`; in a process of its own."""
    try:
        from scene_recog.dl_utils import load_trained_model_weights

        network = type(load_trained_model_weights(file)).__name__
        expected = WEIGHTS[file]
        reason = "" if network == expected else f"{file} holds weights of {network}"
    except BaseException as error:  # students raise SystemExit too
        reason = explain_error(error, first=False) or in_one_line(
            str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        )
    Path(verdict).write_text(reason, encoding="utf-8", errors="backslashreplace")


def _run(arguments: list[str], project: Path, limit: float) -> bool:
    """Run Python silently in the project's folder; False if it took longer than `limit`."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTEST_ADDOPTS"}
    try:
        subprocess.run(
            [sys.executable, *arguments], cwd=project, env=environment, timeout=max(1.0, limit),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return False
    return True


# ------------------------------------------------------------------------ tests and points


class Count(NamedTuple):
    """The result of the contract's tests for one file.

    Attributes:
        passed: tests that passed.
        total: all its tests.
        unjudged: tests that cannot say anything while another part is broken.
        reason: why none was run, if none was.
    """

    passed: int = 0
    total: int = 0
    unjudged: int = 0
    reason: str = ""


def count_tests(project: Path) -> dict[str, Count]:
    """Run the tests of the contract, and count them for each of the students' files."""
    deadline = time.monotonic() + TESTS_LIMIT
    counts = {}
    files = []
    handed_out = files_of(project)
    for file in handed_out:
        needed = (CODE_FILES[file], path_of_tests(file))
        missing = [name for name in needed if not (project / name).is_file()]
        if missing:  # another copy of the project may be installed, and have it
            counts[file] = Count(reason=f"there is no {missing[0]}")
        else:
            files.append(file)
    if files:
        counts |= _counted(project, files, TESTS_LIMIT * 2 / 3)
    left = [file for file in files if file not in counts]
    while left:  # one file may have stopped all tests, with sys.exit() or an endless loop
        file = left[0]
        counts |= _counted(project, [file], (deadline - time.monotonic()) / len(left))
        counts.setdefault(file, Count(reason="they stop Python, perhaps with sys.exit()"))
        left.remove(file)
    return {file: counts[file] for file in handed_out}


def _counted(project: Path, files: list[str], limit: float) -> dict[str, Count]:
    """The counts of the files whose tests finished; for one that did not, the reason."""
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results.xml"
        options = [
            "-m", "not beyond", "-p", "no:cacheprovider", "--continue-on-collection-errors",
            "-o", f"timeout={TEST_LIMIT}", f"--junitxml={results}",
        ]  # fmt: skip
        tests = [path_of_tests(file) for file in files]
        in_time = _run(["-m", "pytest", *options, *tests], project, limit)
        if not in_time and len(files) == 1:
            return {files[0]: Count(reason=f"they did not finish within {limit:.0f} s")}
        return read_counts(results)


def read_counts(results: Path) -> dict[str, Count]:
    """The counts in pytest's JUnit file for those of the students' files that it mentions."""
    try:
        cases = list(ET.parse(results).getroot().iter("testcase"))
    except (OSError, ET.ParseError):
        return {}
    counts: dict[str, Count] = {}
    verdicts: dict[tuple[str, str, str], str] = {}  # a test that fails twice is listed twice
    for case in cases:
        name, place = case.get("name", ""), case.get("classname", "")
        parts = [part.removeprefix("test_") for part in (place or name).split(".")]
        file = next((BY_NAME[part] for part in parts if part in BY_NAME), None)
        if file is None:
            continue
        verdict = next((child for child in case if child.tag in _NOT_PASSED), None)
        text = "" if verdict is None else f"{verdict.get('message')}\n{verdict.text or ''}".strip()
        if not place:  # the file could not be imported
            counts[file] = Count(reason=in_one_line(text.splitlines()[-1] if text else ""))
        elif verdict is None:
            verdicts.setdefault((file, place, name), "passed")
        elif verdict.tag != "skipped":
            verdicts[file, place, name] = "failed"
        elif "cannot judge" in text:
            verdicts[file, place, name] = "unjudged"
    for file in FILES:
        found = [verdict for (of, _, _), verdict in verdicts.items() if of == file]
        if found:
            counts[file] = Count(found.count("passed"), len(found), found.count("unjudged"))
    return counts


_NOT_PASSED = ("failure", "error", "skipped")


def read_rubric(project: Path) -> dict[str, float] | None:
    """The public points of each of the students' files; None if the project has no rubric.

    Raises:
        ValueError: it does not parse, or lacks a file.
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib  # comes with pytest

    paths = [project / "rubric.toml", project / "teaching" / "rubric.toml"]
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        return None
    try:
        rubric = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"no points: {path} cannot be read ({reason_of(error)})") from error
    points = {}
    for file in files_of(project):
        try:
            table, name = ("tests", file) if file in STEPS else file.split("/")
            points[file] = float(rubric[table][name]["public"])
        except (KeyError, TypeError, ValueError):
            points[file] = math.nan
        if not 0 <= points[file] < math.inf:
            raise ValueError(f"no points: {path} has no public points for {file}")
    return points


def public_points(points: float, passed: int, total: int) -> float:
    """Points for a file, rounded down to one decimal, so that full points mean all tests."""
    if passed >= total:
        return points if total else 0.0
    return math.floor(Fraction(str(points)) * 10 * passed / total) / 10
