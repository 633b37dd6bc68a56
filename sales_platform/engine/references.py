"""Facts and the dimensions they point at: resolving a key to the version in force, inferring members,
re-pointing.

In force is the version with start ≤ t < end. Before the first version the first one is taken, inside a gap
the one that ended last, and `…_version_inferred` says so (S-72). A key that the dimension does not know
becomes an inferred member, which its own first version fills in later; a missing key is the unknown member 0.
"""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql

from sales_platform.contracts.dimension import DimensionContract
from sales_platform.contracts.table import DimensionRole, SqlTableContract
from sales_platform.engine.dimension_table import dimension_name
from sales_platform.engine.keys import assign_recorded_keys, issue_keys
from sales_platform.engine.tables import TableName, columns_of, identifiers
from sales_platform.engine.versions import publish_versions
from sales_platform.engine.warehouse import Connection


@dataclass(frozen=True)
class Reference:
    """One role of a fact. business_columns: the fact's columns with the dimension's key, in the key's order."""

    fact: TableName
    role: str
    dimension: DimensionContract
    business_columns: tuple[str, ...]
    at: str | None

    @property
    def key_column(self) -> str:
        return f"{self.role}_key"

    @property
    def inferred_column(self) -> str:
        return f"{self.role}_version_inferred"

    @property
    def added_columns(self) -> tuple[str, ...]:
        return (self.key_column, self.inferred_column) if self.dimension.has_history else (self.key_column,)


def reference_of(
    table: SqlTableContract, role: str, spoken: DimensionRole, dimension: DimensionContract
) -> Reference:
    columns = tuple(spoken.on.get(name, name) for name in dimension.key)
    return Reference(TableName.parse(table.table), role, dimension, columns, spoken.at)


def declare_references(connection: Connection, references: list[Reference]) -> None:
    """Write down which fact points where, so that a refresh of the dimension finds it; index the fact for
    that.
    """
    for reference in references:
        fact = reference.fact
        connection.execute(
            """
            insert into ops.dimension_reference (fact, role, dimension, business_columns, at_column)
            values (%s, %s, %s, %s, %s)
            on conflict (fact, role) do update set dimension = excluded.dimension,
                business_columns = excluded.business_columns, at_column = excluded.at_column
            """,
            [
                str(fact),
                reference.role,
                reference.dimension.table,
                list(reference.business_columns),
                reference.at,
            ],
        )
        connection.execute(
            sql.SQL("create index if not exists {} on {} ({})").format(
                sql.Identifier(f"{fact.table}_by_{reference.role}"),
                fact.sql,
                identifiers(reference.business_columns),
            )
        )


def referencing_facts(connection: Connection, dimension: DimensionContract) -> list[str]:
    rows = connection.execute(
        "select distinct fact from ops.dimension_reference where dimension = %s", [dimension.table]
    ).fetchall()
    return [row[0] for row in rows]


def infer_members(connection: Connection, reference: Reference, relation: sql.Composable) -> int:
    """Add a member for every key in `relation` that the dimension does not know. Returns how many."""
    dimension = reference.dimension
    named = sql.SQL(", ").join(
        sql.SQL("i.{} as {}").format(sql.Identifier(column), sql.Identifier(key))
        for column, key in zip(reference.business_columns, dimension.key, strict=True)
    )
    known = sql.SQL(" and ").join(
        sql.SQL("i.{} = d.{}").format(sql.Identifier(column), sql.Identifier(key))
        for column, key in zip(reference.business_columns, dimension.key, strict=True)
    )
    present = sql.SQL(" and ").join(
        sql.SQL("i.{} is not null").format(sql.Identifier(column)) for column in reference.business_columns
    )
    connection.execute("drop table if exists pg_temp.strangers")
    found = connection.execute(
        sql.SQL(
            """create temporary table strangers on commit drop as
            select distinct {named}, null::bigint as surrogate from {relation} as i
            where {present} and not exists (select from {table} as d where {known})"""
        ).format(
            named=named, relation=relation, present=present, table=dimension_name(dimension).sql, known=known
        )
    ).rowcount
    if not found:
        return 0
    assign_recorded_keys(connection, dimension, "strangers", "timestamptz '-infinity'")
    issue_keys(connection, dimension, "strangers", "timestamptz '-infinity'")
    _insert_inferred(connection, dimension)
    return found


def _insert_inferred(connection: Connection, dimension: DimensionContract) -> None:
    validity = (
        (sql.SQL(", effective_start_date, is_current"), sql.SQL(", '-infinity', true"))
        if dimension.has_history
        else (sql.SQL(""), sql.SQL(""))
    )
    connection.execute(
        sql.SQL(
            "insert into {table} ({surrogate}, {key}{more}, is_inferred)"
            " select surrogate, {key}{values}, true from strangers"
        ).format(
            table=dimension_name(dimension).sql,
            surrogate=sql.Identifier(dimension.surrogate_key),
            key=identifiers(dimension.key),
            more=validity[0],
            values=validity[1],
        )
    )


