"""Snapshots into staging: each row there is how a key's line differs from what was known of it at that time.

Reads the temporary tables `judged` and `best`, writes `staging.<feed>` and the keys in `changed_now`. Staging is a
function of the snapshots, never of the order in which they landed: one that lands between two others is compared
with the state before it, and the keys that it changes (`unsettled`) are compared anew in the snapshots after it,
until each has been spoken of once. So neither a note per unchanged key nor a state pinned before late news is needed.
"""

from __future__ import annotations

from decimal import Decimal

from psycopg import sql

from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine.delete_guard import too_many_vanish
from sales_platform.engine.fates import Outcome, settle_losers
from sales_platform.engine.judging import JudgedRows
from sales_platform.engine.ranking import choose_within_partitions, forget_choice
from sales_platform.engine.snapshots import Snapshot
from sales_platform.engine.staging import (
    ABSENT,
    ensure_staging_table,
    finish_staging_table,
    joined,
    same,
    same_as_told,
    staged_columns,
    staging_name,
)
from sales_platform.engine.tables import identifiers, refresh_statistics
from sales_platform.engine.warehouse import Connection
from sales_platform.errors import SnapshotRefused


def publish_snapshot(
    connection: Connection,
    feed: FileFeedContract,
    snapshot: Snapshot,
    judged: JudgedRows,
    closing_limit: Decimal | None,
) -> Outcome:
    """Take over the snapshot that `judged` holds; `unsettled` then has the keys that it changed.

    closing_limit: share of the live keys beyond which it is refused (S-33); None closes any number. Raises
    SnapshotRefused before anything is written.
    """
    outcome = Outcome()
    fresh = ensure_staging_table(connection, feed)
    outcome.count_refused(judged)
    choose_within_partitions(connection, feed, judged)
    settle_losers(connection, feed, "losers", outcome)
    some_refused = any(fates.rejected for fates in outcome.fates.values())
    step = _Step(connection, feed, snapshot, some_refused=some_refused)
    step.compare(closing_limit)
    outcome.changed = step.write()
    written = step.count_written()
    for load_id, (rows, _) in judged.of_load.items():
        outcome.add(load_id, "loaded", written.get(load_id, 0))
        outcome.add(load_id, "unchanged", rows - outcome.fates[load_id].total)
    if outcome.changed:
        outcome.touched.add(snapshot.partition)
    step.note_unsettled()
    step.forget()
    forget_choice(connection)
    if fresh:
        finish_staging_table(connection, feed)
    return outcome


def settle_snapshot(
    connection: Connection,
    feed: FileFeedContract,
    snapshot: Snapshot,
    judged: JudgedRows,
    closing_limit: Decimal | None,
) -> bool:
    """Compare the `unsettled` keys anew in a later snapshot, which `judged` holds. Returns whether rows changed.

    Its fates and rejections stay as they were when it landed. Raises SnapshotRefused as `publish_snapshot` does.
    """
    choose_within_partitions(connection, feed, judged)
    step = _Step(connection, feed, snapshot, some_refused=True, only_unsettled=True)
    step.compare(closing_limit)
    changed = step.write()
    step.settle()
    step.forget()
    forget_choice(connection)
    return changed


def any_unsettled(connection: Connection) -> bool:
    row = connection.execute("select exists (select from pg_temp.unsettled)").fetchone()
    return bool(row and row[0])


