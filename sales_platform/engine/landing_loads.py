"""Loads of a feed without partitions: each landing of its file is compared with what the ones before it left."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from psycopg import sql

from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine import quarantine
from sales_platform.engine.arrivals import Arrivals
from sales_platform.engine.changed_keys import note_changed_keys
from sales_platform.engine.fates import Outcome
from sales_platform.engine.held_rows import released_lines, resolve_released
from sales_platform.engine.judging import judge
from sales_platform.engine.landing import Landed, forget_loads, landing_time
from sales_platform.engine.load_call import LoadCall
from sales_platform.engine.loads import LoadState, newest_landing
from sales_platform.engine.parents import parents_changed
from sales_platform.engine.reject_limit import Candidate, arrived, refuse_beyond_limit
from sales_platform.engine.staged_landings import publish_landing
from sales_platform.engine.staging import staging_name
from sales_platform.engine.versions import publish_versions
from sales_platform.engine.warehouse import Connection


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
    """Empty staging and take over every landing from raw, oldest first. Writes neither loads nor rejections.

    corrections: load of resubmitted rows → the landing whose lines they correct.
    """
    landings = connection.execute(
        """
        select load_id, partition from ops.load
        where feed = %s and status = 'succeeded' and landed and not resubmission order by load_id
        """,
        [feed.name],
    ).fetchall()
    connection.execute(sql.SQL("delete from {}").format(staging_name(feed).sql))
    for load_id, partition in landings:
        mine = [corrected for corrected, landed_by in corrections.items() if landed_by == load_id]
        moment = landing_time(partition)
        judge(connection, feed, [load_id], newest_load, corrections=mine, snapshot_at=moment)
        quarantine.start_refusals(connection)
        publish_landing(connection, feed)
        quarantine.finish_refusals(connection)


def _fits(call: LoadCall, item: Landed) -> bool:
    """Judge a landing; one with too many rejected rows leaves raw again."""
    call.judge([item.load.load_id], snapshot_at=landing_time(item.load.partition))
    if refuse_beyond_limit(call, [arrived(item)]):
        forget_loads(call.connection, call.feed, [item.load.load_id])
        return False
    return True


def _publish(call: LoadCall, item: Landed) -> None:
    """Publish the landing that `judged` holds, and write down when it was true."""
    call.connection.execute(
        "insert into ops.snapshot (feed, snapshot_at, complete, load_id) values (%s, %s, false, %s)",
        [call.feed.name, landing_time(item.load.partition), item.load.load_id],
    )
    outcome = call.stage(lambda: publish_landing(call.connection, call.feed), [item])
    quarantine.record_refusals(call.connection, call.feed, [item.load.partition], relanded=True)
    quarantine.finish_refusals(call.connection)
    _publish_keys(call, outcome)
    call.close([item], outcome)


def _release(call: LoadCall, states: Mapping[str, LoadState]) -> None:
    """Rows held only for their date whose time has come enter as if they had never been held (S-38, Q-11)."""
    for partition, lines in released_lines(call, states).items():
        landed_by = states[partition].landed_load_id
        assert landed_by is not None
        load = call.open_again(states[partition])
        call.judge([landed_by], snapshot_at=landing_time(partition), source_rows=lines)
        outcome = call.stage(lambda: publish_landing(call.connection, call.feed))
        quarantine.finish_refusals(call.connection)
        resolve_released(call, partition, lines)
        _publish_keys(call, outcome)
        call.close_again({landed_by: load}, outcome)


def _judge_all_again(call: LoadCall, newest: LoadState, *, limited: bool) -> None:
    """Judge every landing again, oldest first, into an emptied table: the contract changed (Q-18).

    The newest landing speaks for the file: its fates are reported, its rejections are recorded. limited:
    refused if it has too many of them.
    """
    landed_by = newest.landed_load_id
    assert landed_by is not None
    moment = landing_time(newest.partition)
    load = call.open_again(newest)
    if limited:
        call.judge([landed_by], snapshot_at=moment)
        if refuse_beyond_limit(call, [Candidate(load, landed_by)]):
            return
    restage_landings(call.connection, call.feed, call.newest_load(), call.corrections)
    call.judge([landed_by], snapshot_at=moment)
    outcome = call.stage(lambda: publish_landing(call.connection, call.feed))
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
        publish_versions(call.connection, name)
        if everything:
            call.connection.execute("delete from ops.consumed_version where input = %s", [name])
        changed = sql.Identifier("pg_temp", "changed_now")
        note_changed_keys(call.connection, staging_name(call.feed), call.feed.key, changed)
    call.connection.execute("drop table if exists pg_temp.changed_now")
