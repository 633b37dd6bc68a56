"""Publishing a fact or mart: its SELECT, the dimension keys attached, written in one transaction that
replaces what changed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from sales_platform.contracts.catalog import Catalog, read_catalog
from sales_platform.contracts.table import SqlTableContract
from sales_platform.engine.auditing import Written, audit_figures, guards_told
from sales_platform.engine.calendar_days import CALENDAR, cover_days
from sales_platform.engine.changed_keys import forget_seen_keys, note_changed_keys
from sales_platform.engine.changed_rows import ChangedRows, find_changed_rows, index_lookups, note_columns
from sales_platform.engine.inferring import drop_unnamed_members, infer_members, point_at_inferred_members
from sales_platform.engine.locks import lock_tables
from sales_platform.engine.references import Reference, declare_references, references_of
from sales_platform.engine.reports import AuditReport, TableReport
from sales_platform.engine.resolving import resolution, resolution_match, resolved_columns
from sales_platform.engine.selects import filled_select, inputs_of, logic_hash
from sales_platform.engine.staging import joined
from sales_platform.engine.tables import (
    TableColumn,
    TableName,
    add_primary_key,
    columns_of,
    create_from_query,
    ensure_table,
    exists,
    identifiers,
    refresh_statistics,
)
from sales_platform.engine.versions import (
    consume_partitions,
    consume_tables,
    forget_consumers,
    publish_versions,
    stale_inputs,
    table_is_stale,
)
from sales_platform.engine.warehouse import Connection, Warehouse
from sales_platform.errors import ContractError


def publish_table(
    warehouse: Warehouse,
    table: SqlTableContract,
    *,
    partitions: Sequence[str] | None = None,
    catalog: Catalog | None = None,
) -> TableReport:
    """Publish the asked partitions and every stale one; without partitions, all that is stale or the whole
    table.

    Stale: an input changed since, or the partition was made by other SQL. catalog: where its dimensions and
    its SQL are found; the project's own unless given. Raises ContractError for a SELECT that does not fit its
    contract, and AuditFailed when what it wrote is wrong; nobody has seen it then (Q-17).
    """
    with warehouse.transaction() as connection:
        return publish_within(connection, table, partitions, catalog or read_catalog())


def stale_partitions(connection: Connection, table: SqlTableContract) -> list[str]:
    """Partitions that `publish_table` would recompute unasked; [''] for a stale table without partitions."""
    if table.load == "replace_partition":
        return stale_inputs(connection, table.name, inputs_of(table), logic_hash(table))
    return [""] if table_is_stale(connection, table.name, inputs_of(table), logic_hash(table)) else []


def publish_within(
    connection: Connection, table: SqlTableContract, partitions: Sequence[str] | None, catalog: Catalog
) -> TableReport:
    """The same, inside a transaction of the caller."""
    publication = _Publication(connection, table, catalog)
    # The inputs are locked too: what is noted as taken in must be what was read.
    lock_tables(
        connection, [table.name, *publication.inputs, *(r.dimension.name for r in publication.references)]
    )
    if table.load == "replace_partition":
        return publication.replace_partitions(partitions)
    if table.load == "merge" and partitions is None:
        return publication.merge()
    return publication.rebuild()


_CHANGED_NOW = sql.Identifier("pg_temp", "changed_now")


@dataclass(frozen=True)
class _Counts:
    inserted: int
    deleted: int
    inferred: int
    created: bool = False


class _Publication:
    def __init__(self, connection: Connection, table: SqlTableContract, catalog: Catalog) -> None:
        self.connection = connection
        self.table = table
        self.name = TableName.parse(table.table)
        self.root = catalog.root
        self.inputs = inputs_of(table, self.root)
        self.logic = logic_hash(table, self.root)
        self.started = time.monotonic()
        self.references = references_of(table, catalog.dimensions)

    def replace_partitions(self, asked: Sequence[str] | None) -> TableReport:
        stale = stale_inputs(self.connection, self.table.name, self.inputs, self.logic)
        chosen = sorted({*(asked or ()), *stale})
        self._select(chosen)
        with guards_told(self.connection, self.table):
            counts = self._write_partitions(chosen)
        audit = self._audit(Written(partitions=tuple(chosen)))
        consume_partitions(self.connection, self.table.name, self.inputs, chosen, self.logic)
        if counts.inserted or counts.deleted:
            publish_versions(self.connection, self.table.name, chosen)
        self._cover_days(sql.SQL("_partition = any({})").format(sql.Literal(chosen)), self.name)
        rows = self._rows_of(chosen, counts)
        also = tuple(p for p in chosen if asked is not None and p not in asked)
        return self._report({p: rows.get(p, 0) for p in chosen}, counts, audit, also)

    def _rows_of(self, partitions: list[str], counts: _Counts) -> dict[str, int]:
        if len(partitions) == 1:
            return {partitions[0]: counts.inserted}
        return dict(
            self.connection.execute(
                sql.SQL("select _partition, count(*) from {} where _partition = any({}) group by 1").format(
                    self.name.sql, sql.Literal(partitions)
                )
            ).fetchall()
        )

    def merge(self) -> TableReport:
        """Compute the rows whose key changed in an input, or everything where that cannot be told."""
        self._select(None)
        return self._differences(
            find_changed_rows(self.connection, self.table, self.inputs, self._columns(), self.logic)
        )

    def rebuild(self) -> TableReport:
        """Compute everything, write what differs."""
        self._select(None)
        return self._differences(None)

    def _differences(self, changed: ChangedRows | None) -> TableReport:
        with guards_told(self.connection, self.table):
            counts = self._write_differences(changed)
        audit = self._audit(Written(changed=None if counts.created else changed))
        if counts.created:
            publish_versions(self.connection, self.table.name)
            forget_consumers(self.connection, self.table.name)
        elif counts.inserted or counts.deleted:
            publish_versions(self.connection, self.table.name)
            note_changed_keys(self.connection, self.name, self._note(), _CHANGED_NOW)
        consume_tables(self.connection, self.table.name, self.inputs, self.logic)
        for name in self.inputs:
            forget_seen_keys(self.connection, TableName.parse(name))
        self._cover_days(
            sql.SQL("true"), self.name if counts.created else TableName("pg_temp", "changed_now")
        )
        row = self.connection.execute(sql.SQL("select count(*) from {}").format(self.name.sql)).fetchone()
        return self._report({"": int(row[0]) if row else 0}, counts, audit, ())

    def _audit(self, written: Written) -> AuditReport:
        return audit_figures(self.connection, self.table, self.inputs, written)

    def _select(self, partitions: list[str] | None) -> None:
        """`selected`: the rows of the SELECT. `incoming`: the same with dimension keys, 0 where none is known yet."""
        self._require_inputs()
        self._look_at(filled_select(self.table, partitions, self.root))

    def _look_at(self, select: sql.Composable) -> None:
        self.connection.execute("drop view if exists pg_temp.incoming, pg_temp.selected")
        self.connection.execute(sql.SQL("create temporary view selected as\n{}").format(select))
        rows = attached(self.references) if self.references else sql.SQL("select * from selected")
        self.connection.execute(sql.SQL("create temporary view incoming as\n{}").format(rows))

    def _require_inputs(self) -> None:
        for name in self.inputs:
            refresh_statistics(self.connection, TableName.parse(name))
            if not columns_of(self.connection, TableName.parse(name)):
                raise ContractError(
                    f"{name} does not exist yet.",
                    where=self.table.name,
                    remedy=f"Materialize {name.replace('.', '/')} first, or run the whole domain.",
                )

    def _declared(self) -> list[TableColumn]:
        """The columns of the table: names and types of the SELECT, what the contract says of them."""
        types = columns_of(self.connection, TableName(self._temporary_schema(), "incoming"))
        lacking = [column for column in self.table.grain if column not in types]
        if lacking:
            raise ContractError(
                f"the SELECT does not give {lacking[0]}, which is in the grain.", where=self.table.sql_path
            )
        never_null = {*self.table.grain, "_partition", *(c for r in self.references for c in r.added_columns)}
        described = self.table.columns
        return [
            TableColumn(
                name,
                kind,
                name in never_null,
                description=d.description if (d := described.get(name)) else None,
            )
            for name, kind in types.items()
        ]

    def _temporary_schema(self) -> str:
        row = self.connection.execute(
            "select nspname from pg_namespace where oid = pg_my_temp_schema()"
        ).fetchone()
        return str(row[0]) if row else "pg_temp"

    def _columns(self) -> tuple[str, ...]:
        return tuple(columns_of(self.connection, TableName(self._temporary_schema(), "incoming")))

    def _write_partitions(self, partitions: list[str]) -> _Counts:
        mine = sql.SQL("_partition = any({})").format(sql.Literal(partitions))
        if not exists(self.connection, self.name):
            return self._create(mine)
        ensure_table(self.connection, self.name, self._declared())
        self._remember_leavers(sql.SQL("d.{}").format(mine))
        deleted = self._delete(mine)
        # A row whose date was corrected has left a partition that this run may not know of (B-09).
        deleted += self._delete(
            sql.SQL("exists (select from selected as i where {})").format(joined(self.table.grain, "d", "i"))
        )
        inserted = self._insert(sql.SQL("true"))
        inferred = point_at_inferred_members(self.connection, self.references, mine)
        self._take_back_members()
        return _Counts(inserted, deleted, inferred)

    def _write_differences(self, changed: ChangedRows | None) -> _Counts:
        """Delete and insert where the table differs from the SELECT, among the changed rows or all."""
        on_table = changed.condition("d") if changed else sql.SQL("true")
        if changed:
            self._narrow(changed)
        rows = sql.SQL("selected")
        inferred = sum(infer_members(self.connection, reference, rows) for reference in self.references)
        if not exists(self.connection, self.name):
            return self._create(sql.SQL("true"))
        ensure_table(self.connection, self.name, self._declared())
        self._start_note()
        self._resolve_once()
        columns = self._columns()
        match = joined(self.table.grain, "d", "i")
        gone = sql.SQL(
            "{} and not exists (select from incoming as i where {} and ({}) is not distinct from ({})) and {}"
        ).format(on_table, match, identifiers(columns, "d"), identifiers(columns, "i"), self._kept_days())
        self._remember_leavers(gone)
        deleted = self._noting("delete from {} as d where {}", self.name.sql, gone, alias="d")
        fresh = sql.SQL("not exists (select from {} as d where {})").format(self.name.sql, match)
        inserted = self._noting(
            "insert into {} as d ({c}) select {c} from incoming as i where {}",
            self.name.sql,
            fresh,
            alias="d",
            c=identifiers(columns),
        )
        self._take_back_members()
        return _Counts(inserted, deleted, inferred)

    def _narrow(self, changed: ChangedRows) -> None:
        """Let `selected` hold the rows to look at only, so that nothing after it reads the others."""
        narrowed = sql.SQL(
            "create temporary table narrowed on commit drop as select * from selected as i where {}"
        )
        self.connection.execute("drop table if exists pg_temp.narrowed")
        self.connection.execute(narrowed.format(changed.condition("i")))
        self.connection.execute("analyze pg_temp.narrowed")
        self._look_at(sql.SQL("select * from pg_temp.narrowed"))

    def _resolve_once(self) -> None:
        """Let `incoming` hold its rows: two statements read them, and the planner has to know how few they are."""
        self.connection.execute("drop table if exists pg_temp.resolved")
        self.connection.execute("create temporary table resolved on commit drop as select * from incoming")
        self.connection.execute("analyze pg_temp.resolved")
        self.connection.execute("drop view pg_temp.incoming")
        self.connection.execute("create temporary view incoming as select * from pg_temp.resolved")

    def _note(self) -> tuple[str, ...]:
        """What is remembered of a row that changed: its grain, and the keys by which other tables group it."""
        return note_columns(self.table, self._columns())

    def _start_note(self) -> None:
        """An empty `changed_now` for the rows, as they were and as they are."""
        self.connection.execute("drop table if exists pg_temp.changed_now")
        self.connection.execute(
            sql.SQL("create temporary table changed_now on commit drop as select {} from {} limit 0").format(
                identifiers(self._note()), self.name.sql
            )
        )

    def _noting(self, statement: str, *parts: sql.Composable, alias: str, **named: sql.Composable) -> int:
        """Run a DELETE or INSERT and remember its rows. Returns how many."""
        written = sql.SQL(statement).format(*parts, **named)
        return self.connection.execute(
            sql.SQL("with written as ({} returning {}) insert into changed_now select * from written").format(
                written, identifiers(self._note(), alias)
            )
        ).rowcount

    def _create(self, mine: sql.Composable) -> _Counts:
        """The first rows: a table made of them, then its key and indexes, which are cheaper to build at once."""
        query = sql.SQL("select * from incoming")
        inserted = create_from_query(
            self.connection, self.name, self._declared(), query, self.table.description
        )
        inferred = point_at_inferred_members(self.connection, self.references, mine)
        add_primary_key(self.connection, self.name, self.table.grain)
        if self.table.load == "replace_partition":
            self.connection.execute(
                sql.SQL("create index {} on {} (_partition)").format(
                    sql.Identifier(f"{self.name.table}_by_partition"), self.name.sql
                )
            )
        declare_references(self.connection, self.references)
        if self.table.load == "merge":
            index_lookups(self.connection, self.table, self.inputs, self._columns())
        return _Counts(inserted, 0, inferred, created=True)

    def _delete(self, which: sql.Composable) -> int:
        return self.connection.execute(
            sql.SQL("delete from {} as d where {}").format(self.name.sql, which)
        ).rowcount

    def _kept_days(self) -> sql.Composable:
        """Days that a fact added to the calendar stay there."""
        if self.table.table != CALENDAR:
            return sql.SQL("true")
        return sql.SQL("exists (select from incoming as i where i.date_key = d.date_key)")

    def _insert(self, which: sql.Composable) -> int:
        columns = identifiers(self._columns())
        return self.connection.execute(
            sql.SQL("insert into {} ({}) select {} from incoming as i where {}").format(
                self.name.sql, columns, columns, which
            )
        ).rowcount

    def _remember_leavers(self, which: sql.Composable) -> None:
        """Business keys that rows about to be deleted name: a member inferred for them alone goes with them."""
        self.connection.execute("drop table if exists pg_temp.leavers")
        if not self.references:
            return
        columns = sorted({column for reference in self.references for column in reference.business_columns})
        self.connection.execute(
            sql.SQL(
                "create temporary table leavers on commit drop as select distinct {} from {} as d where {}"
            ).format(identifiers(columns), self.name.sql, which)
        )

    def _take_back_members(self) -> None:
        if self.references:
            drop_unnamed_members(self.connection, self.references, sql.Identifier("pg_temp", "leavers"))

    def _cover_days(self, some: sql.Composable, relation: TableName) -> None:
        if self.table.schema_name == "analytics":
            named = self._columns() if relation == self.name else self._note()
            cover_days(self.connection, relation, named, some)

    def _report(
        self, rows: dict[str, int], counts: _Counts, audit: AuditReport, also: tuple[str, ...]
    ) -> TableReport:
        return TableReport(
            self.table.table,
            rows,
            counts.inserted,
            counts.deleted,
            counts.inferred,
            also,
            time.monotonic() - self.started,
            audit,
        )


def attached(references: Sequence[Reference]) -> sql.Composed:
    """A SELECT over `selected` that adds the key of every dimension, and whether its version was inferred."""
    columns = [resolved_columns(reference, "i", f"v_{reference.role}") for reference in references]
    joins = [
        sql.SQL("left join ({}) as {} on {}").format(
            resolution(reference, _named_keys(reference)),
            sql.Identifier(f"v_{reference.role}"),
            resolution_match(reference, "i", f"v_{reference.role}"),
        )
        for reference in references
    ]
    return sql.SQL("select i.*, {}\nfrom selected as i\n{}").format(
        sql.SQL(", ").join(columns), sql.SQL("\n").join(joins)
    )


def _named_keys(reference: Reference) -> sql.Composed:
    return sql.SQL("select {} from selected").format(identifiers(reference.business_columns))
