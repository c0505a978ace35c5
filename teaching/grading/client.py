"""What the tests see instead of a student's file: objects that ask the worker in the sandbox.

Only data comes from there (`wire.py`). Networks are rebuilt here (`replica.py`); other objects stay
there, and `Remote` forwards calls to them.
"""

from __future__ import annotations

import builtins
import contextlib
import copy
import io
import json
import os
import pickle
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import BuiltinMethodType, FunctionType, MethodType, ModuleType
from typing import Any

import matplotlib
import torch
from torch import nn

from teaching import sandbox
from teaching.grading import wire
from teaching.grading.replica import NotUnderstood, replica

CALL_SECONDS = 20.0  # for one answer
START_SECONDS = 60.0  # for the worker to have imported everything
STARTED_SECONDS = 10.0  # for its answers after that: a session may have stopped it
SHARED = ("torch", "torchvision", "numpy", "PIL", "builtins", "fakes", "math")  # also there


class StudentError(Exception):
    """An error of the student's code, as a class of the same name and kind.

    Attributes:
        place: (file, line, function) in the student's files, if it was raised there.
    """

    place: tuple[str, int, str] | None = None


class NoAnswerError(StudentError):
    """The student's code did not return, or ended its process."""


# ------------------------------------------------------------------------ the sandbox


@dataclass
class Place:
    """Where a submission is graded.

    Attributes:
        package: a folder with what the worker imports; readable.
        submission: a folder with the student's files; readable.
        inputs: a folder in which tests create files; readable.
        folder: the worker's own, deleted afterwards.
        hidden: what the worker must not see.
        limits: of the worker.
    """

    package: Path
    submission: Path
    inputs: Path
    folder: Path
    hidden: Sequence[Path] = ()
    limits: sandbox.Limits = field(default_factory=sandbox.Limits)


class Sandbox:
    """The worker's first process, which forks one for each session."""

    def __init__(self, place: Place, is_alone: bool) -> None:
        self.place = place
        self.is_alone = is_alone
        self.peak_memory = 0
        self.start()

    def start(self) -> None:
        """Start it, or restart it."""
        place = self.place
        remove(place.folder)  # the last one may have filled it
        place.folder.mkdir()
        (place.folder / "matplotlib").mkdir()
        for cache in Path(matplotlib.get_cachedir()).glob("fontlist-*.json"):
            shutil.copy(cache, place.folder / "matplotlib")  # saves seconds of searching for fonts
        ours, theirs = socket.socketpair()
        self.control = ours
        self.has_started = False
        spec = {
            "command": [
                # Not -m: it would import from the current folder, which the student's code can
                # write to.
                sys.executable, "-B", "-s", str(place.package / "teaching/grading/worker.py"),
                str(place.submission), "alone" if self.is_alone else "among others",
            ],
            "folder": str(place.folder),
            "limits": asdict(place.limits),
            "readable": [str(each) for each in (place.package, place.submission, place.inputs)],
            "hidden": [str(each) for each in place.hidden],
            "environment": {
                "PYTHONPATH": str(place.package), "MPLBACKEND": "agg", "PYTHONHASHSEED": "0",
                "MPLCONFIGDIR": str(place.folder / "matplotlib"),
            },
        }  # fmt: skip
        with theirs:
            self.watcher = subprocess.Popen(
                [
                    sys.executable, "-m", "teaching.grading.watching", str(theirs.fileno()),
                    str(os.getpid()),
                ],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=[theirs.fileno()],
                encoding="utf-8",
            )  # fmt: skip
        assert self.watcher.stdin is not None
        self.watcher.stdin.write(json.dumps(spec))
        self.watcher.stdin.close()
        self.watcher.stdin = None

    def answers(self, order: bytes) -> bool:
        """Whether it answers: b"k" kills the remains of earlier sessions, b"p" does nothing."""
        try:
            self.control.settimeout(STARTED_SECONDS if self.has_started else START_SECONDS)
            self.control.sendall(order)
            self.has_started = self.control.recv(1) == order
        except OSError:
            return False
        return self.has_started

    def restart(self) -> None:
        """Replace a worker that does not answer.

        Raises:
            NoAnswerError: the new one does not start.
        """
        self.close()
        self.start()
        if not self.answers(b"p"):
            raise NoAnswerError(f"the worker does not start: {self.close()}")

    def session(self, oracle: Mapping[str, Callable[..., Any]], *, beside: bool = False) -> Session:
        """A new session, with a new worker if necessary.

        Args:
            oracle: functions that the worker may call by name.
            beside: keep the other sessions alive.

        Raises:
            NoAnswerError: it does not start.
        """
        if not self.answers(b"p" if beside else b"k"):
            self.restart()
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self.control, [b"s"], [theirs.fileno()])
        return Session(ours, oracle)

    def close(self) -> str:
        """End it, and say in one line what was unusual about it."""
        self.control.close()
        try:
            said, _ = self.watcher.communicate(timeout=5)
            found = json.loads(said)
        except (subprocess.TimeoutExpired, ValueError):
            with contextlib.suppress(OSError):
                os.kill(
                    self.watcher.pid, signal.SIGKILL
                )  # its own kill() works only on child processes
            self.watcher.communicate()
            return "how it ended is unknown"
        self.peak_memory = max(self.peak_memory, found.get("peak_rss", 0))
        if "error" in found:
            return str(found["error"])
        if found["ended_for"]:
            return f"it was stopped for its use of {found['ended_for']}"
        return str(found["stderr"]).strip().rpartition("\n")[2][:300]


