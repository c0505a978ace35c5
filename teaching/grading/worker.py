"""The worker in the sandbox: the student's code answers calls.

One process imports the libraries and waits. For each session it forks a child, which imports one of
the student's files and answers the grader's requests over the session's own socket. Messages from
the grader are pickled; answers are plain data (`wire.py`), because the grader trusts nothing from
here.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import os
import pickle
import random
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location, spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import nn

from scene_recog.assignment import FILES
from teaching.grading import figures, tracing, wire

STANDINS = Path(__file__).parent / "standins"
ITEMS = 100_000  # of an iteration
MESSAGE = 2000  # characters of an error's message


def main() -> None:
    """Fork a session for each socket that comes over the channel, until it is closed."""
    control = socket.socket(fileno=int(os.environ["SANDBOX_CHANNEL"]))
    submission = Path(sys.argv[1])
    owns_all = sys.argv[2] == "alone"  # only our own processes can be seen
    for name in ("PIL.JpegImagePlugin", "matplotlib.pyplot", "torch.utils.data", "fakes",
                 "scene_recog.datasets.images", "scene_recog.figure_2"):  # fmt: skip
        import_module(name)
    figures.watch_show()
    protect(True)
    while True:
        order, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not order:
            break
        if order in (b"k", b"p"):
            if order == b"k" and owns_all:
                with contextlib.suppress(OSError):
                    os.kill(-1, signal.SIGKILL)
            control.sendall(order)
            continue
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            control.close()
            protect(False)
            os.setsid()
            Session(socket.socket(fileno=descriptors[0]), submission).serve()
            os._exit(0)
        os.close(descriptors[0])


def protect(yes: bool) -> None:
    """Forbid or allow processes of the same user, such as sessions, to inspect this one."""
    if sys.platform.startswith("linux"):
        set_dumpable = 4
        ctypes.CDLL(None).prctl(set_dumpable, 0 if yes else 1, 0, 0, 0)


class Session:
    """Answers the calls of one session.

    Attributes:
        objects: objects that the grader refers to, by number.
        copies: copies of the grader's objects, by the grader's numbers.
        numbers: id of a copy -> its number.
        followed: arguments of the current request whose changes go back, by number: (the argument,
            as it came).
        results: tensors with a graph, by number.
    """

    def __init__(self, channel: socket.socket, submission: Path) -> None:
        self.channel = channel
        self.submission = submission
        self.process = os.getpid()
        self.objects: dict[int, Any] = {}
        self.copies: dict[int, Any] = {}
        self.numbers: dict[int, int] = {}
        self.followed: dict[int, tuple[Any, bytes]] = {}
        self.module = ModuleType("nothing")
        set_seeds(0)

    def serve(self) -> None:
        """Answer until the grader closes the socket."""
        while True:
            try:
                message = self.receive()
            except (EOFError, OSError):
                return
            self.reply(message)

    def receive(self) -> dict[str, Any]:
        """The grader's next message, after storing the objects that it defines."""
        (length,) = wire.LENGTH.unpack(wire.exactly(self.channel, wire.LENGTH.size))
        message: dict[str, Any] = pickle.loads(wire.exactly(self.channel, length))
        for number, data in message["define"]:
            copy = self.unpickled(data)
            self.copies[number] = copy
            self.numbers[id(copy)] = number
        return message

    def answer(self, message: dict[str, Any]) -> Any:
        """The answer to a message."""
        for name, state in message["states"].items():
            wire.GENERATORS[name][1](state)
        self.followed = {number: (pickle.loads(data), data) for number, data in message["follow"]}
        verb, *arguments = self.unpickled(message["do"])
        return getattr(self, f"do_{verb}")(*arguments)

    def reply(self, message: dict[str, Any]) -> None:
        """Send the answer to a message, or the error."""
        try:
            value = self.answer(message)
            frame = wire.Writer(self.special).frame({"value": value, **self.changes()})
        except BaseException as error:
            frame = wire.Writer().frame({"error": self.described(error)})
        with contextlib.suppress(OSError):
            wire.send(self.channel, frame)

    def changes(self) -> dict[str, Any]:
        """What has become of the grader's arrays and generators, if the call has changed any."""
        found = {}
        for number, (argument, data) in self.followed.items():
            now, before = wire.state_of(argument), wire.state_of(pickle.loads(data))
            if not wire.is_same(now, before):
                found[number] = now
        return {"changed": found} if found else {}

    def unpickled(self, data: bytes) -> Any:
        """Unpickle, with references to copies, to objects here, and to functions there."""
        unpickler: Any = pickle.Unpickler(io.BytesIO(data))
        unpickler.persistent_load = self._persistent
        return unpickler.load()

    def _persistent(self, reference: Any) -> Any:
        kind, number = reference
        if kind == "callback":
            return lambda *args, **kwargs: self.ask(number, args, kwargs)
        if kind == "followed":
            return self.followed[number][0]
        return (self.copies if kind == "known" else self.objects)[number]

    def ask(self, number: int | str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call one of the grader's functions."""
        if os.getpid() != self.process:
            raise RuntimeError("this can only be called in the process that was asked")
        question = {"ask": number, "args": list(args), "kwargs": kwargs}
        wire.send(self.channel, wire.Writer(self.special).frame(question))
        message = self.receive()
        value, error = self.unpickled(message["do"])
        if error:
            raise RuntimeError(error)
        return value

    # -------------------------------------------------------------------- answers

    def special(self, value: Any, writer: wire.Writer) -> dict[str, Any] | None:
        """The form of objects that are not plain."""
        number = self.numbers.get(id(value))
        if number is not None and self.copies.get(number) is value:
            return {"k": "known", "n": number}
        if isinstance(value, torch.Tensor) and value.grad_fn is not None:
            return {"k": "grown", "r": self._kept(value), "v": writer.tensor(value.detach())}
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            values = [writer.node(each) for each in value]
            return {
                "k": "named", "name": type(value).__name__, "fields": list(value._fields),
                "v": values,
            }  # fmt: skip
        if isinstance(value, wire.PLAIN):
            return None
        names = [name for name, each in wire.LIBRARY.items() if isinstance(value, each)]
        if isinstance(value, nn.Module) and not names:  # v2.Compose is a module, but no network
            with contextlib.suppress(NotImplementedError):
                return {
                    "k": "net",
                    "r": self._kept(value),
                    "v": writer.node(tracing.describe(value)),
                }
        if isinstance(value, torch.optim.Optimizer):
            return {
                "k": "optimizer", "r": self._kept(value), "name": type(value).__name__,
                "groups": writer.node(value.param_groups),
            }  # fmt: skip
        if isinstance(value, type):
            return {"k": "class", "name": value.__name__}
        return {"k": "ref", "r": self._kept(value), "name": type(value).__name__, "as": names}

    def _kept(self, value: Any) -> int:
        number = len(self.objects)
        self.objects[number] = value
        return number

    def described(self, error: BaseException) -> dict[str, Any]:
        """An error: its type, message, and place in the student's files."""
        place = None
        for frame in traceback.extract_tb(error.__traceback__):
            if file := self.file_of(frame.filename):
                place = [file, frame.lineno or 0, frame.name]
        if isinstance(error, SyntaxError) and (file := self.file_of(error.filename)):
            place = [file, error.lineno or 0, ""]
        try:
            message = str(error.msg if isinstance(error, SyntaxError) else error)[:MESSAGE]
        except BaseException as second:
            message = f"its message cannot be shown: {type(second).__name__}"
        bases = [each.__name__ for each in type(error).__mro__ if each.__module__ == "builtins"]
        return {"name": type(error).__name__, "bases": bases, "message": message, "place": place}

    def file_of(self, filename: str | None) -> str | None:
        """Such as "lecture/layers", if it is one of the student's files."""
        path = Path(filename or "")
        if not path.is_relative_to(self.submission):
            return None
        return path.relative_to(self.submission).with_suffix("").as_posix()

    # -------------------------------------------------------------------- requests

    def do_open(self, file: str) -> None:
        """Import one of the student's files, beside stand-ins for the others."""
        sys.meta_path.insert(0, Finder(file, self.submission, self.ask))
        self.module = import_module(f"scene_recog.{file.replace('/', '.')}")

    def do_replace(self, source: str) -> None:
        """Replace the student's file by other code."""
        name = self.module.__name__
        module = ModuleType(name)
        sys.modules[name] = module
        exec(compile(source, "other.py", "exec"), vars(module))
        self.module = module

    def _target(self, target: int | str) -> Any:
        """An object by its number, or by its name in the student's file."""
        return getattr(self.module, target) if isinstance(target, str) else self.objects[target]

    def do_call(self, target: int | str, args: Any, kwargs: Any) -> Any:
        """Call an object."""
        return self._target(target)(*args, **kwargs)

    def do_get(self, target: int | str, name: str) -> Any:
        """An object's attribute."""
        return getattr(self._target(target), name)

    def do_name(self, name: str) -> tuple[bool, Any]:
        """An attribute of the student's file: (whether it is callable, its value if not)."""
        value = getattr(self.module, name)
        return callable(value), None if callable(value) else value

    def do_index(self, target: int, key: Any) -> Any:
        """An item."""
        return self.objects[target][key]

    def do_length(self, target: int) -> int:
        """The length of an object."""
        return len(self.objects[target])

    def do_iterate(self, target: int) -> list[Any]:
        """The items of an object."""
        return [item for _, item in zip(range(ITEMS), self.objects[target], strict=False)]

    def do_text(self, target: int) -> str:
        """The `repr` of an object."""
        return repr(self._target(target))[:MESSAGE]

    def do_call_part(self, target: int, path: str, args: Any, kwargs: Any) -> Any:
        """Call a part of a network, such as "loss_criterion"."""
        part = self.objects[target]
        for name in path.split("."):
            part = getattr(part, name)
        return part(*args, **kwargs)

    def do_trace(self, target: int, training: bool, x: torch.Tensor, path: str) -> Any:
        """What a network, or a part of it, does with a tensor of this shape."""
        net = self.objects[target]
        with tracing.unchanged(net):
            set_seeds(wire.SEED)
            return tracing.trace(net, x, training, path)

    def do_compute(self, target: int, training: bool, x: torch.Tensor) -> Any:
        """A network's output without tracing; the network is restored afterwards."""
        net = self.objects[target]
        with tracing.unchanged(net), torch.no_grad():
            set_seeds(wire.SEED)
            return net.train(training)(x)

    def do_backward(self, target: int, gradient: torch.Tensor, leaves: list[int]) -> Any:
        """The gradients of a result with respect to the grader's tensors."""
        copies = [self.copies[number] for number in leaves]
        return torch.autograd.grad(
            self.objects[target], copies, gradient, retain_graph=True, allow_unused=True
        )

    def do_step(self, target: int, values: dict[int, Any], gradients: dict[int, Any]) -> Any:
        """Take an optimizer step; returns the new values."""
        with torch.no_grad():
            for number, value in values.items():
                self.copies[number].copy_(value)
        for number, gradient in gradients.items():
            self.copies[number].grad = gradient
        self.objects[target].step()
        return {number: self.copies[number].detach().clone() for number in values}

    def do_run(self, module: str, function: str, args: Any) -> Any:
        """Call a function of a module that is not the student's."""
        return getattr(import_module(module), function)(*args)


class Finder:
    """Finds the student's files: one of their own, and stand-ins for those that others use.

    Names that a stand-in lacks, and files without one, are the student's own.
    """

    def __init__(self, file: str, submission: Path, ask: Callable[..., Any]) -> None:
        self.file = file
        self.submission = submission
        self.ask = ask

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> Any:
        """Called by importlib."""
        file = _file(name)
        if file not in FILES:
            return None
        standin = STANDINS / f"{file}.py"
        if file != self.file and standin.is_file():
            return spec_from_loader(name, _StandinLoader(name, str(standin), self))
        path = self.submission / f"{file}.py"
        return spec_from_file_location(name, path) if path.is_file() else None

    def own(self, file: str) -> ModuleType:
        """The student's own file that a stand-in replaces."""
        path = self.submission / f"{file}.py"
        if not path.is_file():
            raise AttributeError(f"{file}.py was not handed in")
        name = f"own_{file.replace('/', '_')}"
        if name not in sys.modules:
            spec = spec_from_file_location(name, path)
            assert isinstance(spec, ModuleSpec)
            sys.modules[name] = module = module_from_spec(spec)
            assert spec.loader is not None
            spec.loader.exec_module(module)
        return sys.modules[name]


class _StandinLoader(SourceFileLoader):
    def __init__(self, name: str, path: str, finder: Finder) -> None:
        super().__init__(name, path)
        self.finder = finder

    def exec_module(self, module: ModuleType) -> None:
        file = _file(module.__name__)

        def missing(name: str) -> Any:
            if name.startswith("__"):
                raise AttributeError(name)
            return getattr(self.finder.own(file), name)

        super().exec_module(module)
        module.__dict__["ask"] = lambda name, *args: self.finder.ask(name, args, {})
        module.__dict__["__getattr__"] = missing


def _file(module: str) -> str:
    """ "lecture/layers" for "scene_recog.lecture.layers"."""
    return module.removeprefix("scene_recog.").replace(".", "/")


def set_seeds(seed: int) -> None:
    """Seed all generators."""
    torch.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)


def files_in(folder: str, limit: int = 20_000_000) -> dict[str, bytes | None]:
    """The files written to a folder; None for anything that is not a file, or too large."""
    found: dict[str, bytes | None] = {}
    for path in sorted(Path(folder).iterdir())[:50]:
        is_file = path.is_file() and not path.is_symlink() and path.stat().st_size <= limit
        found[path.name] = path.read_bytes() if is_file else None
    return found


def made_folder(folder: str) -> None:
    """A folder for the student's code to write to."""
    Path(folder).mkdir(parents=True)


def loaded(data: bytes) -> Any:
    """The contents of a weights file with these bytes. Called before any student's code runs."""
    try:
        return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        return torch.load(io.BytesIO(data), map_location="cpu", weights_only=False)


if __name__ == "__main__":
    main()
