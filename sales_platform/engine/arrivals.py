"""Which of the given files are new or changed, and landing those in raw. What stands is neither judged nor
replaced here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sales_platform.engine.copying import CopyResult
from sales_platform.engine.files import SourceFile
from sales_platform.engine.landing import (
    Incoming,
    Landed,
    copy_small_files,
    header_of,
    land_file,
    landing_partition,
    looks_like_a_header,
    match_header,
)
from sales_platform.engine.load_call import LoadCall
from sales_platform.engine.loads import Arriving, LoadState, newest_landing
from sales_platform.engine.quarantine import scope_of
from sales_platform.engine.reader import Header
from sales_platform.engine.snapshots import standing_loads


@dataclass(frozen=True)
class Arrivals:
    """landed: new or changed files, now in raw. outdated: partitions of unchanged files judged by an older
    contract.
    """

    landed: list[Landed] = field(default_factory=list)
    outdated: list[str] = field(default_factory=list)


def land_arrivals(call: LoadCall, files: Sequence[SourceFile], states: Mapping[str, LoadState]) -> Arrivals:
    """Land what is new or changed. A file that cannot be read is noted as a fault and holds up no other."""
    arrivals = Arrivals()
    arriving: list[tuple[SourceFile, Header, Arriving]] = []
    for file in files:
        with call.noting_faults(file):
            _look_at(call, file, standing(call, states, file), arrivals, arriving)
    opened = call.open_all([found for _, _, found in arriving])
    incoming: list[Incoming] = []
    for (file, header, _), load in zip(arriving, opened, strict=True):
        with call.noting_faults(file):
            incoming.append(match_header(call.connection, call.feed, file, header, load))
    copied = copy_small_files(call.connection, call.feed, incoming)
    for one in incoming:
        with call.noting_faults(one.file):
            arrivals.landed.append(_land(call, one, copied.get(one.load.load_id)))
    return arrivals


def standing(call: LoadCall, states: Mapping[str, LoadState], file: SourceFile) -> LoadState | None:
    """What is published of a file: its partition, or the newest landing where a file has no partition."""
    if call.feed.partitions != "none":
        return states.get(file.partition)
    if call.feed.snapshot_at:
        return _same_snapshot(call, states, file)
    return newest_landing(
        state for state in states.values() if scope_of(call.feed, state.partition) == file.partition
    )


def _same_snapshot(call: LoadCall, states: Mapping[str, LoadState], file: SourceFile) -> LoadState | None:
    """The landing of this very content, which says of itself when it was true, be it ever so long ago (S-73)."""
    content_hash, standing = file.content_hash(), standing_loads(call.connection, call.feed)
    for state in states.values():
        if state.content_hash == content_hash and state.landed_load_id in standing:
            return state
    return None


def _look_at(
    call: LoadCall,
    file: SourceFile,
    state: LoadState | None,
    arrivals: Arrivals,
    arriving: list[tuple[SourceFile, Header, Arriving]],
) -> None:
    content_hash = file.content_hash()
    if state is None or state.content_hash != content_hash:
        header = header_of(file)
        columns = header.columns if looks_like_a_header(call.feed, header) else None
        arriving.append((file, header, Arriving(_partition(call, file), file.path, content_hash, columns)))
        return
    call.note_unchanged(state, file)
    if not state.judged_by_current_contract:
        arrivals.outdated.append(state.partition)


def _partition(call: LoadCall, file: SourceFile) -> str:
    if call.feed.partitions == "none":
        return landing_partition(call.connection, call.feed, file)
    return file.partition


def _land(call: LoadCall, incoming: Incoming, copied: CopyResult | None) -> Landed:
    # an empty list of all there is means that nothing is left, which only a person can say
    emptied = call.feed.is_complete and call.meant.allow_deletes
    feed = call.feed.model_copy(update={"empty": "allow"}) if emptied else call.feed
    return land_file(call.connection, feed, incoming, copied)
