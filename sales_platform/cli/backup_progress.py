"""How a backup or a restore looks while it goes on: bars on a terminal, a line for each table elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TaskID, TextColumn, TransferSpeedColumn
from rich.progress import Progress as Bars

if TYPE_CHECKING:
    from sales_platform.backup.progress import Progress, Report

# Several tables are copied at once, as many as a backup has workers.
SHOWN = 2


@contextmanager
def bytes_on(console: Console) -> Iterator[Report]:
    """What hears of the bytes inside the block, as it fits where the output goes."""
    if not console.is_terminal:
        yield _Lines(console)
        return
    columns = (TextColumn("  {task.description}"), BarColumn(20), DownloadColumn(), TransferSpeedColumn())
    with Bars(*columns, console=console, transient=True) as bars:
        yield _Live(bars)


class _Lines:
    """One line when a table is copied or restored; the rest is told by the result."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._told: set[tuple[str, str]] = set()

    def __call__(self, progress: Progress) -> None:
        key = (progress.step, progress.table)
        if progress.step in {"copy", "restore"} and key not in self._told:
            self._told.add(key)
            self._console.print(f"  [dim]{progress.step}[/dim] {progress.table}", soft_wrap=True)


class _Live:
    """The tables that were heard of last; those that are done give way."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._tasks: dict[tuple[str, str], TaskID] = {}

    def __call__(self, progress: Progress) -> None:
        key = (progress.step, progress.table)
        task = self._tasks.pop(key, None)
        if task is None:
            if len(self._tasks) == SHOWN:
                self._bars.remove_task(self._tasks.pop(next(iter(self._tasks))))
            task = self._bars.add_task(f"{progress.step} {progress.table}"[:44], total=progress.total)
        # whoever was heard of last stands last
        self._tasks[key] = task
        self._bars.update(task, completed=progress.done)
