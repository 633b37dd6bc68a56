"""Pages of the dashboard: drawn and changed in this process by Streamlit's own driver, or opened over the wire."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.testing.v1 import AppTest
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from sales_platform.local.processes import LOOPBACK
from sales_platform.metrics import running
from sales_platform.metrics.query import MetricQuery
from sales_platform.serving.dashboard import asking

PATIENCE = 120
# a whole page with all its charts
_LARGEST = 1 << 26
_PAGE = """
from sales_platform.serving.dashboard.frame import drawn
from sales_platform.serving.dashboard.views import PAGES
[drawn(page) for page in PAGES if page.path == {path!r}][0]()
"""


def page(url: str, path: str, **address: str) -> AppTest:
    """The page at a path, drawn once. address: parameters of its address."""
    app = AppTest.from_string(_PAGE.format(path=path), default_timeout=PATIENCE)
    app.secrets["warehouse_url"] = url
    for name, value in address.items():
        app.query_params[name] = value
    return drawn(app)


def drawn(app: AppTest) -> AppTest:
    """Drawn once more. An error of the page is one here."""
    app.run()
    if app.exception or app.error:
        raise RuntimeError(f"the page was not drawn: {[*app.exception, *app.error]}")
    return app


@contextmanager
def questions() -> Iterator[list[MetricQuery]]:
    """Every question to a mart that pages of this process ask, and that has an answer, in their order."""
    asked: list[MetricQuery] = []

    def recorded(connection: object, query: MetricQuery, registry: object) -> object:
        answer = running.run_query(connection, query, registry)  # type: ignore[arg-type]
        asked.append(query)
        return answer

    with patch.object(asking, "run_query", recorded):
        yield asked


@contextmanager
def visited(port: int, path: str) -> Iterator[ClientConnection]:
    """A page of a server as a browser opens it: a socket that stays, and all of the page read once."""
    with connect(
        f"ws://{LOOPBACK}:{port}/_stcore/stream", subprotocols=[Subprotocol("streamlit")], max_size=_LARGEST
    ) as socket:
        message = BackMsg()
        message.rerun_script.page_name = path
        socket.send(message.SerializeToString())
        while (ended := _ended(socket.recv(PATIENCE))) is None:
            pass
        if not ended:
            raise RuntimeError(f"the page /{path} was not drawn")
        yield socket


def _ended(received: bytes | str) -> bool | None:
    """Whether the page was drawn whole; None while more of it is to come."""
    message = ForwardMsg.FromString(received if isinstance(received, bytes) else received.encode())
    if message.WhichOneof("type") != "script_finished":
        return None
    return bool(message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY)
