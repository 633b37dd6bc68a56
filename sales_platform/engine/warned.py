"""Rows that a rule only warns of: they were taken in, and are counted. Refuses nothing and writes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from psycopg import sql

from sales_platform.contracts.columns import Rule
from sales_platform.engine.casting import verbatim
from sales_platform.engine.warehouse import Connection

_ALL = sql.SQL("true")


def count_warned(
    connection: Connection, rules: Sequence[Rule], judged: str, some: sql.Composable = _ALL
) -> dict[int, dict[str, int]]:
    """Load → reason → rows of a temporary table of judged rows that no rule refused and that this one doubts (Q-19).

    some: which rows of the table count.
    """
    warning = [rule for rule in rules if rule.only_warns]
    if not warning:
        return {}
    counts = [
        sql.SQL("count(*) filter (where ({}) is not true)").format(verbatim(rule.check)) for rule in warning
    ]
    rows = connection.execute(
        sql.SQL("select _load_id, {} from {} where _reasons is null and {} group by _load_id").format(
            sql.SQL(", ").join(counts), sql.Identifier("pg_temp", judged), some
        )
    )
    return {
        load_id: {rule.reason: n for rule, n in zip(warning, found, strict=True) if n}
        for load_id, *found in rows
    }


def warning_notes(warned: Mapping[str, int]) -> tuple[str, ...]:
    """What the record of a load says of them."""
    if not warned:
        return ()
    told = ", ".join(f"{reason} {rows:,}" for reason, rows in warned.items())
    return (f"rows taken in with a warning: {told}",)
