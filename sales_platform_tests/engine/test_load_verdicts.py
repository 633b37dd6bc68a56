"""What the record of loads says of a feed: pure decisions, each with figures counted by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from sales_platform.contracts.bounds import Freshness, Volume
from sales_platform.engine.freshness import Age, Seen, judge_freshness
from sales_platform.engine.load_verdicts import (
    Arrivals,
    Level,
    Loaded,
    copied,
    is_there,
    lateness,
    newest_due_day,
    volumes,
)

BOUNDS = Volume(warn=Decimal("0.5"), error=Decimal("0.9"))
MONDAY = date(2026, 3, 2)
DAY = timedelta(days=1)
PARIS = ZoneInfo("Europe/Paris")


def days(*rows: int, step: int = 7) -> list[Loaded]:
    """Loads of Mondays, the last on MONDAY; step 1: of days in a row."""
    first = MONDAY - (len(rows) - 1) * step * DAY
    return [
        Loaded(str(first + n * step * DAY), first + n * step * DAY, count) for n, count in enumerate(rows)
    ]


@pytest.mark.parametrize(
    ("rows", "level", "off"),
    [
        (1000, Level.SOUND, 0.0),
        (501, Level.SOUND, 0.499),
        (500, Level.WARN, 0.5),
        (2000, Level.WARN, 0.5),
        (100, Level.ERROR, 0.9),
        (10_000, Level.ERROR, 0.9),
        (0, Level.ERROR, 1.0),
    ],
)
def test_half_and_twice_the_usual_warn_and_a_tenth_or_ten_times_fail(
    rows: int, level: Level, off: float
) -> None:
    (found,) = volumes(days(*[1000] * 8, rows), None, BOUNDS)
    assert (found.level, round(found.deviation, 6), found.median) == (level, off, 1000)


def test_volume_is_silent_until_eight_loads_of_the_weekday_stand_before_it() -> None:
    (seven,) = volumes(days(*[1000] * 7, 0), None, BOUNDS)
    assert (seven.level, seven.samples, seven.median) == (Level.SOUND, 7, None)
    (in_a_row,) = volumes(days(*[1000] * 40, 0, step=1), None, BOUNDS)
    assert (in_a_row.level, in_a_row.samples) == (Level.SOUND, 5)


def test_one_holiday_does_not_move_what_is_usual_and_only_28_loads_count() -> None:
    (found,) = volumes(days(*[5] * 30, *[1000] * 27, 0, 1000), None, BOUNDS)
    assert (found.samples, found.median, found.level) == (28, 1000, Level.SOUND)


def test_a_few_rows_more_or_less_are_chance() -> None:
    assert volumes(days(*[4] * 8, 0), None, BOUNDS)[0].level is Level.SOUND
    assert volumes(days(*[4] * 8, 11), None, BOUNDS)[0].level is Level.WARN
    assert volumes(days(*[0] * 8, 500), None, BOUNDS)[0].level is Level.SOUND


def test_the_bad_days_of_a_range_are_named_and_no_later_load_judges_an_earlier_one() -> None:
    series = days(*[1000] * 10, 90, 1000, 480, 1000)
    wanted = [loaded.partition for loaded in series[-4:]]
    found = {usual.loaded.partition: usual.level for usual in volumes(series, wanted, BOUNDS)}
    assert list(found.values()) == [Level.ERROR, Level.SOUND, Level.WARN, Level.SOUND]
    assert list(found) == wanted


def test_a_day_that_goes_on_is_neither_judged_nor_a_sample() -> None:
    going_on = Loaded(str(MONDAY), MONDAY, 3, whole=False)
    (found,) = volumes([*days(*[1000] * 9)[:-1], going_on], None, BOUNDS)
    assert found.loaded.partition == str(MONDAY - 7 * DAY)


def test_without_bounds_nothing_is_too_much() -> None:
    assert volumes(days(*[1000] * 8, 0), None, Volume())[0].level is Level.SOUND


def test_copies_beyond_the_limit_are_named_by_file() -> None:
    series = [Loaded("a", MONDAY, 100, 5), Loaded("b", MONDAY, 100, 6), Loaded("c", MONDAY, 0, 0)]
    assert copied(series, ["a", "b", "c"], Decimal("0.05")) == {"b": 0.06}
    assert copied(series, None, Decimal("0.05")) == {}


NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
HOURS = Freshness(warn=timedelta(hours=36), error=timedelta(days=3))


@pytest.mark.parametrize(
    ("age", "verdict"),
    [
        (0, Age.FRESH),
        (36, Age.FRESH),
        (36.01, Age.OLD),
        (72, Age.OLD),
        (72.01, Age.TOO_OLD),
        (-0.01, Age.FUTURE),
    ],
)
def test_i_34_age_warns_then_fails_and_the_future_is_an_error(age: float, verdict: Age) -> None:
    assert judge_freshness(Seen(NOW - timedelta(hours=age), True), HOURS, NOW).verdict is verdict


def test_i_34_what_never_came_or_came_empty_is_unknown_and_never_fresh() -> None:
    for seen in (Seen(None, False), Seen(NOW, False)):
        found = judge_freshness(seen, HOURS, NOW).verdict
        assert (found, found.is_sound, found.is_error) == (Age.UNKNOWN, False, False)


def test_without_bounds_no_age_is_too_old_but_the_future_still_is() -> None:
    assert judge_freshness(Seen(NOW - timedelta(days=999), True), Freshness(), NOW).verdict is Age.FRESH
    assert judge_freshness(Seen(NOW + timedelta(1), True), Freshness(), NOW).verdict is Age.FUTURE


@pytest.mark.parametrize(
    ("now", "day"),
    [
        ("2026-03-04T01:59:59+01:00", date(2026, 3, 2)),
        ("2026-03-04T03:00:00+01:00", date(2026, 3, 3)),
        # 02:00 to 03:00 of that night does not exist: three hours after midnight it is four o'clock
        ("2026-03-29T03:30:00+02:00", date(2026, 3, 27)),
        ("2026-03-29T04:00:00+02:00", date(2026, 3, 28)),
    ],
)
def test_a_day_is_due_three_hours_after_it_ended_where_the_business_is(now: str, day: date) -> None:
    assert newest_due_day(datetime.fromisoformat(now), PARIS) == day


def test_i_34_whether_yesterday_is_there_is_unknown_before_the_first_load() -> None:
    assert is_there(Arrivals({}, frozenset(), None), MONDAY) is None
    assert is_there(Arrivals({MONDAY: NOW}, frozenset(), NOW), MONDAY) is False
    assert is_there(Arrivals({MONDAY: NOW}, frozenset({MONDAY}), NOW), MONDAY) is True


def test_late_and_absent_files_are_counted_from_the_first_load_on() -> None:
    end = {n: datetime(2026, 3, n + 1, tzinfo=UTC) for n in range(1, 10)}
    first = {
        date(2026, 2, 1): end[3],  # of an old time, brought with the first load
        date(2026, 3, 3): end[3],
        date(2026, 3, 4): end[4] + timedelta(hours=26),
        date(2026, 3, 5): end[5] + timedelta(hours=27),
    }
    found = lateness(
        Arrivals(first, frozenset(), end[3] - timedelta(hours=1)),
        timedelta(hours=26),
        end[8] + timedelta(hours=12),
        ZoneInfo("UTC"),
    )
    assert found.days == 6
    assert found.came == {date(2026, 3, 5): timedelta(hours=27)}
    assert found.absent == (date(2026, 3, 6), date(2026, 3, 7))