# ------------------------------------------------------------------------ a session


class Session:
    """Asks one process of the worker.

    Attributes:
        seeded: names of the generators that a test has seeded since the last request.
        follows: classes of arguments whose changes come back.
        followed: such arguments of the last request, by number.
    """

    def __init__(self, channel: socket.socket, oracle: Mapping[str, Callable[..., Any]]) -> None:
        self.channel = channel
        self.oracle = oracle
        self.seeded: set[str] = set()
        self.originals: dict[int, Any] = {}
        self.callbacks: dict[int, Callable[..., Any]] = {}
        self.is_closed = False
        self.follows: tuple[type, ...] = ()
        self.followed: dict[int, Any] = {}
        self.leaves: list[int] = []  # tensors of the last message that need gradients
        self.named: list[int] = []  # originals that answers have named
        self.reader = wire.Reader(
            {
                "known": self._known,
                "grown": self._grown,
                "net": self._net,
                "optimizer": self._optimizer,
                "class": lambda node, _: type(_identifier(node["name"]), (), {}),
                "ref": self._ref,
            }
        )

    def close(self) -> None:
        """Close the channel; the process then ends, or is killed before the next session."""
        self.is_closed = True
        self.channel.close()

    def request(self, verb: str, *arguments: Any) -> Any:
        """The answer to a request.

        Raises:
            NoAnswerError: there is none, or it cannot be read.
            StudentError: the student's code raised an error.
        """
        try:
            answer = self._answer((verb, *arguments), time.monotonic() + CALL_SECONDS)
            for number, state in dict(answer.get("changed", {})).items():
                wire.restore(self.followed[number], state)
            error = _as_exception(answer["error"]) if "error" in answer else None
            value = None if error else answer["value"]
        except TimeoutError:
            reason = f"no answer within {CALL_SECONDS:.0f} s: is there an endless loop?"
        except (EOFError, OSError):
            reason = (
                "the process ended in the middle of a call: by sys.exit() or os._exit(), or "
                "because it used too much memory or time"
            )
        except (ValueError, KeyError, TypeError) as broken:
            reason = f"the answer cannot be read ({broken})"
        else:
            if error:
                raise error
            return value
        self.close()
        raise NoAnswerError(reason)

    def _answer(self, question: Any, deadline: float) -> dict[str, Any]:
        """The answer; until it comes, the worker may ask questions, too."""
        self._send(question, follow=True)
        while True:
            self.channel.settimeout(max(0.01, deadline - time.monotonic()))
            answer = self.reader.value(wire.receive(self.channel))
            if not isinstance(answer, dict):
                raise wire.BrokenFrameError("it is not an answer")
            if "ask" not in answer:
                return answer
            self._send(self._asked(answer))

    def _asked(self, question: dict[str, Any]) -> tuple[Any, str | None]:
        name = question["ask"]
        try:
            functions: Any = self.oracle if isinstance(name, str) else self.callbacks
            return functions[name](*question["args"], **question["kwargs"]), None
        except Exception as error:
            return None, f"{type(error).__name__}: {error}"

    def _send(self, what: Any, *, follow: bool = False) -> None:
        self.leaves = []
        if follow:
            self.followed = {}
        pickler = _Pickler(self, self.follows if follow else ())
        do = pickler.pickled(what)
        # As they are now: what the test has drawn since is not drawn again in the sandbox.
        states = {name: wire.GENERATORS[name][0]() for name in sorted(self.seeded)}
        message = {
            "define": pickler.definitions, "follow": pickler.followed, "states": states, "do": do,
        }  # fmt: skip
        self.seeded.clear()
        data = pickle.dumps(message)
        self.channel.sendall(wire.LENGTH.pack(len(data)) + data)

    # -------------------------------------------------------------------- objects from answers

    def _known(self, node: dict[str, Any], _: wire.Reader) -> Any:
        self.named.append(int(node["n"]))
        return self.originals[node["n"]]

    def _grown(self, node: dict[str, Any], reader: wire.Reader) -> torch.Tensor:
        value = reader.tensor(node["v"])
        if not (value.is_floating_point() and self.leaves):
            return value
        leaves = [self.originals[number] for number in self.leaves]
        made: torch.Tensor = _Grown.apply(self, int(node["r"]), list(self.leaves), value, *leaves)
        return made

    def _net(self, node: dict[str, Any], reader: wire.Reader) -> nn.Module:
        number = int(node["r"])

        def trace_for(training: bool, shape: tuple[int, ...], path: str = "", /) -> Any:
            x = torch.randn(shape, generator=torch.Generator().manual_seed(1))
            trace = self.request("trace", number, training, x, path)
            if not path:
                followed = replica(copy.deepcopy(description), lambda *_: trace, remote)
                self._check(number, followed.train(training), shape)
            return trace

        def remote(path: str) -> Callable[..., Any]:
            return lambda *args, **kwargs: self.request("call_part", number, path, args, kwargs)

        description = reader.made(node["v"])
        return replica(copy.deepcopy(description), trace_for, remote)

    def _check(self, number: int, net: nn.Module, shape: tuple[int, ...]) -> None:
        """Check that a network computes the same whether it is traced or not.

        Raises:
            NotUnderstood: it does not, although it gives the same result twice.
        """
        x = torch.randn(shape, generator=torch.Generator().manual_seed(2))
        real = [self.request("compute", number, net.training, x) for _ in range(2)]
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.default_generator.manual_seed(wire.SEED)
            followed = net(x)
        if not all(isinstance(each, torch.Tensor) for each in (followed, *real)):
            return
        scale = float(followed.abs().max()) if followed.numel() else 0.0
        if _is_same(real[0], real[1], scale) and not _is_same(real[0], followed, scale):
            raise NotUnderstood("it computes something else when it is traced step by step")

    def _optimizer(self, node: dict[str, Any], reader: wire.Reader) -> torch.optim.Optimizer:
        self.named = []
        groups = reader.made(node["groups"])
        if not groups:
            raise wire.BrokenFrameError("an optimizer of nothing")
        for group in groups:
            if not group["params"] or not all(
                isinstance(each, torch.Tensor) for each in group["params"]
            ):
                raise wire.BrokenFrameError("a group of parameters of what?")
        kind = type(_identifier(node["name"]), (RemoteOptimizer,), {})
        optimizer: torch.optim.Optimizer = kind(self, int(node["r"]), groups, self.named)
        return optimizer

    def _ref(self, node: dict[str, Any], _: wire.Reader) -> Remote:
        bases = [wire.LIBRARY[name] for name in node["as"]]
        kind: type[Remote] = type(_identifier(node["name"]), (Remote, *bases), {})
        remote = object.__new__(kind)
        remote.__dict__["_of"] = (self, int(node["r"]))
        return remote


