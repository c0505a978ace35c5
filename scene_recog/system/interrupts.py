"""Ctrl-C and SIGTERM: finish the step, save, then stop."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any, NoReturn

from scene_recog.system import processes


class Interrupted(KeyboardInterrupt):
    """Training was asked to stop, and has saved its state.

    Attributes:
        signal: SIGINT or SIGTERM.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.signal = number


class StopRequest:
    """While the block runs, note the first SIGINT or SIGTERM instead of acting on it.

    A second signal acts at once, as usual. This does nothing in threads other than the main one,
    which get no signals, and under torchrun, where a process that finishes its step could wait
    forever for one that does not.

    Attributes:
        signal: the signal that came, or None.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopRequest:
        in_main_thread = threading.current_thread() is threading.main_thread()
        if in_main_thread and not processes.launched():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()

    def _note(self, number: int, _: FrameType | None) -> None:
        self.signal = number
        self._restore()

    def _restore(self) -> None:
        while self._before:
            number, handler = self._before.popitem()
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


class StopAtOnce(StopRequest):
    """While the block runs, SIGINT and SIGTERM raise `Interrupted` wherever it is.

    For work whose files are complete at any moment. A shell's background process ignores SIGINT;
    here it does not, as in training.
    """

    def _note(self, number: int, _: FrameType | None) -> NoReturn:
        self._restore()
        raise Interrupted(number)
