"""A process that runs assets is killed: its run is failed and its pool is free, and no living run is touched."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from sales_platform import local
from sales_platform.local.processes import LOOPBACK, free_port
from sales_platform.operations.dead_runs import bury_dead_runs, bury_runs_without_server, living
from sales_platform.operations.pools import make_pools

POOL = "writes/shop.parts"
WORKER = f"""
import sys, threading
from pathlib import Path
import dagster as dg
from sales_platform.operations.materializing import materialize_in

@dg.asset(pool={POOL!r})
def parts() -> None:
    Path(sys.argv[2]).touch()
    threading.Event().wait()

with dg.DagsterInstance.from_config(sys.argv[1]) as instance:
    materialize_in(dg.Definitions(assets=[parts], executor=dg.in_process_executor), "key:parts", None, None,
        instance=instance)
"""


@pytest.fixture
def instance(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dg.DagsterInstance]:
    shutil.copy(Path(local.__file__).with_name("dagster.yaml"), tmp_path)
    monkeypatch.setenv("DAGSTER_PG_URL", database_url.replace("postgresql://", "postgresql+psycopg2://", 1))
    with dg.DagsterInstance.from_config(str(tmp_path)) as found:
        yield found


@pytest.fixture
def worker(instance: dg.DagsterInstance, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process in the middle of writing a table."""
    at_work = tmp_path / "at_work"
    command = [sys.executable, "-c", WORKER, str(tmp_path), str(at_work)]
    with subprocess.Popen(command, env=os.environ, stderr=subprocess.DEVNULL) as process:
        end = time.monotonic() + 120
        while not at_work.exists():
            assert process.poll() is None
            assert time.monotonic() < end
            threading.Event().wait(0.1)
        yield process
        process.kill()


def claimed(instance: dg.DagsterInstance) -> int:
    return int(instance.event_log_storage.get_concurrency_info(POOL).active_slot_count)


def test_a_killed_run_is_failed_not_tried_again_by_itself_and_its_pool_is_free(
    instance: dg.DagsterInstance, worker: subprocess.Popen[bytes]
) -> None:
    (run,) = instance.get_runs()
    assert bury_dead_runs(instance) == []
    assert (run.status, claimed(instance)) == (dg.DagsterRunStatus.STARTED, 1)

    worker.kill()
    worker.wait()

    assert bury_dead_runs(instance) == [run.run_id]
    (after,) = instance.get_runs()
    assert (after.status, claimed(instance)) == (dg.DagsterRunStatus.FAILURE, 0)
    assert after.tags["dagster/will_retry"] == "false"
    assert bury_dead_runs(instance) == []


def test_a_run_that_ended_by_itself_leaves_nothing_to_bury(instance: dg.DagsterInstance) -> None:
    with living(instance, "a-run"):
        pass

    assert bury_dead_runs(instance) == []
    assert list((Path(instance.root_directory) / "living_runs").iterdir()) == []


def test_runs_whose_code_server_is_gone_are_failed_and_those_of_one_that_answers_go_on(
    instance: dg.DagsterInstance,
) -> None:
    with socket.socket() as server:
        server.bind((LOOPBACK, 0))
        server.listen()
        ports = {"alive": server.getsockname()[1], "dead": free_port()}
        runs = {
            name: instance.add_run(
                dg.DagsterRun(
                    job_name=name,
                    status=dg.DagsterRunStatus.STARTED,
                    tags={".dagster/grpc_info": json.dumps({"host": LOOPBACK, "port": port})},
                )
            )
            for name, port in ports.items()
        }

        assert bury_runs_without_server(instance) == [runs["dead"].run_id]

    found = {run.job_name: run.status for run in instance.get_runs()}
    assert found == {"alive": dg.DagsterRunStatus.STARTED, "dead": dg.DagsterRunStatus.FAILURE}


def test_one_step_at_a_time_writes_a_table_and_the_next_one_gets_its_turn(
    instance: dg.DagsterInstance,
) -> None:
    storage = instance.event_log_storage
    for pool in (POOL, "writes/shop.days"):
        storage.initialize_concurrency_limit_to_default(pool)
    assert storage.claim_concurrency_slot(POOL, "first", "parts").is_claimed
    assert not storage.claim_concurrency_slot(POOL, "second", "parts").is_claimed
    assert storage.claim_concurrency_slot("writes/shop.days", "third", "days").is_claimed

    storage.free_concurrency_slot_for_step("first", "parts")

    assert storage.claim_concurrency_slot(POOL, "second", "parts").is_claimed


def test_every_pool_is_made_before_runs_need_it_and_once(instance: dg.DagsterInstance) -> None:
    @dg.asset(pool=POOL)
    def parts() -> None:
        """A table."""

    definitions = dg.Definitions(assets=[parts])

    assert make_pools(instance, definitions) == [POOL]
    assert make_pools(instance, definitions) == []
    assert instance.event_log_storage.get_concurrency_info(POOL).slot_count == 1