def _is_same(one: torch.Tensor, other: torch.Tensor, scale: float) -> bool:
    return one.shape == other.shape and torch.allclose(
        one.detach().double(), other.detach().double(), rtol=1e-3, atol=1e-4 * scale, equal_nan=True
    )


class _Pickler:
    """Pickles for the worker; objects with an identity are defined by number, once per message."""

    def __init__(self, session: Session, follows: tuple[type, ...] = ()) -> None:
        self.session = session
        self.follows = follows
        self.definitions: list[tuple[int, bytes]] = []
        self.followed: list[tuple[int, bytes]] = []
        self.numbers: dict[int, int] = {}

    def pickled(self, value: Any, inside: Any = None) -> bytes:
        file = io.BytesIO()
        pickler = pickle.Pickler(file, protocol=5)
        pickler.persistent_id = lambda each: (  # type: ignore[method-assign]
            None if each is inside else self.reference(each)
        )
        pickler.dump(value)
        return file.getvalue()

    def reference(self, value: Any) -> tuple[str, int] | None:
        """A reference for an object that is not pickled by value."""
        if isinstance(value, Remote):
            return "remote", value.__dict__["_of"][1]
        if isinstance(value, FunctionType | MethodType | BuiltinMethodType):
            if not _is_shared(value):
                number = len(self.session.callbacks)
                self.session.callbacks[number] = value
                return "callback", number
            return None
        if isinstance(value, self.follows):
            return "followed", self._followed(value)
        if not isinstance(value, (nn.Module, torch.Tensor, *wire.LIBRARY.values())):
            return None
        number = self.numbers.get(id(value), -1)
        if number < 0:
            number = self.numbers[id(value)] = len(self.session.originals)
            self.session.originals[number] = value
            if isinstance(value, torch.Tensor) and value.requires_grad:
                self.session.leaves.append(number)
            plain = value
            if isinstance(value, torch.Tensor) and value.grad_fn is not None:
                plain = value.detach().requires_grad_()
            self.definitions.append((number, self.pickled(plain, inside=plain)))
        return "known", number

    def _followed(self, value: Any) -> int:
        number = self.numbers.get(id(value), -1)
        if number < 0:
            number = self.numbers[id(value)] = len(self.session.followed)
            self.session.followed[number] = value
            self.followed.append((number, pickle.dumps(value, protocol=5)))
        return number


