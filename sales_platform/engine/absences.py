"""Which columns of the contract a load's file did not have at all. What follows from it for history lies elsewhere.

An empty field says that a value is missing; a file without the column says nothing of it (S-53 to S-55).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from psycopg import sql

from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine.landing import spellings
from sales_platform.engine.warehouse import Connection

ABSENT_COLUMNS = "_absent_columns"

# Columns of the contract → the loads whose files had none of them.
Absences = Mapping[tuple[str, ...], Sequence[int]]


def absences_of(connection: Connection, feed: FileFeedContract, load_ids: Sequence[int]) -> Absences:
    """For loads of a feed that keeps history. A correction of a row has the columns of the file that brought the row;
    of loads older than this record nothing is said.
    """
    rows = connection.execute(_HEADERS, [list(load_ids)]).fetchall() if feed.keeps_history else []
    found: dict[tuple[str, ...], list[int]] = {}
    for load_id, header in rows:
        absent = tuple(name for name in feed.columns if _is_absent(feed, name, header))
        if absent:
            found.setdefault(absent, []).append(load_id)
    return found


_HEADERS = """
select l.load_id, coalesce(l.columns, h.columns) as columns
from ops.load as l
left join lateral (
    select p.columns from ops.load as p
    where p.feed = l.feed and p.partition = l.partition and p.load_id < l.load_id
        and p.landed and not p.resubmission and l.resubmission
    order by p.load_id desc limit 1
) as h on true
where l.load_id = any(%s) and coalesce(l.columns, h.columns) is not null
"""


def _is_absent(feed: FileFeedContract, name: str, header: Sequence[str]) -> bool:
    """A default stands for what a file lacks, so nothing is absent where the contract has one."""
    return not feed.columns[name].default and not {*spellings(feed, name)} & {*header}


def absent_columns(absences: Absences) -> sql.Composable:
    """SQL for the absent columns of a judged row `t`; NULL where its file had all of them."""
    branches = [
        sql.SQL("when t._load_id = any({}) then {}::text[]").format(
            sql.Literal(list(load_ids)), sql.Literal(list(names))
        )
        for names, load_ids in absences.items()
    ]
    if not branches:
        return sql.SQL("null::text[]")
    return sql.SQL("case {} end").format(sql.SQL(" ").join(branches))
