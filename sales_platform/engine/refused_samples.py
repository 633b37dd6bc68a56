"""A few of the rows for which a load is refused, as people may see them. Whether it is refused is not decided here."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from psycopg import sql

from sales_platform.contracts.feed import FileFeedContract
from sales_platform.contracts.personal import shown
from sales_platform.engine.landing import raw_name
from sales_platform.engine.warehouse import Connection

SAMPLES = 5

Sample = dict[str, str | int | None]


def refused_samples(connection: Connection, feed: FileFeedContract, load_ids: Sequence[int]) -> list[Sample]:
    """The first rejected rows of `judged`: where each stands, why, and as received its key and what is at fault; what
    the contract calls personal is masked.
    """
    rows = connection.execute(
        sql.SQL(
            """
            select j._partition, j._source_row, j._reasons, to_jsonb(r)
            from judged as j
            inner join {} as r on r._load_id = j._load_id and r._source_row = j._source_row
            where j._load_id = any(%s) and j._reasons is not null
            order by j._source_row limit %s
            """
        ).format(raw_name(feed).sql),
        [list(load_ids), SAMPLES],
    ).fetchall()
    names = _at_fault(feed, {reason for row in rows for reason in row[2]})
    return [
        {
            "partition": partition,
            "line": line,
            "reasons": ", ".join(reasons),
            **{name: _as_shown(feed, name, record.get(name)) for name in names},
        }
        for partition, line, reasons, record in rows
    ]


def _at_fault(feed: FileFeedContract, reasons: Collection[str]) -> list[str]:
    """The key, and every column that one of the reasons speaks of, in the order of the contract."""
    in_rules = {
        word for rule in feed.rules if rule.reason in reasons for word in re.findall(r"\w+", rule.check)
    }
    own = {
        f"{what}_{name.upper()}": name for name in feed.columns for what in ("MISSING", "UNKNOWN", "INVALID")
    }
    told = {name for reason, name in own.items() if reason in reasons} | in_rules
    told |= {name for name, column in feed.columns.items() if column.reject_as in reasons}
    if "NULL_TS" in reasons and feed.time_column:
        told.add(feed.time_column)
    return [name for name in feed.columns if name in told or name in feed.key]


def _as_shown(feed: FileFeedContract, name: str, value: str | None) -> str | None:
    masked = shown(value, personal=bool(feed.columns[name].pii))
    return None if masked is None else str(masked)
