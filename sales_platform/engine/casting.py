"""SQL that turns the text of one column into a value, or into NULL where the text is no such value. Builds,
never runs.

PostgreSQL's own input functions take NaN, 1_000, 0x1F and `today` for values, so the shape of a text is guarded
too. The hot path asks whether the value prints as the very text it was read from, which is several times cheaper
than any look at the characters (0.15 µs against 0.3 µs for `translate` and 1 µs for a regular expression); only a
text that fails there is looked at closely. Sessions of the engine print instants in UTC and ISO.
"""

from __future__ import annotations

import re

from psycopg import sql

from sales_platform.contracts.columns import Column
from sales_platform.contracts.types import ColumnType
from sales_platform.errors import ContractError

_ISO_INSTANT = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,6})?)?( ?(Z|[+-][0-9]{2}(:?[0-9]{2})?))?)?$"
)
_OFFSET = r"(Z|[0-9]{2}:[0-9]{2}.*[+-][0-9]{2}(:?[0-9]{2})?)$"
_DATE_FORMAT = re.compile(r"(%[Ymd])([-/.])(%[Ymd])\2(%[Ymd])")


def verbatim(text: str) -> sql.SQL:
    """SQL that stands in a contract; contracts are code of the project, not input."""
    return sql.SQL(text)


def unlike(value: sql.Composable, pattern: str) -> sql.Composed:
    """Condition: the value is there and its text does not match."""
    return sql.SQL("{}::text !~ {}").format(value, sql.Literal(pattern))


def quick(text: sql.Composable, column: Column) -> sql.Composed | None:
    """The value of a text that is written the way PostgreSQL prints it, NULL for any other text.

    None where the contract says how to read the column, so that every text has to be normalised first. Nearly all
    rows end here, and this much can be computed on several cores.
    """
    spoken = (
        column.case, column.strip, column.nulls, column.thousands, column.default, column.formats,
        column.decimal != ".", column.trim is False,
    )  # fmt: skip
    if any(spoken):
        return None
    if column.kind.is_number:
        return _plain_number(text, column.kind, others=sql.SQL(""))
    if column.kind.name == "timestamptz" and (column.zone or "UTC") == "UTC":
        return sql.SQL("case {} end").format(_plain_instant(text, column))
    return None


def normalised(text: sql.Composable, column: Column) -> sql.Composable:
    """The received text after trim, nulls, case, strip and number marks; NULL when it means "missing"."""
    if column.trims:
        text = _trimmed(text, column)
    absent = [*column.nulls, *([] if column.kind.name == "text" else [""])]
    for word in absent:
        text = sql.SQL("nullif({}, {})").format(text, sql.Literal(word))
    if column.case:
        text = sql.SQL("{}({})").format(sql.SQL(column.case), text)
    for token in column.strip:
        text = sql.SQL("replace({}, {}, '')").format(text, sql.Literal(token))
    if column.thousands:
        text = sql.SQL("replace({}, {}, '')").format(text, sql.Literal(column.thousands))
    if column.decimal == ",":
        # A point that is no thousands mark must not turn into a decimal point.
        text = sql.SQL("translate({}, '.,', 'x.')").format(text)
    if column.strip and column.kind.name != "text":
        text = sql.SQL("nullif(btrim({}), '')").format(text)
    if column.default:
        text = sql.SQL("coalesce({}, ({})::text)").format(text, verbatim(column.default.sql))
    return text


def _trimmed(text: sql.Composable, column: Column) -> sql.Composed:
    if column.kind.name == "text":
        return sql.SQL("btrim({}, E' \\t\\r\\n')").format(text)
    # btrim copies every character; most numbers and dates have no blank to lose.
    return sql.SQL(
        "case when {x} like ' %' or {x} like '% ' or {x} like E'\\t%' or {x} like E'%\\t'"
        " then btrim({x}, E' \\t\\r\\n') else {x} end"
    ).format(x=text)


def typed(text: sql.Composable, column: Column) -> sql.Composed:
    """The value of a normalised text, NULL where it is none."""
    kind = column.kind
    if kind.name == "text":
        return sql.SQL("{}").format(text)
    if kind.name == "date":
        return _date(text, column.formats or ("%Y-%m-%d",))
    if kind.name == "timestamptz":
        return _instant(text, column)
    if kind.is_number:
        return _number(text, kind)
    return sql.SQL("case when {} and pg_input_is_valid({}, {}) then {}::{} end").format(
        _shape(text, kind),
        text,
        sql.Literal(kind.sql),
        text,
        sql.SQL(kind.sql),
    )


def _shape(text: sql.Composable, kind: ColumnType) -> sql.Composed:
    if kind.name == "boolean":
        return sql.SQL("lower({}) in ('true', 'false', 't', 'f', '1', '0')").format(text)
    return sql.SQL("{} is not null").format(text)


