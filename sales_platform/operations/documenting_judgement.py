"""Which rows a feed refuses, under which reason, in the words of its contract. It judges nothing itself."""

from __future__ import annotations

from collections.abc import Iterator

from sales_platform.contracts.columns import Column
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.contracts.source import SourceColumn, TableFeed

# column, when a row is refused, reason
Refusal = tuple[str, str, str]


def refusals(feed: FileFeedContract | TableFeed) -> list[Refusal]:
    """In the order in which they are judged: the first that holds names the row's reason."""
    of_columns = [fault for name, column in feed.columns.items() for fault in _of_column(feed, name, column)]
    of_rows = [("", f"not `{rule.check}`", rule.reason) for rule in feed.rules if not rule.only_warns]
    if isinstance(feed, FileFeedContract) and feed.event_time:
        late = f"more than {feed.future_tolerance} after the load"
        of_rows.append((feed.event_time, late, "FUTURE_TIMESTAMP"))
    return [*of_columns, *of_rows]


def inferred(feed: FileFeedContract | TableFeed) -> list[tuple[str, str]]:
    """Columns whose unknown parents become members of their own: (column, the parent's table)."""
    return [
        (name, column.reference.table)
        for name, column in feed.columns.items()
        if isinstance(column, Column) and column.reference and column.reference.missing == "infer"
    ]


def _of_column(
    feed: FileFeedContract | TableFeed, name: str, column: Column | SourceColumn
) -> Iterator[Refusal]:
    reason = column.reject_as
    if isinstance(column, Column) and column.kind.name != "text":
        yield name, f"cannot be read as `{column.type}`", reason or f"INVALID_{name.upper()}"
    if _is_required(feed, name):
        yield name, "missing", reason or _missing(feed, name)
    if column.accepted:
        listed = ", ".join(f"`{word}`" for word in column.accepted)
        yield name, f"none of {listed}", reason or f"UNKNOWN_{name.upper()}"
    if column.pattern:
        yield name, f"not like `{column.pattern}`", reason or f"INVALID_{name.upper()}"
    if column.check:
        yield name, f"not `{column.check}`", reason or f"INVALID_{name.upper()}"
    if isinstance(column, Column) and column.reference and column.reference.missing != "infer":
        waits = ", and waits for it" if column.reference.missing == "hold" else ""
        place = f"`{column.reference.table}.{column.reference.column}`"
        yield name, f"not in {place}{waits}", reason or "MISSING_PARENT"


def _is_required(feed: FileFeedContract | TableFeed, name: str) -> bool:
    """Of a live source's table the source itself holds its key."""
    if isinstance(feed, FileFeedContract):
        return name in feed.required_columns
    return feed.columns[name].required


def _missing(feed: FileFeedContract | TableFeed, name: str) -> str:
    if isinstance(feed, FileFeedContract):
        if name in feed.key:
            return "NULL_KEY"
        if name == feed.event_time:
            return "NULL_TS"
    return f"MISSING_{name.upper()}"
