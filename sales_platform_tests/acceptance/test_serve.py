"""`serve` as a real process: it answers on its port, and leaves nothing behind."""

from __future__ import annotations

import json
import signal
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from sales_platform.local.server import EmbeddedServer
from sales_platform_tests.acceptance.conftest import Command


def is_answering(address: str) -> bool:
    try:
        with urlopen(f"{address}/healthz", timeout=30):
            return True
    except OSError:
        return False


@pytest.mark.slow
@pytest.mark.parametrize(
    "signals",
    [[signal.SIGINT], [signal.SIGTERM], [signal.SIGINT] * 2],
    ids=["Ctrl-C", "SIGTERM", "Ctrl-C by someone impatient"],
)
def test_serve_answers_until_it_is_asked_to_stop(command: Command, signals: list[signal.Signals]) -> None:
    process = command.start("serve")
    assert process.stdout is not None
    with process.stdout as said:
        line = next(line for line in said if "Dashboard: " in line)
        address = line.split("Dashboard: ")[1].split()[0]
        with urlopen(f"{address}/readyz", timeout=30) as answer:
            assert "channels_daily" in json.load(answer)["missing"]
        with urlopen(address, timeout=30) as page:
            assert "text/html" in page.headers["content-type"]
        with pytest.raises(HTTPError) as missing:
            urlopen(f"{address}/api/metrics/payments", timeout=30)
        assert "sales-platform run channels" in missing.value.read().decode()
        missing.value.close()

        for number in signals:
            process.send_signal(number)
            while is_answering(address):  # the next signal meets the end that this one began
                pass
        assert "Traceback" not in said.read()
        assert process.wait(30) == 0
    assert not EmbeddedServer(command.home).running