def _is_shared(function: Any) -> bool:
    """Whether the worker can import it by its name."""
    module = (getattr(function, "__module__", None) or "").partition(".")[0]
    return module in SHARED and "<" not in getattr(function, "__qualname__", "<")


class _Grown(torch.autograd.Function):
    """A tensor that the worker computed from ours and can differentiate."""

    @staticmethod
    def forward(
        ctx: Any, session: Session, number: int, names: list[int], value: torch.Tensor,
        *leaves: torch.Tensor,
    ) -> torch.Tensor:  # fmt: skip
        ctx.where = (session, number, names)
        ctx.shapes = [leaf.shape for leaf in leaves]
        return value.clone()

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        session, number, names = ctx.where
        found = session.request("backward", number, gradient, names)
        for one, shape in zip(found, ctx.shapes, strict=True):
            if one is not None and one.shape != shape:
                raise NoAnswerError("a gradient has a wrong shape")
        return None, None, None, None, *found


class RemoteOptimizer(torch.optim.Optimizer):
    """An optimizer that takes its steps in the worker, for the parameters here."""

    def __init__(
        self, session: Session, number: int, groups: list[dict[str, Any]], named: list[int]
    ) -> None:
        self.param_groups = groups
        self.defaults: dict[str, Any] = {}
        self.state: Any = {}
        self.where = (session, number, named)

    def step(self, closure: Any = None) -> Any:
        """Take a step with the gradients here."""
        session, number, named = self.where
        ours = {key: session.originals[key] for key in named}
        values = {key: value.detach().clone() for key, value in ours.items()}
        gradients = {key: value.grad for key, value in ours.items() if value.grad is not None}
        plain = {key: value.detach().clone() for key, value in gradients.items()}
        found = session.request("step", number, values, plain)
        with torch.no_grad():
            for key, value in ours.items():
                if found[key].shape != value.shape:
                    raise NoAnswerError("a step has changed a shape")
                value.copy_(found[key])


