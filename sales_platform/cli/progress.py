"""How a run looks while it goes on: live lines on a terminal, plain lines elsewhere."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress as Bars
from rich.progress import SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from sales_platform.logs import ConsoleHandler

if TYPE_CHECKING:
    from sales_platform.operations.file_planning import FilePlan
    from sales_platform.operations.progress import Progress
    from sales_platform.operations.surveying import Survey

NAMED_PATHS = 3


def progress_on(console: Console) -> Progress:
    """The progress that fits where the output goes."""
    return LiveProgress(console) if console.is_terminal else PlainProgress(console)


class PlainProgress:
    """One line per step that has ended."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began: dict[str, float] = {}

    def planned(self, domain: str, survey: Survey) -> None:
        print_plan(self._console, domain, survey)

    def files_planned(self, plan: FilePlan) -> None:
        print_files(self._console, plan)

    def run_started(self, title: str, assets: Sequence[str]) -> None:
        self._console.print(f"[bold]{title}[/bold]: {len(assets)} assets")

    def step_started(self, step: str) -> None:
        self._began[step] = time.monotonic()

    def step_ended(self, step: str, *, failed: bool) -> None:
        seconds = time.monotonic() - self._began.pop(step, time.monotonic())
        mark = "[red]✗[/red]" if failed else "[green]✓[/green]"
        self._console.print(f"  {mark} {step:<60} {seconds:>7.2f} s")

    def run_ended(self) -> None: ...


class LiveProgress:
    """A spinner and a running clock for what is under way; what has ended stays as a line."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars: Bars | None = None
        self._tasks: dict[str, TaskID] = {}

    def planned(self, domain: str, survey: Survey) -> None:
        print_plan(self._console, domain, survey)

    def files_planned(self, plan: FilePlan) -> None:
        print_files(self._console, plan)

    def run_started(self, title: str, assets: Sequence[str]) -> None:
        self._console.print(f"[bold]{title}[/bold]: {len(assets)} assets")
        self._bars = Bars(
            TextColumn(" "),
            SpinnerColumn(finished_text=""),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=self._console,
        )
        self._bars.start()
        _quieten(logging.WARNING)

    def step_started(self, step: str) -> None:
        if self._bars:
            self._tasks[step] = self._bars.add_task(f"{step:<60}", total=1)

    def step_ended(self, step: str, *, failed: bool) -> None:
        task = self._tasks.pop(step, None)
        if self._bars and task is not None:
            mark = "[red]✗[/red]" if failed else "[green]✓[/green]"
            self._bars.update(task, completed=1, description=f"{mark} {step:<60}")

    def run_ended(self) -> None:
        if self._bars:
            self._bars.stop()
        self._tasks.clear()
        _quieten(None)


def _quieten(level: int | None) -> None:
    """Keep log lines below `level` out of the live display; None lets the console speak again."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, ConsoleHandler):
            handler.filters.clear()
            if level is not None:
                handler.addFilter(lambda record: record.levelno >= level)


def print_plan(console: Console, domain: str, survey: Survey) -> None:
    """How many days a domain owes and why, and which files are missing."""
    plan = survey.plan
    reasons = Counter(why.value for why in plan.todo.values())
    if reasons:
        told = ", ".join(f"{count} {why}" for why, count in reasons.items())
        console.print(f"[bold]{domain}[/bold]: {len(plan.todo)} days to do ({told}), {plan.standing} stand")
    elif not survey.undated:
        stand = f", {plan.standing} days stand" if plan.standing else ""
        console.print(f"[bold]{domain}[/bold]: nothing to do{stand}")
    if survey.missing_paths:
        print_missing(console, survey.missing_paths)


def print_files(console: Console, plan: FilePlan) -> None:
    """How many files a feed owes and why, which came late, and which are gone."""
    if not (plan.todo or plan.standing or plan.gone):
        console.print(f"[bold]{plan.feed}[/bold]: no file is there yet, so its tables wait")
        return
    reasons = Counter(why.value for why in plan.todo.values())
    told = ", ".join(f"{count} {why}" for why, count in reasons.items())
    todo = f"{len(plan.todo)} files to do ({told})" if reasons else "no file to do"
    console.print(f"[bold]{plan.feed}[/bold]: {todo}, {plan.standing} stand")
    if plan.late:
        console.print(f"[yellow]sorts before a file that was loaded earlier:[/yellow] {', '.join(plan.late)}")
    if plan.gone:
        console.print(f"[yellow]loaded, but no longer there:[/yellow] {', '.join(plan.gone)}; its rows stand")


def print_missing(console: Console, paths: Sequence[str]) -> None:
    """Name files that are not there; all of a short list, else the first ones and how many more."""
    shown = paths if len(paths) <= NAMED_PATHS + 1 else paths[:NAMED_PATHS]
    more = len(paths) - len(shown)
    console.print(
        f"[yellow]left out, because there is no file:[/yellow] {', '.join(shown)}"
        + (f" and {more} more" if more else "")
    )
