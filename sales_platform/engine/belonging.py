"""A dimension that belongs to another: the key of its owner stands in it, as the key of a member stands in a fact."""

from __future__ import annotations

from collections.abc import Mapping

from psycopg import sql

from sales_platform.contracts.dimension import DimensionContract
from sales_platform.engine.dimension_table import dimension_name
from sales_platform.engine.inferring import drop_unnamed_members, infer_members
from sales_platform.engine.references import Reference, declare_references, references_of
from sales_platform.engine.resolving import assignments, resolution, resolution_match
from sales_platform.engine.tables import TableColumn, ensure_table, identifiers
from sales_platform.engine.warehouse import Connection


class Belonging:
    """The owners of one dimension's members, for the keys that a refresh looks at."""

    def __init__(
        self,
        connection: Connection,
        dimension: DimensionContract,
        dimensions: Mapping[str, DimensionContract],
        *,
        everything: bool,
    ) -> None:
        self._connection = connection
        self._references = references_of(dimension, dimensions)
        self._table = dimension_name(dimension)
        self._looked_at = sql.SQL("d.{} <> 0").format(sql.Identifier(dimension.surrogate_key))
        if not everything:
            self._looked_at = sql.SQL("{} and ({}) in (select * from affected)").format(
                self._looked_at, identifiers(dimension.key, "d")
            )

    def remember_owners(self) -> None:
        """Before the members change: whom they name, in case nobody does afterwards."""
        for reference in self._references:
            column = TableColumn(reference.key_column, "bigint", True, sql.SQL("0"))
            ensure_table(self._connection, self._table, [column])
        columns = sorted({name for reference in self._references for name in reference.business_columns})
        if columns:
            self._connection.execute("drop table if exists pg_temp.leavers")
            self._connection.execute(
                sql.SQL(
                    "create temporary table leavers on commit drop as select distinct {} from {} as d where {}"
                ).format(identifiers(columns), self._table.sql, self._looked_at)
            )

    def point_at_owners(self) -> int:
        """After it: every member names its owner, one that is not there yet is inferred. Returns how many moved."""
        moved = sum(self._point(reference) for reference in self._references)
        if self._references:
            declare_references(self._connection, self._references)
            drop_unnamed_members(self._connection, self._references, sql.Identifier("pg_temp", "leavers"))
        return moved

    def _forget_owner(self, reference: Reference) -> None:
        """A member that no longer names an owner belongs to the unknown one."""
        nobody = [sql.SQL("d.{} is null").format(sql.Identifier(name)) for name in reference.business_columns]
        self._connection.execute(
            sql.SQL(
                "update {table} as d set {key} = 0 where d.{key} <> 0 and ({nobody}) and {looked_at}"
            ).format(
                table=self._table.sql,
                key=sql.Identifier(reference.key_column),
                nobody=sql.SQL(" or ").join(nobody),
                looked_at=self._looked_at,
            )
        )

    def _point(self, reference: Reference) -> int:
        members = sql.SQL("(select d.* from {} as d where {})").format(self._table.sql, self._looked_at)
        infer_members(self._connection, reference, members)
        self._forget_owner(reference)
        keys = sql.SQL("select {} from {} as m").format(identifiers(reference.business_columns, "m"), members)
        return self._connection.execute(
            sql.SQL(
                "update {table} as d set {assign} from ({resolution}) as r"
                " where {match} and d.{key} <> r._surrogate and {looked_at}"
            ).format(
                table=self._table.sql,
                assign=sql.SQL(", ").join(assignments(reference)),
                resolution=resolution(reference, keys),
                match=resolution_match(reference, "d", "r"),
                key=sql.Identifier(reference.key_column),
                looked_at=self._looked_at,
            )
        ).rowcount
