"""Plans of feeds that land together, over plain values."""

from __future__ import annotations

from datetime import date

from sales_platform.operations.planning import Plan, Why
from sales_platform.operations.surveying import merged

FIRST, SECOND, THIRD = date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 3)


def test_a_day_that_one_feed_lacks_waits_for_its_file() -> None:
    sales = Plan({FIRST: Why.NEVER_LOADED, SECOND: Why.CHANGED})
    returns = Plan({FIRST: Why.NEVER_LOADED}, missing=(SECOND,))

    together = merged([sales, returns])

    assert together.todo == {FIRST: Why.NEVER_LOADED}
    assert together.missing == (SECOND,)


def test_a_day_that_any_feed_owes_is_run_for_the_reason_of_the_first() -> None:
    together = merged(
        [Plan({THIRD: Why.FAILED}, standing=5), Plan({THIRD: Why.CHANGED, FIRST: Why.CHANGED}, standing=3)]
    )

    assert list(together.todo.items()) == [(FIRST, Why.CHANGED), (THIRD, Why.FAILED)]
    assert together.standing == 3


def test_a_day_whose_file_is_gone_is_still_recomputed() -> None:
    gone = Plan({FIRST: Why.FORCED}, missing=(FIRST,), fileless=frozenset({FIRST}))

    assert merged([gone]).todo == {FIRST: Why.FORCED}
