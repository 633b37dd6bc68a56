"""How figures look on a terminal: one style of table, fit for 100 columns. Not what they mean."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

WIDTH = 100
GOOD, BAD, FAIR = "[green]✓[/green]", "[red]✗[/red]", "[yellow]![/yellow]"


def console() -> Console:
    """Standard output; piped output is as wide as a terminal that people use."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=WIDTH)


def table(*columns: str, right: Sequence[str] = (), whole: Sequence[str] = ()) -> Table:
    """A table without frames. right: columns of figures. whole: columns that are never folded."""
    made = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for column in columns:
        if column in right:
            made.add_column(column, justify="right", no_wrap=True)
        else:
            made.add_column(column, overflow="fold", no_wrap=column in whole)
    return made


def number(value: int) -> str:
    """1234567 → 1,234,567; a nought is quiet."""
    return f"{value:,}" if value else "[dim]0[/dim]"


def print_json(told: DataclassInstance | Sequence[DataclassInstance]) -> None:
    """A dataclass as one JSON object, or several as an array, for programs."""
    plain = [asdict(item) for item in told] if isinstance(told, Sequence) else asdict(told)
    print(json.dumps(plain, indent=2, default=_plain))


def _plain(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
