"""From a file to an alert, nobody helping: a bad file stops at its check and is told once, until it is mended."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from sales_platform_tests.acceptance.conftest import Command
from sales_platform_tests.acceptance.spoiling import file_of, sold, without_revenue
from sales_platform_tests.acceptance.test_automation import ENDED, runs
from sales_platform_tests.acceptance.test_ui import figures
from sales_platform_tests.acceptance.test_up import Up, eventually, up
from sales_platform_tests.resources.receiver import Receiver

__all__ = ["up"]

TICKS = """
query ($name: String!) {
  sensorOrError(sensorSelector: {
    repositoryLocationName: "sales_platform.definitions", repositoryName: "__repository__", sensorName: $name
  }) { ... on Sensor { sensorState { ticks { status } } } }
}"""


def ticks(running: Up, sensor: str) -> int:
    """How often it has looked, to the end."""
    found = running.ask(TICKS, name=sensor)["sensorOrError"]["sensorState"]["ticks"]
    return sum(tick["status"] != "STARTED" for tick in found)


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_a_bad_file_stops_before_the_fact_is_told_once_and_is_over_when_the_file_is_put_back(
    command: Command, up: Callable[..., Up]
) -> None:
    command("simulate", "retail", "--days", "2")
    data = command.folder / "data/retail/sales"
    expected = sold(data)
    newest = max(expected)

    with Receiver() as receiver:
        command.settings["ALERT_WEBHOOK_URL"] = receiver.url
        running = up()
        warehouse = command("url", "warehouse").strip()

        def told() -> str:
            return f"{runs(running)} {receiver.texts} {running.text}"

        def quiet() -> bool:
            return all(status in ENDED for status, _ in runs(running))

        eventually(lambda: quiet() and figures(warehouse) == expected, 500, told)

        with without_revenue(file_of(data, newest), range(5, 25)):
            eventually(lambda: len(receiver.texts) > 0, 300, told)
            looked = ticks(running, "alerts")
            eventually(lambda: ticks(running, "alerts") >= looked + 2 and quiet(), 300, told)
            assert figures(warehouse) == expected
            (opened,) = receiver.texts
            assert opened.startswith(f"Reject limit: staging/retail_sales for {newest}, since ")
            assert "MISSING_REVENUE 20 (lines 5, 6, 7, 8, 9)" in opened

        eventually(lambda: len(receiver.texts) > 1, 300, told)
        looked = ticks(running, "alerts")
        eventually(lambda: ticks(running, "alerts") >= looked + 2 and quiet(), 300, told)
        assert figures(warehouse) == expected
        over = f"Over: Reject limit: staging/retail_sales for {newest}, after "
        assert [text.startswith(over) for text in receiver.texts] == [False, True]

        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(60) == 0
