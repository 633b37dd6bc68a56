"""From where a load reads and how far its mark moves, as plain values: a table of cases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from sales_platform.engine.oltp.open_transactions import Listing, OpenTransaction
from sales_platform.engine.oltp.windows import Mark, moved, remembered, window

SECOND = timedelta(seconds=1)
UTC_ZONE = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + seconds * SECOND


def transaction(key: str, since: float | None) -> OpenTransaction:
    return OpenTransaction(key, None if since is None else at(since), None)


def listing(moment: float, *found: OpenTransaction, blind: str | None = None) -> Listing:
    return Listing(at(moment), found, blind)


LONG = transaction("7", -3600)
PREPARED = transaction("7", None)


@pytest.mark.parametrize(
    ("mark", "seen", "elapsed", "start"),
    [
        pytest.param(Mark(), listing(0), 0, None, id="no mark yet: everything"),
        pytest.param(Mark(at(-60), at(-55)), listing(0), 55, at(-60), id="nothing open: from the mark"),
        pytest.param(
            Mark(at(-60), at(-55), (LONG,)), listing(0), 55, at(-3600), id="it ended: its whole time"
        ),
        pytest.param(
            Mark(at(-60), at(-55), (LONG,)), listing(0, LONG), 55, at(-60), id="still open: nothing yet"
        ),
        pytest.param(Mark(at(-60), at(-55), (PREPARED,)), listing(0), 55, None, id="ended, of unknown start"),
        pytest.param(Mark(at(+3600), at(3605)), listing(0), 55, at(-60), id="the clock went back an hour"),
        pytest.param(Mark(at(-60), at(-55)), listing(0), -9, at(-60), id="the warehouse's clock went back"),
        pytest.param(
            Mark(at(-60), at(-55)), listing(0, blind="hidden"), 55, at(-65), id="blind: back by the overlap"
        ),
    ],
)
def test_i_07_a_window_begins_where_rows_may_still_be_unseen(
    mark: Mark, seen: Listing, elapsed: int, start: datetime | None
) -> None:
    found = window(mark, seen, elapsed * SECOND, 5 * SECOND, UTC_ZONE)

    assert found.start == start


@pytest.mark.parametrize(
    ("before", "newest", "position"),
    [
        pytest.param(None, None, None, id="an empty table has no mark"),
        pytest.param(None, -100, -100, id="the newest stamp"),
        pytest.param(-100, None, -100, id="I-02: nothing new"),
        pytest.param(-100, -50, -50, id="forward"),
        pytest.param(-50, -100, -50, id="I-13: rows that were read again do not take it back"),
        pytest.param(-100, -1, -5, id="never later than the look less the overlap"),
        pytest.param(-100, 999, -5, id="stamps of the future do not push it on"),
        pytest.param(3600, -50, -5, id="a clock that went back takes it along"),
    ],
)
def test_i_01_the_mark_moves_to_the_newest_stamp_but_never_past_the_look(
    before: int | None, newest: int | None, position: int | None
) -> None:
    moments = [None if n is None else at(n) for n in (before, newest, position)]

    assert moved(Mark(moments[0]), listing(0), moments[1], 5 * SECOND) == moments[2]


@pytest.mark.parametrize(
    ("mark", "found", "since"),
    [
        pytest.param(Mark(), LONG, -3600, id="its own start"),
        pytest.param(
            Mark(at(0), at(0), (LONG,)), PREPARED, -3600, id="prepared: the start noted under its id"
        ),
        pytest.param(
            Mark(at(0), at(-9)), PREPARED, -9, id="first seen prepared: it began after the last look"
        ),
        pytest.param(
            Mark(at(0), at(-9), (transaction("8", -50),)),
            PREPARED,
            -50,
            id="first seen prepared: it may have been idle under another key then",
        ),
        pytest.param(Mark(), PREPARED, None, id="first seen prepared, at the first look: unknown"),
        pytest.param(
            Mark(at(0), at(-9), (transaction("8", None),)), PREPARED, None, id="no bound among the noted"
        ),
    ],
)
def test_i_07_a_prepared_transaction_is_remembered_with_the_oldest_start_it_can_have(
    mark: Mark, found: OpenTransaction, since: int | None
) -> None:
    (kept,) = remembered(mark, listing(0, found))

    assert kept.since == (None if since is None else at(since))


@pytest.mark.parametrize("overlap", [timedelta(days=5000 * 365), timedelta.max])
def test_i_19_an_overlap_longer_than_time_is_cut_at_the_beginning_of_time(overlap: timedelta) -> None:
    found = window(Mark(at(-60), at(-55)), listing(0, blind="hidden"), 55 * SECOND, overlap, UTC_ZONE)
    position = moved(Mark(at(-60)), listing(0), at(-50), overlap)

    assert found.start is None
    assert position is not None
    assert position.year == 2


def test_i_19_a_mark_in_the_first_year_reads_everything() -> None:
    """Some programs stamp the first moment of year 1 where they know none."""
    nowhen = datetime(1, 1, 1, tzinfo=UTC)

    assert window(Mark(nowhen, at(-55)), listing(0), 55 * SECOND, 5 * SECOND, BERLIN).start is None


def _berlin(hour: int, minute: int) -> datetime:
    """In UTC, on the day on which Berlin says 02:00 to 03:00 twice: at 01:00 UTC."""
    return datetime(2026, 10, 25, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("mark", "now", "start"),
    [
        pytest.param(_berlin(0, 50), _berlin(1, 20), (23, 50), id="over the change"),
        pytest.param(_berlin(1, 20), _berlin(1, 40), (0, 20), id="within the repeated hour"),
        pytest.param(_berlin(12, 0), _berlin(12, 1), (12, 0), id="at noon"),
    ],
)
def test_i_18_while_an_hour_repeats_the_window_begins_an_hour_earlier(
    mark: datetime, now: datetime, start: tuple[int, int]
) -> None:
    seen = Listing(now, ())

    found = window(Mark(mark, mark), seen, timedelta(), timedelta(), BERLIN).start

    assert found is not None
    assert (found.hour, found.minute) == start
