"""A progress bar on stderr, for work over half a second and where somebody looks."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

PATIENCE_SECONDS = 0.5


@contextmanager
def bar(title: str, *, quiet: bool = False) -> Iterator[Callable[[int, int], None]]:
    """Give a function to call with bytes done and bytes to do; the bar goes when the block ends."""
    shown = Bar(title) if not quiet and sys.stderr.isatty() else None
    try:
        yield shown.advance if shown else _ignore
    finally:
        if shown:
            shown.close()


def _ignore(_done: int, _total: int) -> None:
    pass


class Bar:
    """A bar that appears when the work has taken half a second."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._began = time.monotonic()
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def advance(self, done: int, total: int) -> None:
        """Show that so many bytes are done."""
        if self._progress is None and time.monotonic() - self._began > PATIENCE_SECONDS:
            self._start(total)
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, completed=done)

    def _start(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task(self._title, total=total)
        self._progress.start()

    def close(self) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.stop()