def _number(text: sql.Composable, kind: ColumnType) -> sql.Composed:
    """Digits, a sign and a point; no more decimals than the scale; neither NaN nor infinity."""
    shapes = "'', '-', '.', '-.'" if kind.name == "numeric" else "'', '-'"
    others = sql.SQL(" or translate({}, '0123456789', '') in ({})").format(text, sql.SQL(shapes))
    return _plain_number(text, kind, others)


def _plain_number(text: sql.Composable, kind: ColumnType, others: sql.Composable) -> sql.Composed:
    """The number that a text is, if it prints as that very text; others: further texts that are numbers too."""
    finite: sql.Composable = sql.SQL("")
    if kind.name == "numeric":
        scale = (
            sql.SQL("is not null") if kind.scale is None else sql.SQL("<= {}").format(sql.Literal(kind.scale))
        )
        finite = sql.SQL("min_scale({}::numeric) {} and ").format(text, scale)
    return sql.SQL(
        "case when pg_input_is_valid({x}, {name})"
        " then case when {finite}({x}::{bare}::text = {x}{others}) then {x}::{type} end end"
    ).format(
        x=text,
        name=sql.Literal(kind.sql),
        type=sql.SQL(kind.sql),
        bare=sql.SQL(kind.name),
        finite=finite,
        others=others,
    )


def _date(text: sql.Composable, formats: tuple[str, ...]) -> sql.Composed:
    branches = [_date_branch(text, form) for form in formats]
    return sql.SQL("case {} end").format(sql.SQL(" ").join(branches))


def _date_branch(text: sql.Composable, form: str) -> sql.Composed:
    match = _DATE_FORMAT.fullmatch(form)
    parts = [match[1], match[3], match[4]] if match else []
    if match is None or sorted(parts) != ["%Y", "%d", "%m"]:
        raise ContractError(
            f"date format {form!r} is not one of %Y, %m and %d with one separator - / or . between them.",
            where="formats",
        )
    mark = match[2]
    widths = {"%Y": "[0-9]{4}", "%m": "[0-9]{1,2}", "%d": "[0-9]{1,2}"}
    shape = "^" + f"[{mark}]".join(widths[part] for part in parts) + "$"
    piece = {
        part: sql.SQL("lpad(split_part({}, {}, {}), {}, '0')").format(
            text, sql.Literal(mark), sql.Literal(parts.index(part) + 1), sql.Literal(4 if part == "%Y" else 2)
        )
        for part in parts
    }
    iso = sql.SQL("{} || '-' || {} || '-' || {}").format(piece["%Y"], piece["%m"], piece["%d"])
    return sql.SQL("when {} ~ {} and pg_input_is_valid({}, 'date') then ({})::date").format(
        text, sql.Literal(shape), iso, iso
    )


def _instant(text: sql.Composable, column: Column) -> sql.Composed:
    return sql.SQL(
        """case
            {plain}
            when {x} ~ {iso} and pg_input_is_valid({x}, 'timestamptz')
            then case when {x} ~ {offset} then {x}::timestamptz else {local} end
        end"""
    ).format(
        plain=_plain_instant(text, column),
        x=text,
        local=_local_instant(text, column),
        iso=sql.Literal(_ISO_INSTANT),
        offset=sql.Literal(_OFFSET),
    )


def _plain_instant(text: sql.Composable, column: Column) -> sql.Composed:
    """The branch for a time to the second without an offset, if it prints as that very text."""
    return sql.SQL(
        "when {x} like '____-__-__T__:__:__' and pg_input_is_valid({x}, 'timestamp')"
        " then case when {x}::timestamp::text = overlay({x} placing ' ' from 11 for 1) then {local} end"
    ).format(x=text, local=_local_instant(text, column))


def _local_instant(text: sql.Composable, column: Column) -> sql.Composed:
    """A time without offset, read in the declared zone.

    PostgreSQL takes the later of two autumn instants, and shifts a spring time that does not exist. The
    second is refused; for the first the contract says earlier, later or reject (S-63).
    """
    zone = column.zone or "UTC"
    instant = sql.SQL("({}::timestamp at time zone {})").format(text, sql.Literal(zone))
    if zone == "UTC":
        return instant
    again = sql.SQL("({instant} at time zone {zone}) = {x}::timestamp").format(
        instant=instant, zone=sql.Literal(zone), x=text
    )
    twice = sql.SQL("(({instant} - interval '1 hour') at time zone {zone}) = {x}::timestamp").format(
        instant=instant, zone=sql.Literal(zone), x=text
    )
    chosen = {
        "later": instant,
        "earlier": sql.SQL("{} - interval '1 hour'").format(instant),
        "reject": sql.SQL("null::timestamptz"),
    }[column.ambiguous]
    return sql.SQL("case when not {} then null when {} then {} else {} end").format(
        again, twice, chosen, instant
    )
