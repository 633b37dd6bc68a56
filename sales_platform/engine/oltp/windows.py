"""From where a load reads and how far its mark may move, so that no late commit is lost. Plain values in and out.

The mark never passes what was open when the load looked, and what has ended since is read again from its start.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sales_platform.engine.oltp.open_transactions import Listing, OpenTransaction

AN_HOUR = timedelta(hours=1)
# Nothing is reckoned back beyond it: some programs stamp the first moment of year 1 where they know none.
_BEGINNING = datetime(2, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Mark:
    """How far a table was read. position: stamps before it were all seen; None: nothing was. listed_at: when the
    load that wrote it looked at the open transactions. pending: those that were open then.
    """

    position: datetime | None = None
    listed_at: datetime | None = None
    pending: tuple[OpenTransaction, ...] = ()


@dataclass(frozen=True)
class Window:
    """start: the least stamp to read; None: everything. pending: what the next load has to remember."""

    start: datetime | None
    pending: tuple[OpenTransaction, ...]


def window(mark: Mark, listing: Listing, elapsed: timedelta, overlap: timedelta, zone: ZoneInfo) -> Window:
    """What to read. elapsed: since the mark's look, by a clock that is not the source's.

    The bound by elapsed matters only when the source's clock went back: what was written since then is stamped
    before the mark. overlap: how far a blind load reads back.
    """
    pending = remembered(mark, listing)
    if mark.position is None:
        return Window(None, pending)
    still_open = {transaction.key for transaction in listing.open}
    ended = [transaction.since for transaction in mark.pending if transaction.key not in still_open]
    if None in ended:
        return Window(None, pending)
    starts = [mark.position, back(back(listing.at, elapsed), overlap), *(at for at in ended if at)]
    if listing.blind:
        starts.append(back(mark.position, overlap))
    start = min(starts)
    return Window(_before_a_repeated_hour(start, listing.at, zone) if start > _BEGINNING else None, pending)


def moved(mark: Mark, listing: Listing, newest: datetime | None, overlap: timedelta) -> datetime | None:
    """The new position: the newest stamp read, but never later than the look less the overlap.

    What began between the look and the snapshot stands in no list.
    """
    seen = [stamp for stamp in (mark.position, newest) if stamp is not None]
    return min(max(seen), back(listing.at, overlap)) if seen else None


def back(moment: datetime, by: timedelta) -> datetime:
    """A moment earlier, but never before time begins (I-19)."""
    return moment - min(max(by, timedelta()), max(moment - _BEGINNING, timedelta()))


def remembered(mark: Mark, listing: Listing) -> tuple[OpenTransaction, ...]:
    """What the next load has to remember: the open transactions with their start.

    A prepared one's is what was noted under its id, else the oldest bound known.
    """
    noted = {transaction.key: transaction.since for transaction in mark.pending}
    bounds = [mark.listed_at, *noted.values()]
    oldest = None if None in bounds else min(at for at in bounds if at)
    return tuple(
        OpenTransaction(found.key, found.since or noted.get(found.key, oldest), found.pid)
        for found in listing.open
    )


def _before_a_repeated_hour(start: datetime, now: datetime, zone: ZoneInfo) -> datetime:
    """Stamps without a zone say the same hour twice in autumn, and may mean the earlier one."""
    around = {
        (at + shift).astimezone(zone).utcoffset() for at in (start, now) for shift in (-3 * AN_HOUR, AN_HOUR)
    }
    return start - AN_HOUR if len(around) > 1 else start
