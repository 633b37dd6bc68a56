"""Loads of a feed whose files land beside one another: each is compared with what the others left.

That is a file without partitions, which is overwritten, and every feed of snapshots.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from psycopg import sql

from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine import quarantine
from sales_platform.engine.arrivals import Arrivals
from sales_platform.engine.changed_keys import note_changed_keys
from sales_platform.engine.fates import Outcome
from sales_platform.engine.held_rows import released_lines, resolve_released
from sales_platform.engine.judging import JudgedRows, judge
from sales_platform.engine.landing import Landed, forget_loads, landing_time
from sales_platform.engine.load_call import LoadCall
from sales_platform.engine.loads import LoadState, newest_landing
from sales_platform.engine.parents import parents_changed
from sales_platform.engine.reject_limit import Candidate, arrived, refuse_beyond_limit
from sales_platform.engine.snapshots import (
    Snapshot,
    all_snapshots,
    known_time,
    record_snapshot,
    recorded_time,
    refuse_future,
    standing_at,
    told_time,
)
from sales_platform.engine.staged_landings import publish_landing
from sales_platform.engine.staged_versions import any_unsettled, publish_snapshot, settle_snapshot
from sales_platform.engine.staging import staging_name
from sales_platform.engine.versions import publish_versions
from sales_platform.engine.warehouse import Connection
from sales_platform.errors import SnapshotRefused


def load_landings(call: LoadCall, arrivals: Arrivals, states: Mapping[str, LoadState]) -> None:
    """Publish what landed, after everything that an older contract judged was judged again."""
    landed = arrivals.landed
    newest = newest_landing(states.values())
    outdated = bool(arrivals.outdated) or parents_changed(call.connection, call.feed)
    if newest and (not newest.judged_by_current_contract or outdated) and (landed or outdated):
        # A landing that will be refused must not drag the older ones under a contract that refuses it.
        landed = [item for item in landed if _fits(call, item)]
        if landed or outdated:
            _judge_all_again(call, newest, limited=outdated)
    _release(call, states)
    for item in landed:
        if _fits(call, item):
            _publish(call, item)


def restage_landings(
    connection: Connection, feed: FileFeedContract, newest_load: datetime, corrections: Mapping[int, int]
) -> None:
    """Empty staging and take over every landing from raw, by its time. Writes neither loads nor rejections.

    corrections: load of resubmitted rows → the landing whose lines they correct.
    """
    connection.execute(sql.SQL("delete from {}").format(staging_name(feed).sql))
    for snapshot in all_snapshots(connection, feed):
        mine = [corrected for corrected, landed_by in corrections.items() if landed_by == snapshot.load_id]
        moment = recorded_time(feed, snapshot)
        judged = judge(
            connection, feed, [snapshot.load_id], newest_load, corrections=mine, snapshot_at=moment
        )
        quarantine.start_refusals(connection)
        _take_over(connection, feed, snapshot, judged, closing_limit=None)
        quarantine.finish_refusals(connection)
    connection.execute("drop table if exists pg_temp.changed_now")


def _fits(call: LoadCall, item: Landed) -> bool:
    """Judge a landing; one with too many rejected rows, or that is no snapshot of its time, leaves raw again."""
    call.judge([item.load.load_id], snapshot_at=known_time(call.connection, call.feed, item.load.partition))
    if refuse_beyond_limit(call, [arrived(item)]):
        forget_loads(call.connection, call.feed, [item.load.load_id])
        return False
    try:
        _snapshot_of(call, item)
    except SnapshotRefused as error:
        _refuse(call, item, error)
        return False
    return True


def _judge(call: LoadCall, snapshot: Snapshot) -> None:
    call.judge([snapshot.load_id], snapshot_at=recorded_time(call.feed, snapshot))


def _refuse(call: LoadCall, item: Landed, error: SnapshotRefused) -> None:
    forget_loads(call.connection, call.feed, [item.load.load_id])
    call.fail([item.load.load_id], "refused", error)


def _snapshot_of(call: LoadCall, item: Landed) -> Snapshot:
    """The time for which the landing in `judged` speaks. Raises SnapshotRefused where it must not."""
    moment = known_time(call.connection, call.feed, item.load.partition)
    if moment is None:
        moment = told_time(call.connection, item.load.source)
    complete = call.feed.is_complete and not len(item.bad)
    snapshot = Snapshot(moment, complete, item.load.load_id, item.load.partition)
    if not call.feed.versions:
        return snapshot
    if call.feed.is_dated:
        refuse_future(call.connection, call.feed, snapshot, call.newest_load())
    if not call.meant.correction and standing_at(call.connection, call.feed, moment):
        raise SnapshotRefused(
            f"another content stands for the snapshot of {moment.isoformat()} (S-73).",
            where=item.load.source,
            remedy=f"If this one corrects it: `sales-platform run {call.feed.domain} --correction`.",
        )
    return snapshot


def _publish(call: LoadCall, item: Landed) -> None:
    """Publish the landing that `judged` holds, or nothing of it if it would close too many keys."""
    try:
        with call.connection.transaction():
            _publish_snapshot(call, item, _snapshot_of(call, item))
    except SnapshotRefused as error:
        _refuse(call, item, error)


def _publish_snapshot(call: LoadCall, item: Landed, snapshot: Snapshot) -> None:
    """Write down when the landing was true, take it over, and compare anew what later snapshots say."""
    limit = None if call.meant.allow_deletes else call.closing_limit
    corrected = standing_at(call.connection, call.feed, snapshot.at)
    if corrected:
        replaced = [corrected.load_id, *call.corrections_to([corrected.load_id])]
        forget_loads(call.connection, call.feed, replaced)
    record_snapshot(call.connection, call.feed, snapshot)
    outcome = call.stage(
        lambda: _take_over(call.connection, call.feed, snapshot, call.judged, closing_limit=limit), [item]
    )
    quarantine.record_refusals(call.connection, call.feed, [item.load.partition], relanded=True)
    quarantine.finish_refusals(call.connection)
    if call.feed.versions:
        outcome.touched |= _settle_later(call, snapshot, limit)
    _publish_keys(call, outcome)
    call.close([item], outcome)


def _take_over(
    connection: Connection,
    feed: FileFeedContract,
    snapshot: Snapshot,
    judged: JudgedRows,
    *,
    closing_limit: Decimal | None,
) -> Outcome:
    if feed.versions:
        return publish_snapshot(connection, feed, snapshot, judged, closing_limit)
    return publish_landing(connection, feed, judged)


def _settle_later(call: LoadCall, snapshot: Snapshot, limit: Decimal | None) -> set[str]:
    """Compare the keys that a snapshot changed anew in those after it. Returns the partitions whose rows changed."""
    touched: set[str] = set()
    for later in all_snapshots(call.connection, call.feed):
        if later.at > snapshot.at and any_unsettled(call.connection):
            _judge(call, later)
            if settle_snapshot(call.connection, call.feed, later, call.judged, limit):
                touched.add(later.partition)
    return touched


def _release(call: LoadCall, states: Mapping[str, LoadState]) -> None:
    """Rows held only for their date whose time has come enter as if they had never been held (S-38, Q-11)."""
    for partition, lines in released_lines(call, states).items():
        landed_by = states[partition].landed_load_id
        assert landed_by is not None
        load = call.open_again(states[partition])
        call.judge([landed_by], snapshot_at=landing_time(partition), source_rows=lines)
        outcome = call.stage(lambda: publish_landing(call.connection, call.feed, call.judged))
        quarantine.finish_refusals(call.connection)
        resolve_released(call, partition, lines)
        _publish_keys(call, outcome)
        call.close_again({landed_by: load}, outcome)


def _judge_all_again(call: LoadCall, newest: LoadState, *, limited: bool) -> None:
    """Judge every landing again, by its time, into an emptied table: the contract changed (Q-18).

    The newest landing speaks for the file: its fates are reported, its rejections are recorded. limited:
    refused if it has too many of them.
    """
    landed_by = newest.landed_load_id
    assert landed_by is not None
    snapshot = next(s for s in all_snapshots(call.connection, call.feed) if s.load_id == landed_by)
    load = call.open_again(newest)
    if limited:
        _judge(call, snapshot)
        if refuse_beyond_limit(call, [Candidate(load, landed_by)]):
            return
    restage_landings(call.connection, call.feed, call.newest_load(), call.corrections)
    _judge(call, snapshot)
    outcome = call.stage(
        lambda: _take_over(call.connection, call.feed, snapshot, call.judged, closing_limit=None)
    )
    quarantine.record_refusals(call.connection, call.feed, [newest.partition], relanded=False)
    quarantine.finish_refusals(call.connection)
    outcome.changed = True
    _publish_keys(call, outcome, everything=True)
    call.close_again({landed_by: load}, outcome)
    call.close_resubmitted(Outcome())


def _publish_keys(call: LoadCall, outcome: Outcome, *, everything: bool = False) -> None:
    """Say that staging changed, and at which keys; everything: whoever reads it looks at all of them."""
    if outcome.changed:
        name = str(staging_name(call.feed))
        publish_versions(call.connection, name, outcome.touched)
        if everything:
            call.connection.execute("delete from ops.consumed_version where input = %s", [name])
        changed = sql.Identifier("pg_temp", "changed_now")
        note_changed_keys(call.connection, staging_name(call.feed), call.feed.key, changed)
    call.connection.execute("drop table if exists pg_temp.changed_now")