class _Step:
    """One snapshot against the state before it."""

    def __init__(
        self,
        connection: Connection,
        feed: FileFeedContract,
        snapshot: Snapshot,
        *,
        some_refused: bool,
        only_unsettled: bool = False,
    ) -> None:
        """some_refused: False where every row of `judged` is known to be clean, which saves looking for others."""
        self._connection = connection
        self._feed = feed
        self._snapshot = snapshot
        self._speaks_of_absent = (
            feed.is_complete and snapshot.complete and not (some_refused and self._lacks_keys())
        )
        chosen = "({}) in (select * from pg_temp.unsettled)" if only_unsettled else "true"
        columns = staged_columns(feed)
        self._words: dict[str, sql.Composable] = {
            "table": staging_name(feed).sql,
            "at": sql.Literal(snapshot.at),
            "key": identifiers(feed.key),
            "s_key": identifiers(feed.key, "s"),
            "latest_first": sql.SQL(", ").join(
                sql.SQL("{} desc").format(sql.Identifier(k)) for k in feed.key
            ),
            "some": sql.SQL(chosen).format(identifiers(feed.key)),
            "some_s": sql.SQL(chosen).format(identifiers(feed.key, "s")),
            "columns": identifiers(columns),
            "refused": sql.SQL(_REFUSED if some_refused else "").format(columns=identifiers(columns)),
            "desired": sql.SQL(", ").join(map(self._desired, columns)),
            "speaks_of_absent": sql.Literal(self._speaks_of_absent),
            "b_s": joined(feed.key, "b", "s"),
            "j_s": joined(feed.key, "j", "s"),
            "d_s": joined(feed.key, "d", "s"),
            "u_b": joined(feed.key, "u", "b"),
            "u_s": joined(feed.key, "u", "s"),
            "equal": self._equal(),
            "identical": same(staged_columns(feed), "d", "s"),
            "live": sql.SQL("s._deleted is not true" if feed.marks_deletes else "true"),
            "in_scope": self._in_scope(),
            "from_line": sql.Literal(ABSENT),
        }

    def compare(self, closing_limit: Decimal | None) -> None:
        """`desired`: the rows that staging has to hold at this time."""
        self.forget()
        refresh_statistics(self._connection, staging_name(self._feed))
        self._run(_KNOWN_BEFORE)
        self._run(_DESIRED)
        if self._speaks_of_absent and closing_limit is not None:
            self._guard(closing_limit)

    def write(self) -> bool:
        """Bring staging to what is desired; `moved` has the keys whose row at this time is another now."""
        self._run(_START_MOVED)
        changed = self._run(_WITHDRAW) + self._run(_INSERT) > 0
        self._run(
            "create temporary table if not exists changed_now on commit drop as select {key} from moved limit 0"
        )
        self._run("insert into changed_now select distinct {key} from moved")
        return changed

    def count_written(self) -> dict[int, int]:
        """Load → how many of its rows were written."""
        return dict(
            self._connection.execute(
                "select _load_id, count(*) from moved where _source_row > %s group by _load_id", [ABSENT]
            ).fetchall()
        )

    def note_unsettled(self) -> None:
        self._run("drop table if exists pg_temp.unsettled")
        self._run("create temporary table unsettled on commit drop as select distinct {key} from moved")

    def settle(self) -> None:
        """Take out of `unsettled` what this snapshot has spoken of: from here on nothing before it matters."""
        self._run("delete from pg_temp.unsettled as u using best as b where {u_b}")
        if self._speaks_of_absent:
            self._run(_SETTLE_ABSENT)

    def forget(self) -> None:
        self._run("drop view if exists pg_temp.known_before")
        self._run("drop table if exists pg_temp.desired, pg_temp.moved")

    def _run(self, statement: str) -> int:
        return self._connection.execute(sql.SQL(statement).format(**self._words)).rowcount

    def _lacks_keys(self) -> bool:
        """A refused line without a readable key may be any key's: then none can be said to be absent (S-37)."""
        null_key = sql.SQL(" or ").join(
            sql.SQL("{} is null").format(sql.Identifier(name)) for name in self._feed.key
        )
        row = self._connection.execute(
            sql.SQL("select exists (select from judged where {})").format(null_key)
        ).fetchone()
        return bool(row and row[0])

    def _desired(self, column: str) -> sql.Composed:
        """What the snapshot says, `b`; where it says nothing of a key, that its row `s` has gone."""
        return sql.SQL("case when b._load_id is null then {} else {} end as {}").format(
            self._absent(column), sql.Identifier("b", column), sql.Identifier(column)
        )

    def _absent(self, column: str) -> sql.Composable:
        """A key that vanished keeps its last line, so that what ended can be read (S-31)."""
        values: dict[str, object] = {
            "_snapshot_at": self._snapshot.at,
            "_deleted": True,
            "_load_id": self._snapshot.load_id,
            "_partition": self._snapshot.partition,
            "_source_row": ABSENT,
        }
        if column == self._feed.snapshot_at:
            kind = self._feed.columns[column].kind
            local = " at time zone ops.business_zone()" if kind.name == "date" else ""
            return sql.SQL("({}::timestamptz{})::{}").format(
                sql.Literal(self._snapshot.at), sql.SQL(local), sql.SQL(kind.sql)
            )
        return sql.Literal(values[column]) if column in values else sql.Identifier("s", column)

    def _equal(self) -> sql.Composable:
        equal = same_as_told(self._feed, "b", "s")
        if not self._feed.marks_deletes:
            return equal
        return sql.SQL("case when b._deleted and s._deleted then true else {} end").format(equal)

    def _in_scope(self) -> sql.Composable:
        """Whether the snapshot speaks of the part to which the key belonged (S-35)."""
        if self._feed.scope is None:
            return sql.SQL("true")
        return sql.SQL(
            # not `in`: a part may be NULL
            "array_position((select array_agg(distinct {c}) from judged where _reasons is null), s.{c}) is not null"
        ).format(c=sql.Identifier(self._feed.scope))

    def _guard(self, closing_limit: Decimal) -> None:
        row = self._connection.execute(sql.SQL(_COUNT_VANISHED).format(**self._words)).fetchone()
        vanished = row[0] if row else 0
        if not vanished:
            return
        row = self._connection.execute(sql.SQL(_COUNT_STANDING).format(**self._words)).fetchone()
        standing, arrived = row or (0, 0)
        if too_many_vanish(vanished, standing, arrived, closing_limit):
            raise SnapshotRefused(
                f"this complete snapshot lacks {vanished} of {standing} live keys, more than the {closing_limit:.0%}"
                " that may be closed at once (S-33).",
                where=f"{self._feed.name}, {self._snapshot.at.isoformat()}",
                remedy=f"If they were meant to go: `sales-platform run {self._feed.domain} --allow-deletes`.",
            )


