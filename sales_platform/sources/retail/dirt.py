"""What `--dirt` does to the files of the retail system: faults of real exports, placed by seed and date.

SOURCES 4.1 and 4.6 tell which faults the real files have; the others are those that an import must survive.
Products and stores stay clean, so that every fault shows in the tables that history and facts are made of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, time, timedelta
from typing import TypeAlias

import numpy as np

from sales_platform.sources.retail.layout import CUSTOMER_UPDATES, CUSTOMERS, SALES, Row
from sales_platform.sources.retail.master_data import CUSTOMER_COUNT, TIERS
from sales_platform.sources.retail.randomness import Purpose, stream

Fault: TypeAlias = Callable[[np.random.Generator, Row], Row]

FAULT_SHARE = 0.005
"""Of the rows of one file, for each kind of fault; at least one row has it."""
LATE_REGISTERED_SHARE = 0.17
"""Of the customers: so 17 % of the sales precede their customer's created_at, as 8,500 real ones do."""
DOUBTFUL_UPDATE_CHANCE = 0.10
"""Of a day, for each kind of update that is late, contradicts another or repeats it."""
BROKEN_UPDATE_CHANCE = 0.01
"""Of a day, for each kind of update that nobody can use; together they stay below a reject limit of 5 %."""
UNKNOWN_FROM = 900_000
"""Identifiers from here on belong to nobody."""
LATEST_DAYS = 20
UNREADABLE = ("31 February", "2025-02-30T10:00:00", "yesterday", "13/25/2025 08:00")
ABSENT = ("", "NULL")


def late_registered(seed: int) -> frozenset[int]:
    """The customers whose created_at tells when they were exported, not when they joined."""
    rng = stream(seed, Purpose.LATE_REGISTRATION)
    count = round(LATE_REGISTERED_SHARE * CUSTOMER_COUNT)
    return frozenset((rng.choice(CUSTOMER_COUNT, count, replace=False) + 1).tolist())


def spoil_customers(seed: int, end: date, rows: list[Row]) -> list[Row]:
    """Customers as an export at the end of `end` shows them.

    The late-registered ones carry the last second of `end` as created_at, so all their sales up to `end`
    precede it; some others lack an e-mail, or a created_at that can be read, or stand in the file twice.
    """
    late = late_registered(seed)
    exported_at = f"{end.isoformat()}T23:59:59"
    stamped = [
        _with(row, CUSTOMERS, "created_at", exported_at) if int(row[0]) in late else row for row in rows
    ]
    spared = frozenset(place for place, row in enumerate(stamped) if int(row[0]) in late)
    faults = (
        _absent(CUSTOMERS, "email"),
        _absent(CUSTOMERS, "created_at"),
        _unreadable(CUSTOMERS, "created_at"),
    )
    return _spoil(stream(seed, Purpose.CUSTOMER_DIRT), stamped, faults, spared)


def spoil_sales(seed: int, day: date, rows: list[Row]) -> list[Row]:
    """A day's sales with missing values, unknown keys and unreadable dates; identical copies at the end."""
    faults = (
        _absent(SALES, "sale_id"),
        _absent(SALES, "customer_id"),
        _absent(SALES, "revenue"),
        _unreadable(SALES, "sale_timestamp"),
        _unknown(SALES, "customer_id"),
        _unknown(SALES, "product_id"),
    )
    return _spoil(stream(seed, Purpose.SALES_DIRT, day), rows, faults, frozenset())


def spoil_updates(seed: int, days: Iterable[tuple[date, list[Row]]]) -> Iterator[tuple[date, list[Row]]]:
    """Each day's updates with faulty relatives of earlier ones behind them; a later day still only appends.

    Late-registered customers have no updates: they do not exist yet.
    """
    late = late_registered(seed)
    seen: list[Row] = []
    for day, all_rows in days:
        rows = [row for row in all_rows if int(row[0]) not in late]
        seen.extend(rows)
        rng = stream(seed, Purpose.UPDATE_DIRT, day)
        yield day, rows + list(_faulty_relatives(rng, seen))


def _faulty_relatives(rng: np.random.Generator, seen: list[Row]) -> Iterator[Row]:
    for fault, chance in UPDATE_FAULTS.items():
        if rng.random() < chance and seen:
            yield fault(rng, seen[int(rng.integers(len(seen)))])


def _spoil(
    rng: np.random.Generator, rows: list[Row], faults: tuple[Fault, ...], spared: frozenset[int]
) -> list[Row]:
    """Give each fault its share of the rows, none of them twice, and repeat as many clean ones at the end."""
    share = max(1, round(FAULT_SHARE * len(rows)))
    places = [place for place in rng.permutation(len(rows)).tolist() if place not in spared]
    spoiled = list(rows)
    for number, fault in enumerate(faults):
        for place in places[number * share : (number + 1) * share]:
            spoiled[place] = fault(rng, rows[place])
    repeated = places[len(faults) * share : (len(faults) + 1) * share]
    return spoiled + [rows[place] for place in repeated]


def _with(row: Row, columns: Row, column: str, value: str) -> Row:
    place = columns.index(column)
    return (*row[:place], value, *row[place + 1 :])


def _absent(columns: Row, column: str) -> Fault:
    return lambda rng, row: _with(row, columns, column, ABSENT[int(rng.integers(len(ABSENT)))])


def _unreadable(columns: Row, column: str) -> Fault:
    return lambda rng, row: _with(row, columns, column, UNREADABLE[int(rng.integers(len(UNREADABLE)))])


def _unknown(columns: Row, column: str) -> Fault:
    return lambda rng, row: _with(row, columns, column, str(UNKNOWN_FROM + int(rng.integers(1, 1_000))))


def _of_other_tier(rng: np.random.Generator, row: Row) -> Row:
    tier = row[CUSTOMER_UPDATES.index("loyalty_tier")]
    others = [other for other in TIERS if other != tier]
    return _with(row, CUSTOMER_UPDATES, "loyalty_tier", others[int(rng.integers(len(others)))])


def _reported_late(rng: np.random.Generator, row: Row) -> Row:
    """An older change of the same customer, reported late: its version splits the one that stands."""
    known_at = datetime.fromisoformat(row[CUSTOMER_UPDATES.index("updated_at")])
    day = known_at.date() - timedelta(days=int(rng.integers(1, LATEST_DAYS + 1)))
    return _with(
        _of_other_tier(rng, row), CUSTOMER_UPDATES, "updated_at", datetime.combine(day, time(12)).isoformat()
    )


def _identical(_rng: np.random.Generator, row: Row) -> Row:
    return row


UPDATE_FAULTS: dict[Fault, float] = {
    _reported_late: DOUBTFUL_UPDATE_CHANCE,
    _of_other_tier: DOUBTFUL_UPDATE_CHANCE,
    _identical: DOUBTFUL_UPDATE_CHANCE,
    _absent(CUSTOMER_UPDATES, "updated_at"): BROKEN_UPDATE_CHANCE,
    _unreadable(CUSTOMER_UPDATES, "updated_at"): BROKEN_UPDATE_CHANCE,
    _unknown(CUSTOMER_UPDATES, "customer_id"): BROKEN_UPDATE_CHANCE,
}
