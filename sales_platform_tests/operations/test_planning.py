"""What a run decides to do with each day, over plain values."""

from __future__ import annotations

from datetime import date

import pytest

from sales_platform.errors import WrongUse
from sales_platform.operations.planning import DayLoad, Plan, Stretch, Why, check_range, plan_days, unbroken

START = date(2026, 1, 1)
TODAY = date(2026, 1, 11)


def day(number: int) -> date:
    return date(2026, 1, number)


def files(*numbers: int, content: str = "a") -> dict[date, str]:
    return {day(number): content for number in numbers}


def loaded(*numbers: int, **words: object) -> dict[date, DayLoad]:
    load = DayLoad(**{"succeeded": True, "content_hash": "a", **words})  # type: ignore[arg-type]
    return {day(number): load for number in numbers}


def plan(
    file_days: dict[date, str] | None = None,
    loads: dict[date, DayLoad] | None = None,
    stale: tuple[date, ...] = (),
    days: tuple[date, date] | None = None,
    force: bool = False,
) -> Plan:
    return plan_days(
        files=file_days or {},
        loads=loads or {},
        stale=stale,
        days=days,
        start=START,
        today=TODAY,
        force=force,
    )


def test_b_10_days_that_no_run_has_seen_are_found() -> None:
    found = plan(files(*range(1, 11)), loaded(*range(1, 8)))

    assert found.todo == dict.fromkeys([day(8), day(9), day(10)], Why.NEVER_LOADED)
    assert found.standing == 7


def test_b_11_exactly_the_failed_days_are_run_again() -> None:
    found = plan(files(*range(1, 11)), loaded(*range(1, 11)) | loaded(2, 5, 6, succeeded=False))

    assert found.todo == dict.fromkeys([day(2), day(5), day(6)], Why.FAILED)
    assert found.stretches == [Stretch(day(2), day(2)), Stretch(day(5), day(6))]


def test_b_14_a_day_loaded_at_noon_runs_again_once_it_has_ended() -> None:
    assert plan(files(9, 10), loaded(9) | loaded(10, partial=True)).todo == {day(10): Why.PARTIAL}


def test_b_14_a_day_that_has_not_ended_is_not_run_without_being_asked_for() -> None:
    assert plan(files(10, 11), loaded(10)).todo == {}


def test_b_14_today_loaded_at_noon_stands_until_its_file_changes() -> None:
    today = (TODAY, TODAY)

    assert plan(files(11), loaded(11, partial=True), days=today).todo == {}
    assert plan(files(11, content="b"), loaded(11, partial=True), days=today).todo == {TODAY: Why.CHANGED}


def test_a_day_whose_file_changed_is_run_again() -> None:
    assert plan(files(9, 10) | files(9, content="b"), loaded(9, 10)).todo == {day(9): Why.CHANGED}


def test_a_day_judged_by_an_older_contract_is_run_again() -> None:
    found = plan(files(9, 10), loaded(9) | loaded(10, judged_by_current_contract=False))

    assert found.todo == {day(10): Why.CONTRACT}


def test_a_day_whose_dimension_changed_is_recomputed() -> None:
    assert plan(files(9, 10), loaded(9, 10), stale=(day(9),)).todo == {day(9): Why.STALE}


def test_days_without_a_file_are_left_out_of_a_range_and_named() -> None:
    found = plan(files(2, 3, 5), days=(day(1), day(6)))

    assert list(found.todo) == [day(2), day(3), day(5)]
    assert found.missing == (day(1), day(4), day(6))
    assert found.stretches == [Stretch(day(2), day(3)), Stretch(day(5), day(5))]


def test_without_dates_the_days_between_the_first_file_and_yesterday_are_named() -> None:
    found = plan(files(3, 5, 6, 7, 8), loaded(3, 5, 6, 7, 8))

    assert found.todo == {}
    assert found.missing == (day(4), day(9), day(10))


def test_a_day_whose_file_was_taken_away_after_its_load_is_not_missed() -> None:
    assert plan(files(9, 10), loaded(8, 9, 10)).missing == ()


def test_a_first_run_without_any_file_has_nothing_to_do_and_nothing_to_name() -> None:
    assert plan() == Plan(todo={})


def test_files_before_the_first_partition_are_no_days_of_a_run() -> None:
    found = plan_days(
        files=files(1, 9, 10), loads={}, stale=(), days=None, start=day(9), today=TODAY, force=False
    )

    assert list(found.todo) == [day(9), day(10)]


def test_b_22_a_range_beyond_all_files_has_nothing_to_do() -> None:
    found = plan(files(1, 2), loaded(1, 2), days=(day(5), day(6)))

    assert found.todo == {}
    assert found.missing == (day(5), day(6))


def test_b_23_a_range_far_beyond_what_stands_is_run_as_given_and_the_days_between_are_left() -> None:
    found = plan(files(*range(1, 11)), loaded(1, 2), days=(day(7), day(9)))

    assert found.todo == dict.fromkeys([day(7), day(8), day(9)], Why.NEVER_LOADED)
    assert found.stretches == [Stretch(day(7), day(9))]
    assert found.missing == ()


def test_force_without_dates_takes_every_loaded_day() -> None:
    found = plan(files(*range(1, 11)), loaded(*range(1, 11)), force=True)

    assert found.todo == dict.fromkeys([day(n) for n in range(1, 11)], Why.FORCED)


def test_force_recomputes_a_day_whose_file_is_gone_without_loading_it() -> None:
    found = plan(files(9), loaded(8, 9), days=(day(8), day(9)), force=True)

    assert found.stretches == [Stretch(day(8), day(8), load=False), Stretch(day(9), day(9))]
    assert found.missing == (day(8),)


@pytest.mark.parametrize(
    ("first", "last", "says"),
    [
        (day(6), day(5), "comes after"),
        (date(2025, 12, 1), date(2025, 12, 31), "before the first partition"),
        (date(2025, 12, 31), day(2), "before the first partition"),
        (day(5), date(2026, 1, 12), "in the future"),
    ],
)
def test_b_22_a_range_that_can_hold_nothing_is_wrong_use(first: date, last: date, says: str) -> None:
    with pytest.raises(WrongUse, match=says):
        check_range(first, last, start=START, today=TODAY)


def test_b_22_one_day_is_a_range() -> None:
    check_range(day(5), day(5), start=START, today=TODAY)
    check_range(START, TODAY, start=START, today=TODAY)


def test_days_join_where_no_day_lies_between_them() -> None:
    assert unbroken([day(3), day(1), day(2), day(5), day(5)]) == [(day(1), day(3)), (day(5), day(5))]
    assert unbroken([]) == []
