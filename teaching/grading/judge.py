"""Judge one submission: run the tests here, and its code in the sandbox.

    python -m teaching.grading.judge < JSON > JSON

The tests are the students' own, and hidden ones with other numbers (`twins.py`). They run in
children of this process, one for each of the student's files and kind of test, in which it is a
`RemoteModule`; a test that hangs or dies affects nothing else. After its hidden tests, a file is
replaced by one that is known to be wrong, in the same process of the worker: if a test passes for
that, the answers do not come from the code.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import random
import resource
import select
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, NoReturn

import numpy as np
import pytest
import torch
from PIL import Image

from scene_recog.assignment import LECTURE, path_of_tests
from scene_recog.datasets.images import class_folders, images_below, read_grayscale
from scene_recog.submission import CODE_FILES, STEP_FILES, WEIGHTS
from scene_recog.system.text import in_one_line
from teaching import sandbox
from teaching.grading import figures, lecture_layers, wire
from teaching.grading.client import (
    NoAnswerError,
    Place,
    RemoteModule,
    Sandbox,
    Session,
    StudentError,
    remove,
)
from teaching.grading.points import NETWORK_FILES
from teaching.grading.signs import signs_in
from teaching.grading.verdict import FileVerdict, TestResult, Trained, Verdict
from teaching.grading.wrong_twins import WRONG_TWINS
from teaching.sandbox_launcher import die_with_parent

STANDINS = Path(__file__).parent / "standins"
FILE_SECONDS = 90.0  # for one kind of tests of one file
MEMORY = 3 << 30  # bytes that tests may use here: a wrong answer may have any size
WORDS = 4000  # characters of one test's message
BREAKS = 2  # sessions of one kind of tests that may end early
BATCH = 100
NORMALIZATIONS = [(0.0, 1.0), (0.45547, 0.25316)]  # of Part 1, of Part 2: mean and std of 15-scene


class Judge:
    """One submission.

    Args:
        files: as `Received.files`.
        work: made by `workshop.prepare`.
        hidden: what the worker must not see.
        is_alone: whether the worker sees only its own processes.
        limits: of the worker.
        seconds: time limit for all of it.
    """

    def __init__(
        self, files: Mapping[str, bytes], work: Path, hidden: list[Path], is_alone: bool,
        limits: sandbox.Limits, seconds: float,
    ) -> None:  # fmt: skip
        self.files = files
        self.work = work
        self.deadline = time.monotonic() + seconds
        self.base = Path(tempfile.mkdtemp(prefix="submission-"))
        self.base.chmod(0o755)
        self.place = Place(
            package=work / "package", submission=self.base / "files", inputs=self.base / "inputs",
            folder=self.base / "own", hidden=hidden, limits=limits,
        )  # fmt: skip
        for folder in (self.place.submission, self.place.inputs):
            folder.mkdir()
        for file, name in CODE_FILES.items():
            if name in files:
                path = self.place.submission / f"{file}.py"
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(files[name])
        self.sandbox = Sandbox(self.place, is_alone)

    def verdict(self) -> Verdict:
        """Run all tests, and measure the accuracy.

        Everything that students see comes before the first hidden test: otherwise one file could
        remember a hidden question, and another could reveal it in an error.
        """
        started = time.monotonic()
        verdict = Verdict()
        try:
            files = [file for file, name in CODE_FILES.items() if name in self.files]
            verdict.files = {file: FileVerdict() for file in files}
            for file in files:
                self._test(file, verdict.files[file], "public")
            for name, network in WEIGHTS.items():
                verdict.trained[network] = self._trained(network, name)
            for file in files:
                self._test(file, verdict.files[file], "hidden")
                verdict.files[file].signs += self._signs(file)
        finally:
            self.sandbox.close()
            remove(self.base)
        verdict.seconds = time.monotonic() - started
        verdict.peak_memory = self.sandbox.peak_memory
        return verdict

    # -------------------------------------------------------------------- tests of a file

    def _test(self, file: str, verdict: FileVerdict, kind: Literal["public", "hidden"]) -> None:
        is_hidden = kind == "hidden"
        if is_hidden and not verdict.public:
            return  # it cannot be imported
        tests = _Tests(self, file, self.work / ("hidden" if is_hidden else "handout"), is_hidden)
        names: list[str] = []
        results: dict[str, TestResult] = {}
        problem, signs = None, []
        for said in self._from_child(tests.run):
            if "names" in said:
                names = said["names"]
            elif "result" in said:
                result = TestResult(**said["result"])
                results[result.name] = result
            elif "sign" in said:
                signs.append(clean(said["sign"]))
            elif "tampered" in said:
                verdict.is_tampered = True
                signs.append(said["tampered"])
            else:
                problem = problem or clean(said["problem"])
        if problem and is_hidden and problem != verdict.problem:  # it may reveal a test
            signs.append(f"hidden tests: {problem}")
            problem = "not all of its hidden tests could be run"
        not_run = "it was not run: see the earlier tests, or the problem of this file"
        found = [results.get(name, TestResult(name, "failed", not_run)) for name in names]
        if is_hidden and not names:
            found = [TestResult(each.name, "failed", not_run) for each in verdict.public]
        setattr(verdict, kind, found)
        verdict.problem = verdict.problem or problem
        verdict.signs = list(dict.fromkeys([*verdict.signs, *signs]))

    def _signs(self, file: str) -> list[str]:
        """Signs of tampering in the code; in a child, as crafted code can crash the parser."""
        source = self.files[CODE_FILES[file]]
        [said, *_] = [*self._from_child(lambda say: say(signs=signs_in(source))), {}]
        signs: list[str] = said.get("signs", ["its code cannot be inspected, perhaps on purpose"])
        return signs

    def _from_child(self, act: Callable[[Callable[..., None]], None]) -> Iterator[Any]:
        """As the function of that name, within the time limits of a file and of the submission."""
        if not self.sandbox.answers(b"p"):  # the previous file has stopped or ended it
            with contextlib.suppress(NoAnswerError):
                self.sandbox.restart()
        left = min(FILE_SECONDS, self.deadline - time.monotonic())
        if left > 0:
            return _from_child(act, left)
        return iter([{"problem": "there was no time left: other files took too long"}])

    def modules(self, file: str, holder: _Holder) -> dict[str, ModuleType]:
        """The modules that replace the student's files in a child."""
        wrapped: dict[str, Callable[..., Any]] = {}
        if file == "confusion_matrix":
            for name in ("plot_confusion_matrix", "generate_and_plot_confusion_matrix"):
                wrapped[name] = holder.with_figures
        if file == "dl_utils":
            wrapped["save_trained_model_weights"] = holder.with_files
        name = f"scene_recog.{file.replace('/', '.')}"
        student = RemoteModule(name, holder.session, wrapped)
        student.__file__ = str(self.place.submission / f"{file}.py")
        modules: dict[str, ModuleType] = {name: student}
        for path in sorted(STANDINS.glob("[!_]*.py")):
            if path.stem != file:
                modules[f"scene_recog.{path.stem}"] = _standin(path, holder.oracle)
        return modules

    # -------------------------------------------------------------------- accuracy

    def _trained(self, network: str, name: str) -> Trained:
        if name not in self.files:
            return Trained(problem=f"{name} was not handed in")
        file = NETWORK_FILES[network]
        if STEP_FILES[file] not in self.files:
            return Trained(problem=f"{STEP_FILES[file]} was not handed in")
        trained = Trained()

        def evaluate(say: Callable[..., None]) -> None:
            holder = _Holder(self, file)
            try:
                weights = self.loaded(self.files[name])
                state = weights["state_dict"] if isinstance(weights, dict) else None
                if not isinstance(state, dict):
                    raise ValueError(f"{name} holds no state_dict")
                net = getattr(RemoteModule("student", holder.session, {}), network)()
                if not isinstance(net, torch.nn.Module):
                    raise ValueError(f"{network}() in {file}.py does not return an nn.Module")
                say(parameters=sum(p.numel() for p in net.parameters() if p.requires_grad))
                try:
                    net.load_state_dict(state)
                except Exception as error:
                    reason = str(error).partition("\n\t")[2].partition("\n")[0] or str(error)
                    raise ValueError(f"{name} does not fit {file}.py: {reason}") from None
                say(accuracy=self._accuracy(net))
            except Exception as error:
                say(problem=clean(in_one_line(str(error)))[:300])

        for said in self._from_child(evaluate):
            for key, value in said.items():
                setattr(trained, key, value)
        return trained

    def _accuracy(self, net: torch.nn.Module) -> float:
        """The better accuracy of both normalizations, because a submission does not say which it
        used.

        The order of the images is secret: class by class, a network could count batches, or let the
        images of a batch vote.
        """
        images, labels = np.load(self.work / "images.npy"), np.load(self.work / "labels.npy")
        order = np.random.default_rng(self._secret()).permutation(len(images))
        images, labels = images[order], torch.from_numpy(labels[order])
        x = torch.from_numpy(images)[:, None].float() / 255
        net.eval()
        found = []
        with torch.no_grad():
            for mean, std in NORMALIZATIONS:
                scores = [net((part - mean) / std) for part in x.split(BATCH)]
                found.append((torch.cat(scores).argmax(1) == labels).double().mean().item())
        return max(found)

    def _secret(self) -> int:
        """A number derived from the hidden tests; the same for the whole class."""
        texts = [path.read_bytes() for path in sorted((self.work / "hidden").rglob("*.py"))]
        return int.from_bytes(hashlib.sha256(b"".join(texts)).digest(), "big")

    def loaded(self, data: bytes) -> Any:
        """The contents of a file of weights, read in the sandbox, in a process of its own."""
        session = self.sandbox.session({}, beside=True)
        try:
            return session.request("run", "__main__", "loaded", (data,))
        finally:
            session.close()


