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
    """There is no answer; the message says why.

    Attributes:
        detail: more, for the teacher.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.detail = detail


class Stopped(Exception):  # noqa: N818, it is not an error
    """There is no answer because `Processes.stop` was called."""


class Processes:
    """Running calls, from any number of threads, that can be stopped together."""

    def __init__(self) -> None:
        # Not a fork of this process: a fork would lack its threads.
        method = "forkserver" if sys.platform.startswith("linux") else "spawn"
        self._context: Any = multiprocessing.get_context(method)
        self._running: set[BaseProcess] = set()
        self._stopped = threading.Event()

    def call(self, function: Callable[..., T], *args: Any, seconds: float) -> T:
        """The result of `function(*args)`; all of it must be picklable.

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
            raise ApartError("it raised an error", value)
        answer: T = value
        return answer

    def stop(self) -> None:
        """End running calls, and any that start from now on."""
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
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the grader handles Ctrl-C and ends this process
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        answer = (True, function(*args))
    except BaseException as error:
        answer = (False, f"({type(error).__name__}: {error})"[:1000])
    answers.send(answer)


def _end_with_parent() -> None:
    """End this process if the grader is killed."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)