def drop_unnamed_members(
    connection: Connection, references: list[Reference], relation: sql.Composable
) -> None:
    """Take back inferred members that only the rows in `relation` named, which have left their fact."""
    for reference in references:
        dimension = reference.dimension
        connection.execute(
            sql.SQL("delete from {table} as d where d.is_inferred and {named} and not ({still})").format(
                table=dimension_name(dimension).sql,
                named=sql.SQL("exists (select from {} as i where {})").format(
                    relation, _names(reference.business_columns, dimension, "i")
                ),
                still=_named_by_any_fact(connection, dimension),
            )
        )


def _named_by_any_fact(connection: Connection, dimension: DimensionContract) -> sql.Composable:
    rows = connection.execute(
        "select fact, business_columns from ops.dimension_reference where dimension = %s", [dimension.table]
    ).fetchall()
    parts = [
        sql.SQL("exists (select from {} as f where {})").format(
            TableName.parse(fact).sql, _names(tuple(columns), dimension, "f")
        )
        for fact, columns in rows
    ]
    return sql.SQL(" or ").join(parts) if parts else sql.SQL("false")


def _names(columns: tuple[str, ...], dimension: DimensionContract, alias: str) -> sql.Composed:
    return sql.SQL(" and ").join(
        sql.SQL("{} = d.{}").format(sql.Identifier(alias, column), sql.Identifier(key))
        for column, key in zip(columns, dimension.key, strict=True)
    )


def resolution(reference: Reference, keys: sql.Composable) -> sql.Composed:
    """A SELECT: key, surrogate, and for history the half-open span [_from, _to) in which a fact takes the
    version.

    The spans of one key cover all time, so that every fact finds exactly one version. keys: a SELECT of the
    business keys that matter.
    """
    dimension = reference.dimension
    key = identifiers(dimension.key)
    if not dimension.has_history:
        return sql.SQL("select {}, {} as _surrogate, is_inferred as _inferred from {}").format(
            key, sql.Identifier(dimension.surrogate_key), dimension_name(dimension).sql
        )
    return sql.SQL(
        """select {key}, {surrogate} as _surrogate, is_inferred as _inferred,
            effective_start_date as _start, coalesce(effective_end_date, 'infinity') as _end,
            case when lag(effective_start_date) over w is null then '-infinity' else effective_start_date end as _from,
            coalesce(lead(effective_start_date) over w, 'infinity') as _to
        from {table} where ({key}) in ({keys})
        window w as (partition by {key} order by effective_start_date)"""
    ).format(
        key=key,
        surrogate=sql.Identifier(dimension.surrogate_key),
        table=dimension_name(dimension).sql,
        keys=keys,
    )


def resolved_columns(reference: Reference, row: str, version: str) -> sql.Composed:
    """The columns that a reference adds to its fact."""
    surrogate = sql.SQL("coalesce({}, 0) as {}").format(
        sql.Identifier(version, "_surrogate"), sql.Identifier(reference.key_column)
    )
    if not reference.dimension.has_history:
        return sql.SQL("{}").format(surrogate)
    return sql.SQL("{}, coalesce({}, false) as {}").format(
        surrogate, version_inferred(reference, row, version), sql.Identifier(reference.inferred_column)
    )


def version_inferred(reference: Reference, row: str, version: str) -> sql.Composed:
    return sql.SQL("({v}._inferred or {at} < {v}._start or {at} >= {v}._end)").format(
        v=sql.Identifier(version), at=_moment(reference, row)
    )


def resolution_match(reference: Reference, row: str, version: str) -> sql.Composed:
    """ON condition between a row of the fact and a row of `resolution`."""
    match = sql.SQL(" and ").join(
        sql.SQL("{} = {}").format(sql.Identifier(row, column), sql.Identifier(version, key))
        for column, key in zip(reference.business_columns, reference.dimension.key, strict=True)
    )
    if not reference.dimension.has_history:
        return match
    return sql.SQL("{match} and {at} >= {v}._from and {at} < {v}._to").format(
        match=match, at=_moment(reference, row), v=sql.Identifier(version)
    )


def _moment(reference: Reference, row: str) -> sql.Composed:
    # A fact without a time takes the first version.
    return sql.SQL("coalesce({}, '-infinity')").format(sql.Identifier(row, reference.at or ""))


