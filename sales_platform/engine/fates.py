"""Counting what became of the rows of a load, from the temporary tables of its transaction."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from psycopg import sql

from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine.judging import JudgedRows
from sales_platform.engine.quarantine import business_key, refuse_conflicts
from sales_platform.engine.warehouse import Connection
from sales_platform.errors import DataRefused


@dataclass
class Fates:
    """Rows of one load by fate; rejected counts what a rule or a conflict refused, not what the reader did."""

    loaded: int = 0
    unchanged: int = 0
    duplicate: int = 0
    superseded: int = 0
    rejected: int = 0

    @property
    def total(self) -> int:
        return self.loaded + self.unchanged + self.duplicate + self.superseded + self.rejected


@dataclass
class Outcome:
    """Fates, rejections (first reason → rows) and warnings by load, and the partitions of staging that changed."""

    fates: dict[int, Fates] = field(default_factory=lambda: defaultdict(Fates))
    reasons: dict[int, dict[str, int]] = field(default_factory=dict)
    warned: dict[int, dict[str, int]] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)
    changed: bool = False

    def add(self, load_id: int, fate: str, count: int) -> None:
        name = "rejected" if fate == "conflict" else fate
        fates = self.fates[load_id]
        setattr(fates, name, getattr(fates, name) + count)

    def count_refused(self, judged: JudgedRows) -> None:
        for load_id, (_, refused) in judged.of_load.items():
            self.add(load_id, "rejected", refused)

    def fold(self, load_id: int, into: int) -> None:
        """Report the rows of a load with those of another."""
        for name, count in vars(self.fates.pop(load_id, Fates())).items():
            self.add(into, name, count)
        target = self.reasons.setdefault(into, {}) if load_id in self.reasons else {}
        for reason, count in self.reasons.pop(load_id, {}).items():
            target[reason] = target.get(reason, 0) + count


def settle_losers(
    connection: Connection, feed: FileFeedContract, source: str, outcome: Outcome | None
) -> None:
    """Count the losers in a temporary relation with `_fate`, and write down those whose loss a person should
    see.

    Raises DataRefused where the contract says that conflicting copies refuse the batch (S-22, strict).
    """
    relation = sql.Identifier("pg_temp", source)
    lost = connection.execute(
        sql.SQL("select _load_id, _fate, count(*) from {} where _fate <> 'winner' group by 1, 2").format(
            relation
        )
    ).fetchall()
    if feed.on_duplicate == "refuse" and any(fate == "superseded" for _, fate, _ in lost):
        raise DataRefused(
            "rows of one key contradict each other, and the contract says `on_duplicate: refuse`.",
            where=f"staging.{feed.name}",
            remedy="Mend the file, or let the contract say latest, first or reject.",
        )
    for load_id, fate, count in lost:
        if outcome is not None:
            outcome.add(load_id, fate, count)
    for fate, reason, resolution in _recorded(feed):
        if any(found == fate for _, found, _ in lost):
            _note(connection, feed, relation, fate, reason, resolution)


def _recorded(feed: FileFeedContract) -> list[tuple[str, str, str | None]]:
    recorded: list[tuple[str, str, str | None]] = [("conflict", "DUPLICATE_KEY", None)]
    if feed.event_time:
        recorded.append(("superseded", "AMBIGUOUS_TIME", "superseded"))
    return recorded


def _note(
    connection: Connection,
    feed: FileFeedContract,
    relation: sql.Composable,
    fate: str,
    reason: str,
    resolution: str | None,
) -> None:
    connection.execute("drop table if exists pg_temp.conflicts")
    connection.execute(
        sql.SQL(
            "create temporary table conflicts on commit drop as"
            " select _load_id, _partition, _source_row, {} as business_key from {} as l where _fate = {}"
        ).format(business_key(feed, "l"), relation, sql.Literal(fate))
    )
    refuse_conflicts(connection, feed, reason, resolution)