# In the order of the primary key, read backwards, so that nothing has to be sorted.
_KNOWN_BEFORE = """
create temporary view known_before as
select distinct on ({key}) * from {table} where _snapshot_at < {at} order by {latest_first}, _snapshot_at desc
"""

_REFUSED = """union all select {columns}, true from judged where _reasons is not null
    union all select {columns}, true from losers"""

# One join says both what differs and what is absent; a key whose row was refused is neither.
_DESIRED = """
create temporary table desired on commit drop as
select {desired}
from (
    select {columns}, false as _refused from best where {some}
    {refused}
) as b
full join (select * from known_before where {some}) as s on {b_s}
where case
    when b._load_id is null then {speaks_of_absent} and {live} and {in_scope}
    when b._refused then false
    else s._load_id is null or not ({equal})
end
"""

_COUNT_VANISHED = """
select count(*) from desired as d
where d._source_row = {from_line} and not exists (
    select from {table} as s where {d_s} and s._snapshot_at = {at} and s._deleted
)
"""

_COUNT_STANDING = """
select
    (select count(*) from known_before as s where {live} and {in_scope}),
    (select count(*) from judged)
"""

_START_MOVED = """
create temporary table moved on commit drop as select {key}, _load_id, _source_row from desired limit 0
"""

_WITHDRAW = """
with gone as (
    delete from {table} as s
    where s._snapshot_at = {at} and {some_s} and not exists (select from desired as d where {d_s} and {identical})
    returning {s_key}
)
insert into moved ({key}) select * from gone
"""

_INSERT = """
with born as (
    insert into {table} ({columns})
    select {columns} from desired as d
    where not exists (select from {table} as s where {d_s} and s._snapshot_at = {at})
    returning {key}, _load_id, _source_row
)
insert into moved select * from born
"""

_SETTLE_ABSENT = """
delete from pg_temp.unsettled as u using known_before as s
where {u_s} and {in_scope} and not exists (select from judged as j where {j_s})
"""
