"""Progress bars in terminals and notebooks; silence where nobody watches."""

from __future__ import annotations

import sys
from typing import Any

from tqdm.auto import tqdm

from scene_recog.engine import distributed


def progress_bar(iterable: Any = None, **options: Any) -> tqdm[Any]:
    """A tqdm bar on stderr, or one that draws nothing when stderr is neither terminal nor notebook.

    Args:
        iterable: what to iterate over; None for a bar that is moved by hand.
        options: as for `tqdm.tqdm` (`desc`, `total`, `unit`, `leave`, ...).
    """
    return tqdm(iterable, disable=not is_watched(), dynamic_ncols=True, **options)


def notice(text: str) -> None:
    """Print one line to stderr, above any progress bar; of several processes, one speaks."""
    if distributed.rank() == 0:
        tqdm.write(text, file=sys.stderr)


def is_watched() -> bool:
    """Whether a person sees stderr as it is written: a terminal, or a notebook."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    in_notebook = type(shell).__name__ in ("ZMQInteractiveShell", "Shell")  # Shell: Colab
    return distributed.rank() == 0 and (in_notebook or sys.stderr.isatty())
