"""What the one who started the server reads while others look at pages."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest
from streamlit.logger import get_logger

from sales_platform import logs
from sales_platform.serving.dashboard.asgi import _logging_as_everybody, dashboard_app
from sales_platform.settings import Settings
from sales_platform_tests.acceptance.browser import opened
from sales_platform_tests.serving.dashboard.conftest import patient
from sales_platform_tests.serving.dashboard.served import served, visit


@pytest.mark.slow
def test_the_console_tells_the_address_and_nothing_else(company_url: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with served(company_url, log) as address, opened(address) as page:
        visit(patient(page), "")
        visit(page, "payments?range=nonsense&from=2026-99-99")
    [line] = log.read_text().splitlines()
    assert f"Dashboard: {address}" in line


def test_what_streamlit_has_to_say_goes_where_our_log_goes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.set_up(Settings(home=tmp_path), "test")
    app = dashboard_app("postgresql://nobody@127.0.0.1:1/none")

    async def go_wrong() -> None:
        async with _logging_as_everybody(app):
            get_logger("streamlit.error_util").error(
                "Uncaught app execution", exc_info=ValueError("Ann Smith")
            )

    get_logger("streamlit.error_util")
    asyncio.run(go_wrong())
    for handler in logging.getLogger().handlers[:]:
        if isinstance(handler, logs.ConsoleHandler | logs.ProcessFileHandler):
            logging.getLogger().removeHandler(handler)
            handler.close()
    [kept] = (tmp_path / "logs").iterdir()
    for written in (capsys.readouterr().err, kept.read_text()):
        assert "Uncaught app execution" in written
        assert "ValueError" in written
        assert "Ann Smith" not in written
