"""Where a chain of events turns from one version into the next: the SQL between the events and their versions.

Nearly always: where a tracked column or the deletion differs from the event before. More is looked at only where a
column was not tracked all the time (S-59), or where files without a column say nothing of it (S-53 to S-55).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from psycopg import sql

from sales_platform.contracts.dimension import DimensionContract
from sales_platform.engine.absences import ABSENT_COLUMNS
from sales_platform.engine.tables import TableName, columns_of, identifiers
from sales_platform.engine.tracked_sets import TrackedSet, tracked_sets
from sales_platform.engine.warehouse import Connection


@dataclass(frozen=True)
class Turning:
    """sets: what was tracked, oldest first. untold: attributes of which some files say nothing."""

    sets: tuple[TrackedSet, ...]
    untold: frozenset[str]

    @property
    def always(self) -> frozenset[str]:
        """Tracked by every set."""
        return frozenset[str].intersection(*(one.tracked for one in self.sets))

    @property
    def at_times(self) -> frozenset[str]:
        """Tracked by some sets only."""
        return frozenset[str]().union(*(one.tracked for one in self.sets)) - self.always

    @property
    def completed(self) -> frozenset[str]:
        """Attributes whose missing value may turn up later, in a version that stands (S-54)."""
        return self.at_times | self.untold

    @property
    def is_plain(self) -> bool:
        return not self.completed

    def without(self, names: Sequence[str]) -> Turning:
        """The same, with nothing to mind about files that lack these attributes."""
        return replace(self, untold=self.untold - {*names})

    def known_before(self, name: str) -> int:
        """The newest load that came before the column was tracked; 0 where it always was."""
        first = next((n for n, one in enumerate(self.sets) if name in one.tracked), 0)
        return (self.sets[first - 1].newest_load_id or 0) if first else 0

    def takes_last(self, name: str) -> bool:
        """Whether a version shows the newest value of its run although the column is, or was, tracked."""
        return name in self.at_times and not any(name in one.kept_first for one in self.sets)

    def widened(self, dimension: DimensionContract) -> DimensionContract:
        """The dimension with the columns that it tracked once and no longer has."""
        former = sorted(self.at_times - {*dimension.attributes})
        return dimension.model_copy(update={"keep_first": (*dimension.keep_first, *former)})


def read_turning(connection: Connection, dimension: DimensionContract) -> Turning:
    """What the records of tracked sets and of loads say, about the staging tables as they stand."""
    standing = {e.source: columns_of(connection, TableName.parse(e.source)) for e in dimension.events}
    sets = tracked_sets(connection, dimension)
    former = frozenset[str]().union(*(one.tracked for one in sets)) - {*dimension.attributes}
    untold: set[str] = set()
    for events in dimension.events:
        names = {dimension.source_column(name): name for name in (*dimension.attributes, *sorted(former))}
        if ABSENT_COLUMNS in standing[events.source]:
            rows = connection.execute(_LACKED, [list(names), events.table]).fetchall()
            untold |= {names[row[0]] for row in rows if row[0] in standing[events.source]}
    return Turning(sets, frozenset(untold))


# More than those whose rows say so: aliases and defaults stand for some. That costs time, never truth.
_LACKED = """
select c from unnest(%s::text[]) as c
where exists (
    select from ops.load as l
    where l.feed = %s and l.status = 'succeeded' and l.landed and c <> all(l.columns)
)
"""


def turned(dimension: DimensionContract, turning: Turning) -> sql.Composed:
    """The CTE `turned` and those that it needs, over `filled`: every event, and whether a version begins with it."""
    words = {"key": identifiers(dimension.key), "state": _state(_anyway(dimension, turning))}
    if turning.is_plain:
        return sql.SQL(_PLAIN).format(**words)
    untold = [name for name in dimension.attributes if name in turning.untold]
    return sql.SQL(_CAREFUL).format(
        **words,
        counts=_each(untold, lambda name: _count_told(dimension, name)),
        values=_each(untold, lambda name: _last_told(dimension, name)),
        turns=sql.SQL(" or ").join(
            [sql.SQL("false"), *(_turns(dimension, turning, name) for name in _watched(dimension, turning))]
        ),
    )


_PLAIN = """turned as (
    select f.*, lag({state}) over w is distinct from {state} as _turns
    from filled as f window w as (partition by {key} order by _at)
)"""

# A file that lacks a column says neither that it changed nor that it did not: the last value that was told stands for
# it, up to the next change of anything else.
_CAREFUL = """stretches as (
    select f.*, count(*) filter (where _turns_anyway) over (partition by {key} order by _at) as _stretch
    from (
        select f.*, lag({state}) over w is distinct from {state} as _turns_anyway
        from filled as f window w as (partition by {key} order by _at)
    ) as f
),
counted as (
    select s.*{counts} from stretches as s
),
spoken as (
    select c.*{values} from counted as c
),
turned as (
    select s.*, _turns_anyway or not _deleted and ({turns}) as _turns
    from spoken as s window w as (partition by {key}, _stretch order by _at)
)"""


def _count_told(dimension: DimensionContract, name: str) -> sql.Composed:
    return sql.SQL(
        ", count(*) filter (where not {absent}) over (partition by {key}, _stretch order by _at) as {told}"
    ).format(absent=_absent(dimension, name), key=identifiers(dimension.key), told=_told(dimension, name))


def _last_told(dimension: DimensionContract, name: str) -> sql.Composed:
    return sql.SQL(
        ", first_value({column}) over (partition by {key}, _stretch, {told} order by _at) as {spoken}"
    ).format(
        column=sql.Identifier(name),
        key=identifiers(dimension.key),
        told=_told(dimension, name),
        spoken=_spoken(dimension, name),
    )


def flags(dimension: DimensionContract, turning: Turning, standing: dict[str, str]) -> sql.Composed:
    """For a SELECT of events from the staging table `s`: which attributes the event's file did not have, and whether
    the dimension tracked them when the file came.
    """
    return _each(
        [name for name in dimension.attributes if name in turning.untold],
        lambda name: sql.SQL(", {} as {}, s._load_id > {} as {}").format(
            is_untold(dimension, turning, name, standing),
            _absent(dimension, name),
            sql.Literal(turning.known_before(name)),
            _fresh(dimension, name),
        ),
    )


def is_untold(
    dimension: DimensionContract, turning: Turning, name: str, standing: dict[str, str]
) -> sql.Composable:
    if name not in turning.untold or ABSENT_COLUMNS not in standing:
        return sql.SQL("false")
    return sql.SQL("coalesce({} = any(s.{}), false)").format(
        sql.Literal(dimension.source_column(name)), sql.Identifier(ABSENT_COLUMNS)
    )


def flag_names(dimension: DimensionContract, turning: Turning) -> list[sql.Composable]:
    untold = [name for name in dimension.attributes if name in turning.untold]
    return [flag(dimension, name) for name in untold for flag in (_absent, _fresh)]


def newest_value(dimension: DimensionContract, turning: Turning, name: str) -> sql.Composable:
    """Of an event in `turned`: the value to show where a version shows its newest one."""
    return _spoken(dimension, name) if name in turning.untold else sql.Identifier(name)


def _anyway(dimension: DimensionContract, turning: Turning) -> list[str]:
    """Attributes whose every change opens a version."""
    return [name for name in dimension.track if name in turning.always - turning.untold]


def _watched(dimension: DimensionContract, turning: Turning) -> list[str]:
    """Attributes whose changes open a version, but not always."""
    tracked = turning.always | turning.at_times
    return [
        name
        for name in dimension.attributes
        if name in tracked and (name in turning.at_times or name in turning.untold)
    ]


def _turns(dimension: DimensionContract, turning: Turning, name: str) -> sql.Composed:
    value = newest_value(dimension, turning, name)
    differs = sql.SQL("lag({v}) over w is distinct from {v}").format(v=value)
    if name in turning.always:
        return sql.SQL("({})").format(differs)
    said: sql.Composable = _in_force(turning, name)
    if name in turning.untold:
        told = _told(dimension, name)
        # the first value that a new file tells is a change of its own time (S-54)
        said = sql.SQL("({s} or {t} = 1 and lag({t}) over w = 0 and {f})").format(
            s=said, t=told, f=_fresh(dimension, name)
        )
    return sql.SQL("({} and {})").format(differs, said)


def _in_force(turning: Turning, name: str) -> sql.Composed:
    """Whether the column was tracked at the time of the event."""
    spans = []
    for number, one in enumerate(turning.sets):
        if name not in one.tracked:
            continue
        until = turning.sets[number + 1].since if number + 1 < len(turning.sets) else None
        spans.append(
            sql.SQL(
                "_at > coalesce({}::timestamptz, '-infinity') and _at <= coalesce({}::timestamptz, 'infinity')"
            ).format(
                sql.Literal(one.since and one.since.isoformat()), sql.Literal(until and until.isoformat())
            )
        )
    return sql.SQL("({})").format(sql.SQL(" or ").join(spans))


def _state(names: list[str]) -> sql.Composed:
    """What makes two consecutive events the same state; all deletes are one state."""
    tracked = [sql.SQL("case when not _deleted then {} end").format(sql.Identifier(name)) for name in names]
    return sql.SQL("row({})").format(sql.SQL(", ").join([sql.SQL("_deleted"), *tracked]))


def _each(names: list[str], part: Callable[[str], sql.Composable]) -> sql.Composed:
    return sql.SQL("").join(part(name) for name in names)


# Numbered, because a name of 63 bytes takes no prefix (S-46).
def _absent(dimension: DimensionContract, name: str) -> sql.Identifier:
    return sql.Identifier(f"_absent_{dimension.attributes.index(name)}")


def _fresh(dimension: DimensionContract, name: str) -> sql.Identifier:
    return sql.Identifier(f"_fresh_{dimension.attributes.index(name)}")


def _told(dimension: DimensionContract, name: str) -> sql.Identifier:
    return sql.Identifier(f"_told_{dimension.attributes.index(name)}")


def _spoken(dimension: DimensionContract, name: str) -> sql.Identifier:
    return sql.Identifier(f"_spoken_{dimension.attributes.index(name)}")
