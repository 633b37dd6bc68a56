"""Publishing judged partitions into staging: their rows are replaced whole, and a key stands once over all
partitions.

Reads the temporary tables `judged` and `best`. A row that loses to another partition waits in
`quality.<feed>_superseded` and stands again when the other one goes, so that the table depends on what raw
holds and not on the order of loading.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql

from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine.fates import Outcome, settle_losers
from sales_platform.engine.judging import JudgedRows
from sales_platform.engine.quarantine import resolve_risen
from sales_platform.engine.ranking import (
    choose_within_partitions,
    forget_choice,
    rank_across_partitions,
    see_every_clean_row,
)
from sales_platform.engine.staging import (
    ensure_staging_table,
    ensure_superseded_table,
    finish_staging_table,
    joined,
    same,
    staged_columns,
    staging_name,
    superseded_name,
    value_columns,
)
from sales_platform.engine.tables import identifiers
from sales_platform.engine.versions import forget_consumers, is_read_whole
from sales_platform.engine.warehouse import Connection


def publish_partitions(
    connection: Connection, feed: FileFeedContract, partitions: Sequence[str], judged: JudgedRows
) -> Outcome:
    """Replace the rows of `partitions` by the clean rows of `judged`."""
    step = _Publication(connection, feed, partitions, judged)
    outcome = step.run()
    forget_choice(connection)
    connection.execute("drop table if exists pg_temp.contested")
    return outcome


class _Publication:
    def __init__(
        self,
        connection: Connection,
        feed: FileFeedContract,
        partitions: Sequence[str],
        judged: JudgedRows,
    ) -> None:
        self.connection = connection
        self.feed = feed
        self.judged = judged
        self.outcome = Outcome()
        self.outcome.count_refused(judged)
        self.fresh = ensure_staging_table(connection, feed)
        # Whether every clean row of a first load stands already, those of repeated keys several times.
        self.filled = False
        ensure_superseded_table(connection, feed)
        self.words: dict[str, sql.Composable] = {
            "staging": staging_name(feed).sql,
            "superseded": superseded_name(feed).sql,
            "columns": identifiers(staged_columns(feed)),
            "key": identifiers(feed.staging_key),
            "partitions": sql.Literal(list(partitions)),
        }

    def run(self) -> Outcome:
        if self.fresh:
            forget_consumers(self.connection, str(staging_name(self.feed)))
        if self.fresh and self._insert_distinct():
            self.outcome.changed = bool(self.outcome.touched)
            return self.outcome
        repeated = choose_within_partitions(self.connection, self.feed, self.judged)
        settle_losers(self.connection, self.feed, "losers", self.outcome)
        contested = self._find_contested(repeated)
        if contested:
            self._rank_contested()
        self._count_winners(contested, {} if self.fresh else self._rows_before())
        if not self.fresh and is_read_whole(self.connection, str(staging_name(self.feed))):
            self._note_keys()
        self._replace(contested)
        if self.fresh:
            finish_staging_table(self.connection, self.feed)
        self.outcome.changed = bool(self.outcome.touched)
        return self.outcome

    def _insert_distinct(self) -> bool:
        """A first load nearly always has one row per key: the primary key says so more cheaply than a look before.

        False, and the table without its key, where a key repeats: only the rows of such keys are to be replaced then.
        """
        see_every_clean_row(self.connection, self.feed)
        self._run("insert into {staging} ({columns}) select {columns} from best")
        self.filled = True
        try:
            with self.connection.transaction():
                finish_staging_table(self.connection, self.feed)
        except psycopg.errors.UniqueViolation:
            return False
        self._count_winners(contested=False, before={})
        return True

    def _run(self, statement: str, **more: sql.Composable) -> int:
        composed = sql.SQL(statement).format(**self.words, **more)
        return self.connection.execute(composed).rowcount

    def _find_contested(self, repeated: bool) -> bool:
        """Keys that another partition has too, in this run or standing."""
        found = 0
        self._run("create temporary table contested on commit drop as select {key} from best limit 0")
        if repeated:
            found += self._run(
                """insert into contested select {key} from ranked_judged where _fate = 'winner'
                group by {key} having count(*) > 1"""
            )
        if not self.fresh:
            found += self._run(
                """insert into contested select {s_key} from best as b inner join {staging} as s on {match}
                where s._partition <> all({partitions})""",
                s_key=identifiers(self.feed.staging_key, "s"),
                match=joined(self.feed.staging_key, "b", "s"),
            )
        found += self._find_waiting()
        return found > 0

    def _find_waiting(self) -> int:
        """Keys with a row that lost before: the run brings them a rival, or takes one away."""
        some = self.connection.execute(
            sql.SQL("select exists (select from {})").format(self.words["superseded"])
        )
        if not (row := some.fetchone()) or not row[0]:
            return 0
        return self._run(
            """insert into contested select distinct {u_key} from {superseded} as u
            where u._partition <> all({partitions}) and (
                exists (select from best as b where {in_best})
                or exists (select from {staging} as s where {in_staging} and s._partition = any({partitions}))
            )""",
            u_key=identifiers(self.feed.staging_key, "u"),
            in_best=joined(self.feed.staging_key, "u", "b"),
            in_staging=joined(self.feed.staging_key, "u", "s"),
        )

    def _rank_contested(self) -> None:
        self._run(
            """create temporary table candidates on commit drop as
            select {columns}, 'new' as _origin from best where ({key}) in (select * from contested)
            union all
            select {columns}, 'standing' from {staging}
            where _partition <> all({partitions}) and ({key}) in (select * from contested)
            union all
            select {columns}, 'waiting' from {superseded}
            where _partition <> all({partitions}) and ({key}) in (select * from contested)"""
        )
        rank_across_partitions(self.connection, self.feed)
        self.connection.execute(
            "create temporary view fallen as"
            " select * from ranked_candidates where _origin = 'new' and _fate <> 'winner'"
        )
        settle_losers(self.connection, self.feed, "fallen", self.outcome)
        self.connection.execute(
            "create temporary view overtaken as"
            " select * from ranked_candidates where _origin = 'standing' and _fate <> 'winner'"
        )
        settle_losers(self.connection, self.feed, "overtaken", None)
        self.connection.execute("drop view pg_temp.fallen, pg_temp.overtaken")
        resolve_risen(self.connection, self.feed)
        moved = self.connection.execute(
            """
            select distinct _partition from ranked_candidates
            where (_origin = 'standing') <> (_fate = 'winner') and _origin <> 'new'
            """
        )
        self.outcome.touched.update(row[0] for row in moved)

    def _count_winners(self, contested: bool, before: dict[str, int]) -> None:
        """Loaded or unchanged, per load; and which of the partitions really change. before: rows that stood in them."""
        if self.fresh or not (before or contested):
            counts = "select _load_id, _partition, count(*), 0, 0 from ({}) as w group by 1, 2"
            winners = self.connection.execute(sql.SQL(counts).format(self._winners(contested)))
        else:
            winners = self._compare_winners(contested)
        for load_id, partition, rows, equal_rows, stayed in winners.fetchall():
            self.outcome.add(load_id, "unchanged", equal_rows)
            self.outcome.add(load_id, "loaded", rows - equal_rows)
            if not rows == stayed == before.pop(partition, 0):
                self.outcome.touched.add(partition)
        self.outcome.touched.update(before)

    def _rows_before(self) -> dict[str, int]:
        """Partition → rows that stand now, of the partitions that are replaced."""
        rows = self.connection.execute(
            sql.SQL(
                "select _partition, count(*) from {staging} where _partition = any({partitions}) group by 1"
            ).format(**self.words)
        )
        return {partition: count for partition, count in rows.fetchall()}

    def _compare_winners(self, contested: bool) -> psycopg.Cursor[Any]:
        """Per load and partition: rows, those that stood with equal values, and those that stood in this
        partition.
        """
        equal = sql.SQL("{} and {}").format(
            joined(self.feed.staging_key, "w", "s"), same(value_columns(self.feed), "w", "s")
        )
        statement = (
            "select w._load_id, w._partition, count(*), count(s._partition),"
            " count(*) filter (where s._partition = w._partition)"
            " from ({winners}) as w left join {staging} as s on {equal} group by 1, 2"
        )
        return self.connection.execute(
            sql.SQL(statement).format(**self.words, winners=self._winners(contested), equal=equal)
        )

    def _winners(self, contested: bool) -> sql.Composed:
        """SELECT of the rows of `judged` that will stand."""
        winners = "select {columns} from best"
        if contested:
            winners += """ where ({key}) not in (select * from contested) union all
            select {columns} from ranked_candidates where _origin = 'new' and _fate = 'winner'"""
        return sql.SQL(winners).format(**self.words)

    def _note_keys(self) -> None:
        """`changed_now`: every key of the partitions, before and after, and those that another one contests."""
        self.connection.execute("drop table if exists pg_temp.changed_now")
        key = identifiers(self.feed.key)
        self._run(
            """create temporary table changed_now on commit drop as
            select {one_key} from {staging} where _partition = any({partitions})
            union select {one_key} from best
            union select {one_key} from contested""",
            one_key=key,
        )

    def _replace(self, contested: bool) -> None:
        chosen = "select {columns} from best where true"
        if self.filled:
            self._run("delete from {staging} where ({key}) in (select * from repeated)")
            chosen = "select {columns} from ranked_judged where _fate = 'winner'"
        elif not self.fresh:
            self._run("delete from {staging} where _partition = any({partitions})")
        self._run("delete from {superseded} where _partition = any({partitions})")
        if not contested:
            self._run(f"insert into {{staging}} ({{columns}}) {chosen}")
            return
        self._run("delete from {staging} where ({key}) in (select * from contested)")
        self._run("delete from {superseded} where ({key}) in (select * from contested)")
        self._run(
            f"""insert into {{staging}} ({{columns}})
            {chosen} and ({{key}}) not in (select * from contested)
            union all
            select {{columns}} from ranked_candidates where _fate = 'winner'"""
        )
        self._run(
            """insert into {superseded} ({columns})
            select {columns} from ranked_candidates where _fate <> 'winner'"""
        )
