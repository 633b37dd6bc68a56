"""Clients that ask and then do not read: others are answered, and no session of the warehouse waits for them."""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from urllib.parse import urlsplit
from urllib.request import urlopen

import psycopg
import pytest
from playwright.sync_api import Page
from streamlit.proto.BackMsg_pb2 import BackMsg

from sales_platform.serving.options import ServingOptions
from sales_platform_tests.acceptance.test_up import eventually
from sales_platform_tests.serving.dashboard.conftest import Sql
from sales_platform_tests.serving.dashboard.served import value_of, visit

pytestmark = pytest.mark.slow
# more than the sessions of API or pages
CLIENTS = ServingOptions.connections + 4
DRAWINGS = 5
UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: streamlit\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
AT_WORK = (
    "select count(*)::int from pg_stat_activity where datname = current_database()"
    " and pid <> pg_backend_pid() and state <> 'idle'"
)


@pytest.fixture(scope="module")
def large_mart(company_url: str) -> str:
    """Its name; as CSV it is larger than whatever the system keeps for a reader."""
    with psycopg.connect(company_url) as connection:
        connection.execute(
            "update marts.retail_sales_daily set product_name = repeat('x', 9000000 / ("
            "select count(*) from marts.retail_sales_daily)::int)"
        )
    return "retail_sales_daily"


@pytest.fixture
def clients() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def asked(clients: ExitStack, address: str, path: str, headers: str = "") -> socket.socket:
    """A socket on which an answer has begun; it takes a few kilobytes of it before somebody reads."""
    parts = urlsplit(address)
    client = clients.enter_context(closing(socket.socket()))
    # before it connects, because the window is told then
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(60)
    client.connect((parts.hostname, parts.port))
    client.sendall(
        f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nOrigin: {address}\r\n{headers}\r\n".encode()
    )
    return client


def begins(client: socket.socket) -> bytes:
    return client.recv(12)


def draw(page: str) -> bytes:
    """What a browser sends to see a page drawn, as a frame of a WebSocket (RFC 6455, 5.2)."""
    message = BackMsg()
    message.rerun_script.page_name = page
    body = message.SerializeToString()
    assert len(body) < 126
    mask = os.urandom(4)
    return bytes([0x82, 0x80 | len(body)]) + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(body))


def assert_others_are_served(address: str, browser: Page, facts: Sql) -> None:
    eventually(lambda: facts(AT_WORK) == [(0,)], 60, lambda: "a session of the warehouse is held")
    with urlopen(f"{address}/api/metrics/payment_volume", timeout=30) as answer:
        [row] = json.load(answer)["rows"]
    [(volume,)] = facts("select sum(amount)::text from analytics.fact_transaction where status = 'success'")
    assert row["value"] == volume
    visit(browser, "payments")
    [(newest,)] = facts(
        "select sum(amount) from analytics.fact_transaction where status = 'success'"
        " and transaction_date = (select max(transaction_date) from analytics.fact_transaction)"
    )
    assert value_of(browser, "Total revenue") == f"₹{newest:,.2f}"


def test_readers_of_a_mart_that_stop_reading_hold_nobody_up(
    address: str, clients: ExitStack, large_mart: str, browser: Page, facts: Sql
) -> None:
    slow = [asked(clients, address, f"/api/marts/{large_mart}?format=csv") for _ in range(CLIENTS)]
    assert {begins(client) for client in slow} == {b"HTTP/1.1 200"}
    assert_others_are_served(address, browser, facts)
    # whoever reads on gets all of it
    received = 0
    while received < 9_000_000:
        received += len(slow[0].recv(1 << 20))


def test_browsers_that_stop_reading_a_page_hold_nobody_up(
    address: str, clients: ExitStack, browser: Page, facts: Sql
) -> None:
    with urlopen(address, timeout=30) as page:
        scripts = re.findall(r'src="\.?/?([^"]+\.js)"', page.read().decode())
    slow = [asked(clients, address, f"/{scripts[0]}") for _ in range(CLIENTS)]
    assert {begins(client) for client in slow} == {b"HTTP/1.1 200"}
    pages = [asked(clients, address, "/_stcore/stream", UPGRADE) for _ in range(CLIENTS)]
    for client in pages:
        assert begins(client) == b"HTTP/1.1 101"
        for _ in range(DRAWINGS):
            client.sendall(draw("retail"))
    assert_others_are_served(address, browser, facts)
