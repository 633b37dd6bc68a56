"""Which files of a feed with one partition per file a run has to load, and in which unbroken stretches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine.files import existing_files, locate, natural_order
from sales_platform.engine.loads import STANDING, LoadState, load_states
from sales_platform.engine.parents import parents_changed
from sales_platform.engine.warehouse import Connection
from sales_platform.errors import SourceError, SourceNotReady
from sales_platform.operations.planning import Why
from sales_platform.settings import Settings

if TYPE_CHECKING:
    import dagster as dg


@dataclass(frozen=True)
class FilePlan:
    """todo: file → why. late: those among them that sort before one that stands already. gone: files that are loaded
    and no longer there; what they brought stands. standing: files that need nothing.
    """

    feed: str
    todo: dict[str, Why]
    late: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    standing: int = 0


def plan_files(
    feed: str,
    files: Mapping[str, str],
    loads: Mapping[str, LoadState],
    *,
    parents_moved: bool = False,
    force: bool = False,
) -> FilePlan:
    """Decide for each file. files: name → hash of its content, in the feed's order. parents_moved: a table by which
    rows are accepted is another than when they were judged.
    """
    why = {
        name: _reason(loads.get(name), content, parents_moved=parents_moved, force=force)
        for name, content in files.items()
    }
    todo = {name: reason for name, reason in why.items() if reason is not None}
    stand = {name for name, load in loads.items() if load.landed_load_id is not None}
    newest = max(stand, key=natural_order, default=None)
    return FilePlan(
        feed,
        todo,
        late=tuple(
            name
            for name in todo
            if name not in stand and newest and natural_order(name) < natural_order(newest)
        ),
        gone=tuple(sorted(stand - files.keys(), key=natural_order)),
        standing=len(files) - len(todo),
    )


def _reason(load: LoadState | None, content: str, *, parents_moved: bool, force: bool) -> Why | None:
    if load is None:
        return Why.NEVER_LOADED
    if load.status not in STANDING:
        return Why.FAILED
    if load.content_hash != content:
        return Why.CHANGED
    if not load.judged_by_current_contract:
        return Why.CONTRACT
    if parents_moved:
        return Why.PARENT
    return Why.FORCED if force else None


def survey_files(
    settings: Settings, connection: Connection, feed: FileFeedContract, *, force: bool = False
) -> FilePlan:
    """Look at the files and their loads, then decide. A file that cannot be read counts as changed."""
    files = {name: _content(settings, feed, name) for name in existing_files(settings.data_root, feed.path)}
    return plan_files(
        feed.name,
        files,
        load_states(connection, feed, settings.zone),
        parents_moved=parents_changed(connection, feed),
        force=force,
    )


def register(instance: dg.DagsterInstance, feed: str, names: Sequence[str]) -> list[tuple[str, str]]:
    """Make each file a partition, in the feed's order, and return the stretches that are runs: a range in Dagster
    follows the order of registration, so a selection with holes is one run per unbroken stretch.
    """
    known = instance.get_dynamic_partitions(feed)
    new = [name for name in names if name not in known]
    if new:
        instance.add_dynamic_partitions(feed, new)
    stretches: list[tuple[str, str]] = []
    place = {name: number for number, name in enumerate([*known, *new])}
    before = None
    for name in sorted(names, key=place.__getitem__):
        if before is not None and place[name] == place[before] + 1:
            stretches[-1] = (stretches[-1][0], name)
        else:
            stretches.append((name, name))
        before = name
    return stretches


def _content(settings: Settings, feed: FileFeedContract, name: str) -> str:
    try:
        return locate(settings.data_root, feed.path, name).content_hash()
    except (SourceError, SourceNotReady):
        return ""
