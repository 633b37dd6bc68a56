"""Loads of a feed with partitions: all of a call are judged by one statement and published together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from psycopg import sql

from sales_platform.engine import quarantine
from sales_platform.engine.arrivals import Arrivals
from sales_platform.engine.changed_keys import note_changed_keys
from sales_platform.engine.fates import Outcome
from sales_platform.engine.held_rows import released_lines
from sales_platform.engine.landing import Landed, forget_loads
from sales_platform.engine.load_call import LoadCall
from sales_platform.engine.loads import LoadState, OpenLoad
from sales_platform.engine.parents import parents_changed
from sales_platform.engine.reject_limit import Candidate, arrived, refuse_beyond_limit
from sales_platform.engine.staged_partitions import publish_partitions
from sales_platform.engine.staging import staging_name
from sales_platform.engine.versions import is_read_whole, publish_versions


def load_partitions(call: LoadCall, arrivals: Arrivals, states: Mapping[str, LoadState]) -> None:
    """Publish what landed, and judge again what an older contract judged or what was held for the future."""
    again = _to_judge_again(call, arrivals, states)
    if not arrivals.landed and not again:
        return
    call.judge([*(item.load.load_id for item in arrivals.landed), *again])
    candidates = [arrived(item) for item in arrivals.landed]
    candidates += [Candidate(load, landed_by) for landed_by, load in again.items()]
    refused = refuse_beyond_limit(call, candidates)
    landed = [item for item in arrivals.landed if item.load.load_id not in refused]
    again = {landed_by: load for landed_by, load in again.items() if landed_by not in refused}
    arrived_in_vain = [i.load.load_id for i in arrivals.landed if i.load.load_id in refused]
    replaced = _replaced(landed, states)
    # The new content of a file is the newer truth: corrections of its old lines go with them.
    forget_loads(call.connection, call.feed, [*replaced, *call.corrections_to(replaced), *arrived_in_vain])
    if landed or again:
        _publish(call, landed, again)


def _to_judge_again(
    call: LoadCall, arrivals: Arrivals, states: Mapping[str, LoadState]
) -> dict[int, OpenLoad]:
    """The load that landed a partition → the load opened to judge it again."""
    partitions = {*arrivals.outdated, *released_lines(call, states)}
    if parents_changed(call.connection, call.feed):
        partitions |= states.keys()
    partitions -= {item.load.partition for item in arrivals.landed}
    opened = {}
    for partition in sorted(partitions):
        landed_by = states[partition].landed_load_id
        if landed_by is not None:
            opened[landed_by] = call.open_again(states[partition])
    return opened


def _replaced(landed: Sequence[Landed], states: Mapping[str, LoadState]) -> list[int]:
    """The loads whose raw rows the new content replaces."""
    standing = (states.get(item.load.partition) for item in landed)
    return [state.landed_load_id for state in standing if state and state.landed_load_id is not None]


def _publish(call: LoadCall, landed: Sequence[Landed], again: Mapping[int, OpenLoad]) -> None:
    fresh = [item.load.partition for item in landed]
    judged_again = [load.partition for load in again.values()]

    def publish() -> Outcome:
        return publish_partitions(call.connection, call.feed, [*fresh, *judged_again], call.judged)

    outcome = call.stage(publish, landed)
    quarantine.record_refusals(call.connection, call.feed, fresh, relanded=True)
    if judged_again:
        quarantine.record_refusals(call.connection, call.feed, judged_again, relanded=False)
    quarantine.finish_refusals(call.connection)
    if outcome.changed:
        name = staging_name(call.feed)
        publish_versions(call.connection, str(name), outcome.touched)
        if is_read_whole(call.connection, str(name)):
            note_changed_keys(call.connection, name, call.feed.key, sql.Identifier("pg_temp", "changed_now"))
    call.close(landed, outcome)
    call.close_again(again, outcome)
    call.close_resubmitted(outcome)