def point_at_inferred_members(connection: Connection, reference: Reference, where: sql.Composable) -> int:
    """Give members to rows of the fact that name a key the dimension does not know. Returns how many members.

    where: which rows were just written; those among them that point at the unknown member and name a key.
    """
    fact, columns = reference.fact, reference.business_columns
    strange = sql.SQL("{} and {} = 0 and {}").format(
        where,
        sql.Identifier(reference.key_column),
        sql.SQL(" and ").join(sql.SQL("{} is not null").format(sql.Identifier(name)) for name in columns),
    )
    found = connection.execute(
        sql.SQL("select exists (select from {} where {})").format(fact.sql, strange)
    ).fetchone()
    if not found or not found[0]:
        return 0
    strangers = sql.SQL("(select {} from {} where {})").format(identifiers(columns), fact.sql, strange)
    inferred = infer_members(connection, reference, strangers)
    keys = sql.SQL("select {} from {} where {}").format(identifiers(columns), fact.sql, strange)
    connection.execute(
        sql.SQL(
            "update {fact} as f set {assign} from ({resolution}) as r where {match} and f.{key} = 0"
        ).format(
            fact=fact.sql,
            assign=sql.SQL(", ").join(_assignments(reference)),
            resolution=resolution(reference, keys),
            match=resolution_match(reference, "f", "r"),
            key=sql.Identifier(reference.key_column),
        )
    )
    return inferred


def _assignments(reference: Reference) -> list[sql.Composed]:
    """SET of a fact `f` that takes its version from a resolution `r`."""
    assign = [sql.SQL("{} = r._surrogate").format(sql.Identifier(reference.key_column))]
    if reference.dimension.has_history:
        inferred = version_inferred(reference, "f", "r")
        assign.append(sql.SQL("{} = {}").format(sql.Identifier(reference.inferred_column), inferred))
    return assign


def repoint_facts(connection: Connection, dimension: DimensionContract) -> int:
    """Let facts follow what `touched` says has changed, and mark their partitions. Returns how many rows
    moved.
    """
    rows = connection.execute(
        "select fact, role, business_columns, at_column from ops.dimension_reference"
        " where dimension = %s order by fact, role",
        [dimension.table],
    ).fetchall()
    moved = 0
    for fact, role, columns, at in rows:
        moved += _repoint(connection, Reference(TableName.parse(fact), role, dimension, tuple(columns), at))
    return moved


def _repoint(connection: Connection, reference: Reference) -> int:
    _touched_keys(connection, reference.dimension)
    concerned = sql.SQL("(select f.* from {} as f where ({}) in (select {} from touched_keys))").format(
        reference.fact.sql, identifiers(reference.business_columns, "f"), identifiers(reference.dimension.key)
    )
    infer_members(connection, reference, concerned)
    partitioned = "_partition" in columns_of(connection, reference.fact)
    moved = _move(connection, reference, partitioned)
    partitions = _concerned_partitions(connection, reference) if partitioned else set()
    if moved or partitions:
        publish_versions(connection, str(reference.fact), partitions)
    return moved


def _touched_keys(connection: Connection, dimension: DimensionContract) -> None:
    connection.execute("drop table if exists pg_temp.touched_keys")
    connection.execute(
        sql.SQL(
            "create temporary table touched_keys on commit drop as select distinct {} from touched"
        ).format(identifiers(dimension.key))
    )
    connection.execute("analyze pg_temp.touched_keys")


def _move(connection: Connection, reference: Reference, partitioned: bool) -> int:
    """Point the concerned rows at the version that is now theirs; `moved_partitions` keeps where they lie."""
    keys = sql.SQL("select {} from touched_keys").format(identifiers(reference.dimension.key))
    differ = [sql.SQL("f.{} <> r._surrogate").format(sql.Identifier(reference.key_column))]
    if reference.dimension.has_history:
        inferred = version_inferred(reference, "f", "r")
        differ.append(sql.SQL("f.{} <> {}").format(sql.Identifier(reference.inferred_column), inferred))
    connection.execute(
        "create temporary table if not exists moved_partitions (partition text) on commit drop"
    )
    connection.execute("truncate moved_partitions")
    partition = sql.SQL("f._partition") if partitioned else sql.SQL("''")
    return connection.execute(
        sql.SQL(
            """with moved as (
                update {fact} as f set {assign} from ({resolution}) as r
                where {match} and ({differ}) returning {partition}
            )
            insert into moved_partitions select * from moved"""
        ).format(
            fact=reference.fact.sql,
            assign=sql.SQL(", ").join(_assignments(reference)),
            resolution=resolution(reference, keys),
            match=resolution_match(reference, "f", "r"),
            differ=sql.SQL(" or ").join(differ),
            partition=partition,
        )
    ).rowcount


def _concerned_partitions(connection: Connection, reference: Reference) -> set[str]:
    """Partitions whose figures may change: rows moved, or a member they name has other attributes."""
    rows = connection.execute(
        sql.SQL(
            """select distinct partition from moved_partitions
            union
            select distinct f._partition from {fact} as f
            where ({columns}) in (select {key} from touched_keys) and f.{role} in (select surrogate from touched)"""
        ).format(
            fact=reference.fact.sql,
            columns=identifiers(reference.business_columns, "f"),
            key=identifiers(reference.dimension.key),
            role=sql.Identifier(reference.key_column),
        )
    ).fetchall()
    return {row[0] for row in rows}
