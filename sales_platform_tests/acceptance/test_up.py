"""`up` as real processes: it serves, runs what the UI asks for, and leaves nothing behind."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.request import Request, urlopen

import psutil
import pytest

from sales_platform.local.processes import LOOPBACK, free_port
from sales_platform.local.server import EmbeddedServer
from sales_platform_tests.acceptance.conftest import Command

ASSETS = "{ assetNodes { assetKey { path } } }"
LAUNCH = """
mutation ($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
  }
}"""
STATUS = "query ($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
STORES = {
    "selector": {
        "repositoryLocationName": "sales_platform.definitions",
        "repositoryName": "__repository__",
        "pipelineName": "__ASSET_JOB",
        "assetSelection": [{"path": ["raw", "retail_stores"]}, {"path": ["staging", "retail_stores"]}],
    },
    "mode": "default",
}


class Up:
    """A running `up` and what it has said so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.said: list[str] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)

    @property
    def text(self) -> str:
        return "".join(self.said)

    @property
    def address(self) -> str:
        line = next(line for line in self.said if "Dagster UI: " in line)
        return line.split("Dagster UI: ")[1].split()[0]

    def ask(self, query: str, **variables: object) -> Any:
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = Request(f"{self.address}/graphql", body, {"content-type": "application/json"})
        with urlopen(request, timeout=30) as answer:
            return json.load(answer)["data"]

    def status(self, run_id: str) -> str:
        return str(self.ask(STATUS, id=run_id)["runOrError"]["status"])


def eventually(condition: Callable[[], bool], wait: float, told: Callable[[], str]) -> None:
    end = time.monotonic() + wait
    while not condition():
        assert time.monotonic() < end, told()
        threading.Event().wait(0.2)


@pytest.fixture
def up(command: Command) -> Iterator[Callable[..., Up]]:
    started: list[Up] = []

    def start(*arguments: str) -> Up:
        found = Up(command.start("up", *arguments))
        started.append(found)
        eventually(
            lambda: "Dagster UI: " in found.text or found.process.poll() is not None, 120, lambda: found.text
        )
        return found

    yield start
    for found in started:
        if found.process.poll() is None:
            found.process.kill()
        found.process.wait()
        assert found.process.stdout is not None
        found.process.stdout.close()


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.slow
def test_up_serves_the_assets_runs_one_and_ctrl_c_ends_everything(
    command: Command, up: Callable[..., Up]
) -> None:
    command("simulate", "retail", "--days", "1")
    with socket.socket() as holder:
        holder.bind((LOOPBACK, 0))
        holder.listen()
        taken = holder.getsockname()[1]
        running = up("--port", str(taken))

        assert f"port {taken} is taken" in running.text
        assert not running.address.endswith(f":{taken}")

    paths = [tuple(node["assetKey"]["path"]) for node in running.ask(ASSETS)["assetNodes"]]
    assert ("analytics", "fact_sales") in paths

    run = running.ask(LAUNCH, params=STORES)["launchRun"]
    run_id = run["run"]["runId"]
    eventually(lambda: running.status(run_id) in {"SUCCESS", "FAILURE"}, 120, lambda: running.status(run_id))
    assert running.status(run_id) == "SUCCESS"

    children = family(running.process)
    secrets = [one.cmdline() for one in children if "postgresql://" in " ".join(one.cmdline())]
    assert secrets == []
    running.process.send_signal(signal.SIGINT)
    eventually(lambda: running.process.poll() is not None, 60, lambda: running.text)
    assert running.process.returncode == 0
    eventually(lambda: not alive(children), 20, lambda: str(alive(children)))
    assert not EmbeddedServer(command.home).running


@pytest.mark.slow
def test_when_one_process_of_up_dies_the_others_are_ended_and_it_is_named(
    command: Command, up: Callable[..., Up]
) -> None:
    running = up("--port", str(free_port()))
    children = family(running.process)
    daemon = next(one for one in children if any("dagster-daemon" in word for word in one.cmdline()))

    daemon.kill()

    eventually(lambda: running.process.poll() is not None, 60, lambda: running.text)
    assert running.process.returncode == 1
    eventually(lambda: "daemon ended by itself" in running.text, 5, lambda: running.text)
    eventually(lambda: not alive(children), 20, lambda: str(alive(children)))


@pytest.mark.slow
def test_what_up_started_does_not_outlive_a_kill(command: Command, up: Callable[..., Up]) -> None:
    running = up("--port", str(free_port()))
    children = family(running.process)

    running.process.kill()

    eventually(lambda: not alive(children), 40, lambda: str(alive(children)))


@pytest.mark.slow
def test_live_writes_the_files_of_yesterday_at_the_start(command: Command, up: Callable[..., Up]) -> None:
    running = up("--live", "--port", str(free_port()))

    assert len(list((command.folder / "data/retail/sales").rglob("sales.csv"))) == 1
    running.process.send_signal(signal.SIGTERM)
    eventually(lambda: running.process.poll() is not None, 60, lambda: running.text)
    assert running.process.returncode == 0