def _accuracy(scores: torch.Tensor, labels: torch.Tensor) -> float:
    return (scores.argmax(1) == labels).double().mean().item()


def _standin(path: Path, oracle: Mapping[str, Callable[..., Any]]) -> ModuleType:
    spec = spec_from_file_location(f"scene_recog.{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    module.__dict__["ask"] = lambda name, *args: oracle[name](*args)
    return module


# ------------------------------------------------------------------------ in a child


class _Holder:
    """The session of a child; a new one if it has ended."""

    def __init__(self, judge: Judge, file: str) -> None:
        self.judge = judge
        self.file = file
        self.seeded: set[str] = set()
        self.breaks = 0
        self.folders = 0
        self.current: Session | None = None
        self.oracle: dict[str, Callable[..., Any]] = {}  # functions that stand-ins may call
        if file != "dl_utils":
            self.oracle["labels"] = lambda scores: scores.argmax(1)
            self.oracle["accuracy"] = _accuracy
        if file != "image_loader":
            self.oracle |= {"listed": self._listed, "image": self._image}
        if file == "lecture/network":
            for function in ("layer", "gradients", "loss", "loss_gradient"):
                self.oracle[function] = getattr(lecture_layers, function)

    def session(self) -> Session:
        """Raises NoAnswerError if it has ended too often."""
        if self.current is None or self.current.is_closed:
            if self.current is not None:
                self.breaks += 1
            if self.breaks > BREAKS:
                raise NoAnswerError("not run: earlier calls gave no answer")
            self.current = self.judge.sandbox.session(self.oracle)
            self.current.seeded = self.seeded
            if self.file in LECTURE:
                self.current.follows = wire.FOLLOWED
            self.current.request("open", self.file)
        return self.current

    def with_figures(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a function that plots; its figures are drawn here."""
        self._run(figures.set_open, figures.opened())
        result = call(*args, **kwargs)
        figures.drawn(self._run(figures.described))
        return result

    def _run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call one of our own functions in the worker."""
        return self.session().request("run", function.__module__, function.__name__, args)

    def with_files(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a function that writes to a folder, its last argument; the files are copied here."""
        self.folders += 1
        there = str(self.judge.place.folder / f"saved-{os.getpid()}-{self.folders}")
        name = "out_dir" if "out_dir" in kwargs else None
        here = kwargs[name] if name else args[-1]
        same_kind: Any = there if isinstance(here, str) else Path(there)
        self.session().request("run", "__main__", "made_folder", (there,))
        if name:
            kwargs[name] = same_kind
        else:
            args = (*args[:-1], same_kind)
        result = call(*args, **kwargs)
        files = self.session().request("run", "__main__", "files_in", (there,))
        for each, contents in files.items():
            if isinstance(contents, bytes) and Path(each).name == each and each.isprintable():
                (Path(here) / each).write_bytes(contents)
        return result

    def _below_inputs(self, path: str) -> Path:
        found = Path(path).resolve()
        if not found.is_relative_to(self.judge.place.inputs.resolve()):
            raise FileNotFoundError(path)
        return found

    def _listed(self, root: str, split: str) -> tuple[dict[str, int], list[tuple[str, int]]]:
        folder = self._below_inputs(f"{root}/{split}")
        classes = {name: index for index, name in enumerate(class_folders(folder))}
        pairs = [
            (str(path), index)
            for name, index in classes.items()
            for path in images_below(folder / name)
        ]
        return classes, pairs

    def _image(self, path: str) -> Image.Image:
        return read_grayscale(self._below_inputs(path))


class _Tests:
    """One kind of tests of one file."""

    def __init__(self, judge: Judge, file: str, folder: Path, with_twin: bool) -> None:
        self.judge = judge
        self.file = file
        self.folder = folder
        self.with_twin = with_twin
        self.holder = _Holder(judge, file)

    def run(self, say: Callable[..., None]) -> None:
        """In a child."""
        try:
            self.holder.session()
        except StudentError as error:
            words = self.judge_words(error).replace("\n", "; ")
            say(problem=f"it cannot be imported: {words}")
            return
        sys.modules.update(self.judge.modules(self.file, self.holder))
        self._mirror_seeds()
        if self.file == "dl_utils":
            torch.load = self._load  # type: ignore[assignment]
        if self.file == "image_loader":
            Image.open = self._image_below_inputs(Image.open)
        outcomes = self._pytest(say)
        if self.holder.breaks:
            say(sign="its process ended or stopped answering in the middle of a test")
        if self.with_twin and "passed" in outcomes:
            self._try_wrong_twin(say)

    def _try_wrong_twin(self, say: Callable[..., None]) -> None:
        twin = WRONG_TWINS[self.file]
        try:
            self.holder.session().request("replace", twin.source)
        except StudentError as error:
            say(sign=f"the check with code that is known to be wrong failed: {error}"[:300])
            return
        outcomes = self._pytest(lambda **_: None, only=twin.test)
        if not outcomes or "passed" in outcomes:
            say(tampered=f"{twin.test} also passes for code that is known to be wrong")

    def _pytest(self, say: Callable[..., None], only: str | None = None) -> list[str]:
        """Run the tests, or those of one name; returns their outcomes."""
        outcomes = []

        def note(**said: Any) -> None:
            if "result" in said:
                outcomes.append(said["result"]["outcome"])
            say(**said)

        path = self.folder / path_of_tests(self.file)
        arguments = [
            str(path), "-q", "-p", "no:cacheprovider", "--tb=short", "-c",
            str(self.folder / "pyproject.toml"), f"--rootdir={self.folder}", "-W", "ignore",
        ]  # fmt: skip
        output = io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            code = pytest.main(arguments, plugins=[_Plugin(self, note, only)])
        if code not in (0, 1, 2):
            say(problem=f"the tests could not be run: {output.getvalue()[-300:]!r}")
        return outcomes

    def _mirror_seeds(self) -> None:
        """Seed the generators that a test seeds here in the worker, too, before the next call."""
        for module, name, generator in (
            (torch, "manual_seed", "torch"),
            (np.random, "seed", "numpy"),
            (random, "seed", "random"),
        ):
            real = getattr(module, name)

            def both(seed: Any, real: Any = real, generator: str = generator) -> Any:
                self.holder.seeded.add(generator)
                return real(seed)

            setattr(module, name, both)

    def _load(self, path: Any, *_: Any, **__: Any) -> Any:
        """In place of torch.load: a file that a student's function wrote is read in the sandbox."""
        return self.judge.loaded(Path(path).read_bytes())

    def _image_below_inputs(self, real: Callable[..., Any]) -> Callable[..., Any]:
        """In place of Image.open: the tests open what the student's loader lists."""

        def opened(path: Any, *args: Any, **options: Any) -> Any:
            if isinstance(path, str | Path):
                path = self.holder._below_inputs(str(path))
            return real(path, *args, **options)

        return opened

    def judge_words(self, error: BaseException) -> str:
        """An error of the student's code, with its line."""
        words = f"{type(error).__name__}: {error}"
        place = getattr(error, "place", None)
        if place is None or CODE_FILES.get(place[0]) not in self.judge.files:
            return words
        file, line, _ = place
        lines = self.judge.files[CODE_FILES[file]].decode(errors="replace").splitlines()
        code = lines[line - 1].strip()[:120] if 0 < line <= len(lines) else ""
        return f"{words}\n{file}.py, line {line}: {code}"


class _Plugin:
    """Collects the results of the contract tests."""

    def __init__(self, tests: _Tests, say: Callable[..., None], only: str | None) -> None:
        self.tests = tests
        self.say = say
        self.only = only

    @pytest.fixture
    def tmp_path(self) -> Path:
        """A folder that the worker can read."""
        folder = Path(tempfile.mkdtemp(dir=self.tests.judge.place.inputs))
        folder.chmod(0o755)
        return folder

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out the tests beyond the handout."""
        items[:] = [
            item
            for item in items
            if not item.get_closest_marker("beyond")
            and (self.only is None or item.name.partition("[")[0] == self.only)
        ]
        self.say(names=[item.name for item in items])
        for module in {item.getparent(pytest.Module).obj for item in items}:  # type: ignore[union-attr]
            if hasattr(module, "list_folders"):
                module.list_folders = lambda reverse: self.tests.holder.session().request(
                    "run", "fakes", "list_folders", (reverse,)
                )

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Iterator[None]:
        """Runs after the hook of conftest.py."""
        outcome: Any = yield
        report = outcome.get_result()
        error = call.excinfo.value if call.excinfo else None
        if report.when == "teardown" or (report.when == "setup" and report.passed):
            return
        result = TestResult(item.name, "passed")
        if report.skipped:
            why = str(report.longrepr[-1]) if isinstance(report.longrepr, tuple) else ""
            result = TestResult(item.name, "waits", why.partition("cannot judge: ")[2] or why)
        elif not report.passed:
            cause = error.__cause__ if error is not None else None
            theirs = next((e for e in (error, cause) if isinstance(e, StudentError)), None)
            if isinstance(theirs, NotImplementedError):
                result = TestResult(item.name, "not written", str(theirs))
            else:
                words = sys.modules["steps"]._reason(report)
                if type(error).__name__ in ("NotTraceable", "NotUnderstood"):
                    self.say(
                        sign=f"its network could not be traced, look at it yourself: {error}"[:400]
                    )
                if theirs is not None:
                    said = self.tests.judge_words(theirs)
                    words = said if theirs is error else f"{words}\n{said.rpartition(chr(10))[2]}"
                result = TestResult(item.name, "failed", words)
        self.say(result={**asdict(result), "words": clean(result.words)})

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Report that the tests could not be collected."""
        if report.failed:
            self.say(problem=f"the tests cannot import it: {report.longrepr}"[:600])


# ------------------------------------------------------------------------ children


def _from_child(act: Callable[[Callable[..., None]], None], limit: float) -> Iterator[Any]:
    """Call a function in a child, and yield its messages, each a dict."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _be_child(act, writing)
    os.close(writing)
    deadline, rest = time.monotonic() + limit, b""
    is_late = False
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        while True:
            ready, _, _ = select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                is_late = True
                break
            part = pipe.read(1 << 16)
            if not part:
                break
            *lines, rest = (rest + part).split(b"\n")
            yield from (json.loads(line) for line in lines)
    if is_late:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if is_late:
        yield {"problem": f"its tests were stopped after {limit:.0f} s"}
    elif status:
        yield {"problem": "its tests ended early"}


def clean(words: str) -> str:
    """A message from a student's code, shortened and without control characters."""
    plain = words[:WORDS].encode("utf-8", "replace").decode()
    return "".join(
        each if each.isprintable() or each == "\n" else "\N{REPLACEMENT CHARACTER}"
        for each in plain
    )


def _limit_memory() -> None:
    """Limit memory in a child, so that only its tests fail."""
    with contextlib.suppress(OSError, ValueError):
        data_and_stack = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[5])
        most = data_and_stack * resource.getpagesize() + MEMORY
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _be_child(act: Callable[[Callable[..., None]], None], writing: int) -> NoReturn:
    def say(**what: Any) -> None:
        data = json.dumps(what).encode() + b"\n"
        while data:
            data = data[os.write(writing, data) :]

    code = 1
    die_with_parent()  # end if the judge is killed
    _limit_memory()
    try:
        act(say)
        code = 0
    except BaseException as error:
        traceback.print_exc(file=sys.stderr)
        with contextlib.suppress(BaseException):
            say(problem=f"the grader has a bug, tell your teacher: {type(error).__name__}: {error}")
            code = 0
    finally:
        os._exit(code)


def main() -> None:
    """Judge the submission described on stdin, and write the verdict."""
    die_with_parent()
    spec = json.load(sys.stdin)
    sys.path.insert(0, str(Path(spec["work"]) / "handout" / "unit_tests"))
    files = {name: Path(path).read_bytes() for name, path in spec["files"].items()}
    judge = Judge(
        files, Path(spec["work"]), [Path(each) for each in spec["hidden"]], spec["is_alone"],
        sandbox.Limits(**spec["limits"]), spec["seconds"],
    )  # fmt: skip
    out = os.dup(1)
    os.dup2(2, 1)
    verdict = judge.verdict()
    with os.fdopen(out, "w", encoding="utf-8") as file:
        json.dump(verdict.as_json(), file)


if __name__ == "__main__":
    main()
