"""Progress bars in terminals and notebooks; none when nobody is watching."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tqdm import tqdm

from scene_recog.system import processes
from scene_recog.system.text import encodable


def progress_bar(iterable: Any = None, **options: Any) -> tqdm[Any]:
    """A tqdm bar on stderr; it draws nothing if stderr is neither a terminal nor a notebook.

    In a notebook, it is text on stdout: a widget would be empty when the notebook is opened again.
    A temporary bar (`leave=False`) is not drawn there, because it would leave a gap.

    Args:
        iterable: what to iterate over; None for a bar that is updated by hand.
        options: as for `tqdm.tqdm` (`desc`, `total`, `unit`, `leave`, ...).
    """
    in_notebook = _in_notebook()
    silent = not is_watched() or (in_notebook and not options.get("leave", True))
    if in_notebook:
        options = {"file": sys.stdout, "ncols": 100, "mininterval": 0.5, **options}
    else:
        options = {"dynamic_ncols": True, **options}
    return tqdm(iterable, disable=silent, **options)


@contextmanager
def clock(total: float, already: float, description: str) -> Iterator[Callable[[], float]]:
    """A bar of seconds that moves by itself while the block runs.

    Args:
        total: seconds that the block is expected to take; the bar stays there if it takes longer.
        already: seconds that were spent before.
        description: in front of the bar.

    Yields:
        A function without arguments: the seconds spent so far.
    """
    started, ended = time.monotonic() - already, threading.Event()

    def seconds() -> float:
        return time.monotonic() - started

    layout = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt} of {total_fmt} s"
    with progress_bar(total=round(total), desc=description, bar_format=layout) as bar:

        def tick() -> None:
            while not bar.disable:
                bar.n = min(bar.total, round(seconds()))
                bar.refresh()
                if ended.wait(1):
                    return

        ticking = threading.Thread(target=tick, daemon=True)
        ticking.start()
        try:
            yield seconds
        finally:
            ended.set()
            ticking.join()


def notice(text: str) -> None:
    """Print one line to stderr, above any progress bar; of several processes, only one prints.

    Characters that stderr cannot show are escaped.
    """
    if processes.rank() == 0:
        tqdm.write(encodable(text, getattr(sys.stderr, "encoding", None)), file=sys.stderr)


def is_watched() -> bool:
    """Whether a person sees stderr as it is written: in a terminal or a notebook.

    The environment variable TQDM_DISABLE=1 means that nobody does, as for tqdm itself.
    """
    if os.environ.get("TQDM_DISABLE", "") not in ("", "0") or processes.rank() > 0:
        return False
    return _in_notebook() or sys.stderr.isatty()


def _in_notebook() -> bool:
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return type(shell).__name__ in ("ZMQInteractiveShell", "Shell")  # Shell: Colab
