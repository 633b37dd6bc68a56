"""SQL that finds, for a row of a fact, the version of its member in force. Builds, never runs.

In force is the version with start ≤ t < end. Before the first version the first one is taken, inside a gap the one that
ended last, and `…_version_inferred` says so (S-72). A missing key is the unknown member 0.
"""

from __future__ import annotations

from psycopg import sql

from sales_platform.engine.dimension_table import dimension_name
from sales_platform.engine.references import Reference
from sales_platform.engine.tables import identifiers


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


def assignments(reference: Reference) -> list[sql.Composed]:
    """SET of a fact `f` that takes its version from a resolution `r`."""
    assign = [sql.SQL("{} = r._surrogate").format(sql.Identifier(reference.key_column))]
    if reference.dimension.has_history:
        inferred = version_inferred(reference, "f", "r")
        assign.append(sql.SQL("{} = {}").format(sql.Identifier(reference.inferred_column), inferred))
    return assign


def _moment(reference: Reference, row: str) -> sql.Composed:
    # A fact without a time takes the first version.
    return sql.SQL("coalesce({}, '-infinity')").format(sql.Identifier(row, reference.at or ""))
