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
from sales_platform.engine.locks import lock_tables
from sales_platform.engine.references import (
    Reference,
    declare_references,
    drop_unnamed_members,
    infer_members,
    reference_of,
    resolution,
    resolution_match,
    resolved_columns,
)
from sales_platform.engine.reports import TableReport
from sales_platform.engine.selects import filled_select, inputs_of, logic_hash
from sales_platform.engine.staging import joined
from sales_platform.engine.tables import (
    TableColumn,
    TableName,
    add_primary_key,
    columns_of,
    ensure_table,
    identifiers,
)
from sales_platform.engine.versions import (
    consume_partitions,
    consume_tables,
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
    contract.
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
    lock_tables(connection, [table.name, *(r.dimension.name for r in publication.references)])
    if table.load == "replace_partition":
        return publication.replace_partitions(partitions)
    return publication.rebuild()


@dataclass(frozen=True)
class _Counts:
    inserted: int
    deleted: int
    inferred: int


class _Publication:
    def __init__(self, connection: Connection, table: SqlTableContract, catalog: Catalog) -> None:
        self.connection = connection
        self.table = table
        self.name = TableName.parse(table.table)
        self.root = catalog.root
        self.inputs = inputs_of(table, self.root)
        self.logic = logic_hash(table, self.root)
        self.started = time.monotonic()
        dimensions = catalog.dimensions
        unknown = [role.dimension for role in table.dimensions.values() if role.dimension not in dimensions]
        if unknown:
            raise ContractError(f"there is no dimension {unknown[0]}.", where=table.name)
        self.references = [
            reference_of(table, role, spoken, dimensions[spoken.dimension])
            for role, spoken in table.dimensions.items()
        ]

    def replace_partitions(self, asked: Sequence[str] | None) -> TableReport:
        stale = stale_inputs(self.connection, self.table.name, self.inputs, self.logic)
        chosen = sorted({*(asked or ()), *stale})
        inferred = self._compute(chosen)
        created = self._ensure()
        counts = self._write_partitions(chosen, created, inferred)
        consume_partitions(self.connection, self.table.name, self.inputs, chosen, self.logic)
        if counts.inserted or counts.deleted:
            publish_versions(self.connection, self.table.name, chosen)
        self._cover_dates()
        rows = dict(
            self.connection.execute(
                "select _partition, count(*) from incoming group by 1 order by 1"
            ).fetchall()
        )
        also = tuple(p for p in chosen if asked is not None and p not in asked)
        return self._report({p: rows.get(p, 0) for p in chosen}, counts, also)

    def rebuild(self) -> TableReport:
        """Compute everything, write what differs."""
        inferred = self._compute(None)
        created = self._ensure()
        counts = self._write_differences(created, inferred)
        if counts.inserted or counts.deleted or created:
            publish_versions(self.connection, self.table.name)
        consume_tables(self.connection, self.table.name, self.inputs, self.logic)
        self._cover_dates()
        row = self.connection.execute("select count(*) from incoming").fetchone()
        return self._report({"": int(row[0]) if row else 0}, counts, ())

    def _compute(self, partitions: list[str] | None) -> int:
        """`incoming`: the rows that should stand, dimension keys attached."""
        self._require_inputs()
        self.connection.execute("drop table if exists pg_temp.selected, pg_temp.incoming")
        select = filled_select(self.table, partitions, self.root)
        if not self.references:
            self.connection.execute(
                sql.SQL("create temporary table incoming on commit drop as\n{}").format(select)
            )
            return 0
        self.connection.execute(
            sql.SQL("create temporary table selected on commit drop as\n{}").format(select)
        )
        self.connection.execute("analyze pg_temp.selected")
        relation = sql.Identifier("pg_temp", "selected")
        inferred = sum(infer_members(self.connection, reference, relation) for reference in self.references)
        self.connection.execute(
            sql.SQL("create temporary table incoming on commit drop as\n{}").format(attached(self.references))
        )
        return inferred

    def _require_inputs(self) -> None:
        for name in self.inputs:
            if not columns_of(self.connection, TableName.parse(name)):
                raise ContractError(
                    f"{name} does not exist yet.",
                    where=self.table.name,
                    remedy=f"Materialize {name.replace('.', '/')} first, or run the whole domain.",
                )

    def _ensure(self) -> bool:
        types = columns_of(self.connection, TableName(self._temporary_schema(), "incoming"))
        lacking = [column for column in self.table.grain if column not in types]
        if lacking:
            raise ContractError(
                f"the SELECT does not give {lacking[0]}, which is in the grain.", where=self.table.sql_path
            )
        described = self.table.columns
        key = {*self.table.grain, *(c for r in self.references for c in r.added_columns)}
        columns = [
            TableColumn(
                name, kind, name in key or name == "_partition", description=_description(described, name)
            )
            for name, kind in types.items()
        ]
        return ensure_table(self.connection, self.name, columns, self.table.description)

    def _temporary_schema(self) -> str:
        row = self.connection.execute(
            "select nspname from pg_namespace where oid = pg_my_temp_schema()"
        ).fetchone()
        return str(row[0]) if row else "pg_temp"

    def _columns(self) -> tuple[str, ...]:
        return tuple(columns_of(self.connection, TableName(self._temporary_schema(), "incoming")))

    def _write_partitions(self, partitions: list[str], created: bool, inferred: int) -> _Counts:
        deleted = 0
        if not created:
            self._remember_leavers(sql.SQL("d._partition = any({})").format(sql.Literal(partitions)))
            deleted = self.connection.execute(
                sql.SQL("delete from {} where _partition = any({})").format(
                    self.name.sql, sql.Literal(partitions)
                )
            ).rowcount
            deleted += self.connection.execute(
                sql.SQL("delete from {} as d using incoming as i where {}").format(
                    self.name.sql, joined(self.table.grain, "d", "i")
                )
            ).rowcount
        return self._finish(self._insert(sql.SQL("true")), deleted, inferred, created)

    def _write_differences(self, created: bool, inferred: int) -> _Counts:
        columns = self._columns()
        equal = sql.SQL("({}) is not distinct from ({})").format(
            identifiers(columns, "d"), identifiers(columns, "i")
        )
        deleted = 0
        if not created:
            gone = sql.SQL("not exists (select from incoming as i where {} and {})").format(
                joined(self.table.grain, "d", "i"), equal
            )
            keep = self._kept_days()
            self._remember_leavers(sql.SQL("{} and {}").format(gone, keep))
            deleted = self.connection.execute(
                sql.SQL("delete from {} as d where {} and {}").format(self.name.sql, gone, keep)
            ).rowcount
        fresh = sql.SQL("not exists (select from {} as d where {})").format(
            self.name.sql, joined(self.table.grain, "d", "i")
        )
        return self._finish(self._insert(sql.SQL("true") if created else fresh), deleted, inferred, created)

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

    def _finish(self, inserted: int, deleted: int, inferred: int, created: bool) -> _Counts:
        if created:
            add_primary_key(self.connection, self.name, self.table.grain)
            if self.table.load == "replace_partition":
                self.connection.execute(
                    sql.SQL("create index {} on {} (_partition)").format(
                        sql.Identifier(f"{self.name.table}_by_partition"), self.name.sql
                    )
                )
            declare_references(self.connection, self.references)
        elif self.references:
            drop_unnamed_members(self.connection, self.references, sql.Identifier("pg_temp", "leavers"))
        return _Counts(inserted, deleted, inferred)

    def _cover_dates(self) -> None:
        """Add the days that a fact names outside the calendar's range."""
        if (
            not columns_of(self.connection, TableName.parse(CALENDAR))
            or self.table.schema_name != "analytics"
        ):
            return
        for column in (name for name in self._columns() if name.endswith("_date_key")):
            self.connection.execute(
                sql.SQL(
                    """insert into analytics.dim_date
                    select c.* from (
                        select distinct {c} as date_key from incoming
                        where {c} is not null and {c} not in (select date_key from analytics.dim_date)
                    ) as m cross join lateral (
                        select make_date(m.date_key / 10000, m.date_key / 100 % 100, m.date_key % 100) as day
                    ) as d cross join lateral ops.calendar(d.day, d.day) as c
                    on conflict (date_key) do nothing"""
                ).format(c=sql.Identifier(column))
            )

    def _report(self, rows: dict[str, int], counts: _Counts, also: tuple[str, ...]) -> TableReport:
        return TableReport(
            self.table.table,
            rows,
            counts.inserted,
            counts.deleted,
            counts.inferred,
            also,
            time.monotonic() - self.started,
        )


CALENDAR = "analytics.dim_date"


def attached(references: Sequence[Reference]) -> sql.Composed:
    """A SELECT over `selected` that adds the key of every dimension, and whether its version was inferred."""
    columns = [resolved_columns(reference, "i", f"v_{reference.role}") for reference in references]
    joins = [
        sql.SQL("left join ({}) as {} on {}").format(
            resolution(
                reference, sql.SQL("select {} from selected").format(identifiers(reference.business_columns))
            ),
            sql.Identifier(f"v_{reference.role}"),
            resolution_match(reference, "i", f"v_{reference.role}"),
        )
        for reference in references
    ]
    return sql.SQL("select i.*, {}\nfrom selected as i\n{}").format(
        sql.SQL(", ").join(columns), sql.SQL("\n").join(joins)
    )


def _description(described: object, name: str) -> str | None:
    column = described.get(name) if isinstance(described, dict) else None
    return column.description if column else None
