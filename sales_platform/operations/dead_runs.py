"""Runs that a killed process left as running: found, marked as failed, and what they held of pools given back.

A process that runs assets holds a lock on a file of the run's name, which the kernel drops with the process. Runs of
the daemon are watched by its code server; only when that is gone too they are found here.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sales_platform.local.locks import open_lock, try_exclusive
from sales_platform.local.processes import is_listening

if TYPE_CHECKING:
    import dagster as dg

log = logging.getLogger(__name__)

FOLDER = "living_runs"
CODE_SERVER = ".dagster/grpc_info"
NO_RETRY = {"dagster/max_retries": "0"}
DIED = "The process of this run ended before the run did."


@contextmanager
def living(instance: dg.DagsterInstance, run_id: str) -> Iterator[None]:
    """Let other processes know that the run lives as long as this one does."""
    if instance.is_ephemeral:
        yield
        return
    folder = Path(instance.root_directory) / FOLDER
    folder.mkdir(exist_ok=True)
    draft, place = folder / f".{run_id}", folder / run_id
    descriptor = os.open(draft, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        try_exclusive(descriptor)
        # under its name from the first moment that it is locked, so that nobody takes it for dead
        draft.rename(place)
        yield
    finally:
        place.unlink(missing_ok=True)
        os.close(descriptor)


def bury_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark as failed each run of this machine whose process is gone; a new one does its work. Returns their ids."""
    buried = []
    for place in sorted((Path(instance.root_directory) / FOLDER).glob("[!.]*")):
        try:
            descriptor = open_lock(place)
        except FileNotFoundError:
            continue  # it has just ended
        if try_exclusive(descriptor):
            buried += _bury(instance, place.name, NO_RETRY)
            place.unlink(missing_ok=True)
        os.close(descriptor)
    return buried


def bury_runs_without_server(instance: dg.DagsterInstance) -> list[str]:
    """The same for runs that a code server of this machine had started when all of it was killed; the daemon starts
    them once more.
    """
    import dagster as dg

    active = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
    runs = instance.get_runs(dg.RunsFilter(statuses=active))
    servers = {run.run_id: json.loads(run.tags[CODE_SERVER]) for run in runs if CODE_SERVER in run.tags}
    gone = [
        run_id
        for run_id, server in servers.items()
        if server.get("port") and not is_listening(server["port"])
    ]
    return [buried for run_id in gone for buried in _bury(instance, run_id, {})]


def _bury(instance: dg.DagsterInstance, run_id: str, tags: dict[str, str]) -> list[str]:
    run = instance.get_run_by_id(run_id)
    instance.event_log_storage.free_concurrency_slots_for_run(run_id)
    if run is None or run.is_finished:
        return []
    instance.add_run_tags(run_id, tags)
    instance.report_run_failed(run, DIED)
    log.warning("run=%s died with its process and is marked as failed", run_id)
    return [run_id]
