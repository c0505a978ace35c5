"""Call functions in processes of their own, which may crash or hang."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

T = TypeVar("T")


class ApartError(RuntimeError):
    """Says why there is no answer, in a few words.

    Attributes:
        detail: more, for the teacher.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.detail = detail


class Stopped(Exception):  # noqa: N818, it is no error
    """There is no answer because `Processes.stop` was called."""


class Processes:
    """Calls that run, in any number of threads, and can be ended together."""

    def __init__(self) -> None:
        # No copy of this process, whose threads a copy would lack.
        method = "forkserver" if sys.platform.startswith("linux") else "spawn"
        self._context: Any = multiprocessing.get_context(method)
        self._running: set[BaseProcess] = set()
        self._stopped = threading.Event()

    def call(self, function: Callable[..., T], *args: Any, seconds: float) -> T:
        """What `function(*args)` returns; all of it can be pickled.

        Raises:
            ApartError: it raised, ended its process, or took longer than `seconds`.
            Stopped: `stop` was called.
        """
        answers, there = self._context.Pipe(duplex=False)
        process = self._context.Process(target=_answer, args=(there, function, args))
        self._running.add(process)
        try:
            process.start()
            there.close()
            if self._stopped.is_set():  # meanwhile
                raise Stopped
            if not answers.poll(seconds):
                raise ApartError(f"it took longer than {seconds:g} s")
            is_answer, value = answers.recv()
        except (EOFError, OSError) as error:
            if self._stopped.is_set():
                raise Stopped from None
            raise _ended(process, error) from None
        finally:
            self._running.discard(process)
            with suppress(AttributeError, AssertionError, ValueError):  # it was not started
                process.kill()
                process.join()
            answers.close()
        if not is_answer:
            raise ApartError("it failed", value)
        answer: T = value
        return answer

    def stop(self) -> None:
        """End what runs, and what begins from now on."""
        self._stopped.set()
        for process in list(self._running):
            with suppress(AttributeError, OSError, ValueError):
                process.kill()


def _ended(process: BaseProcess, error: Exception) -> ApartError:
    if process.pid is None:
        return ApartError("its process cannot be started", str(error))
    process.join(60)
    return ApartError("its process ended", f"(exit code {process.exitcode})")


def _answer(answers: Connection, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the grader, which ends this
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        answer = (True, function(*args))
    except BaseException as error:
        answer = (False, f"({type(error).__name__}: {error})"[:1000])
    answers.send(answer)


def _end_with_parent() -> None:
    """If the grader is killed, nothing goes on without it."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)