class Remote:
    """An object in the worker."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._ask("get", name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask("call", args, kwargs)

    def __getitem__(self, key: Any) -> Any:
        return self._ask("index", key)

    def __len__(self) -> int:
        length = self._ask("length")
        if not isinstance(length, int):
            raise TypeError(f"len() is {length!r}, not an integer")
        return length

    def __iter__(self) -> Iterator[Any]:
        return iter(self._ask("iterate"))

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        try:
            return str(self._ask("text"))
        except StudentError:
            return f"<{type(self).__name__}>"

    def _ask(self, verb: str, *arguments: Any) -> Any:
        session, target = self.__dict__["_of"]
        return session.request(verb, target, *arguments)


class RemoteModule(ModuleType):
    """A student's file.

    Args:
        name: such as "scene_recog.optimizer".
        session: called for the session each time, because a new one may have been needed.
        wrapped: for some functions, a function that is called with the worker's function and
            the arguments.
    """

    def __init__(
        self, name: str, session: Callable[[], Session],
        wrapped: Mapping[str, Callable[..., Any]],
    ) -> None:  # fmt: skip
        super().__init__(name)
        self._session = session
        self._wrapped = wrapped

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        can_be_called, value = self._session().request("name", name)
        return _Named(name, self._session, self._wrapped.get(name)) if can_be_called else value


class _Named(Remote):
    """A function or class of a student's file, looked up by name at each call."""

    def __init__(
        self, name: str, session: Callable[[], Session], wrapped: Callable[..., Any] | None
    ) -> None:
        self.__dict__.update(_name=name, _session=session, _wrapped=wrapped)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if wrapped := self.__dict__["_wrapped"]:
            return wrapped(lambda *a, **k: self._ask("call", a, k), *args, **kwargs)
        return self._ask("call", args, kwargs)

    def _ask(self, verb: str, *arguments: Any) -> Any:
        return self.__dict__["_session"]().request(verb, self.__dict__["_name"], *arguments)


# ------------------------------------------------------------------------ errors


# Other classes cannot be created from a message alone, or have a meaning for a loop.
_SIMPLE = {
    each
    for each in vars(builtins).values()
    if isinstance(each, type) and issubclass(each, Exception)
    and not issubclass(each, UnicodeError | StopIteration | StopAsyncIteration)
    and "Group" not in each.__name__
}  # fmt: skip


def _as_exception(found: Any) -> Exception:
    """The student's error: of a class of its name, derived from its built-in base."""
    message = str(found["message"])
    name, bases = _identifier(found["name"]), [str(each) for each in found["bases"]]
    base: type[Exception] = Exception
    for each in bases:
        known = getattr(builtins, each, None)
        if isinstance(known, type) and issubclass(known, Exception):
            base = known if known in _SIMPLE else ValueError
            break
    else:
        message = f"the code stops Python with {name}: {message}"
    kind = type(name, (StudentError, base), {"__str__": lambda self: message})
    error: Exception = kind(message)
    place = found.get("place")
    if place:
        error.place = (str(place[0]), int(place[1]), str(place[2]))  # type: ignore[attr-defined]
    return error


def _identifier(name: Any) -> str:
    return name if isinstance(name, str) and name.isidentifier() and len(name) < 80 else "Unnamed"


def remove(folder: Path) -> None:
    """Remove a folder, whatever a student's code left in it, such as very deep folders."""
    with contextlib.suppress(OSError, RecursionError):
        shutil.rmtree(folder)
    if folder.exists():
        subprocess.run(["rm", "-rf", "--", str(folder)], check=False, stderr=subprocess.DEVNULL)
