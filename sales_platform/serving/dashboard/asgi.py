"""The dashboard as an ASGI application, to be mounted last in another one or to be served alone."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st

from sales_platform.errors import ConfigurationError
from sales_platform.serving.dashboard.sessions import kept_sessions
from sales_platform.settings import load_settings

SCRIPT = Path(__file__).with_name("app.py")


def dashboard_app(warehouse_url: str, *, dagster_url: str | None = None) -> st.App:
    """The pages over a warehouse. dagster_url: where runs can be looked at; without it none is linked.

    The application that mounts it must enter `lifespan()` of the result in its own lifespan. One per process, because
    Streamlit keeps its views in memory.
    """
    told = {"warehouse_url": warehouse_url, "dagster_url": dagster_url or ""}
    return st.App(SCRIPT, secrets=told, lifespan=_serving)


@asynccontextmanager
async def _serving(app: st.App) -> AsyncIterator[None]:
    async with _logging_as_everybody(app):
        with kept_sessions():
            yield


@asynccontextmanager
async def _logging_as_everybody(_app: st.App) -> AsyncIterator[None]:
    """Streamlit writes its lines, uvicorn's, and the words of exceptions, which may quote a row, past our log. Handed
    on, they are masked and kept as all others are.
    """
    for logger in list(logging.Logger.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger) and hasattr(logger, "streamlit_console_handler"):
            logger.removeHandler(logger.streamlit_console_handler)
            logger.propagate = True
    yield


def standalone() -> st.App:
    """`uvicorn --factory sales_platform.serving.dashboard.asgi:standalone`: for work on the pages.

    Raises ConfigurationError without WAREHOUSE_URL.
    """
    settings = load_settings()
    if settings.warehouse_url is None:
        raise ConfigurationError(
            "names no warehouse.",
            where="WAREHOUSE_URL",
            remedy='Set it: export WAREHOUSE_URL="$(sales-platform url warehouse)".',
        )
    return dashboard_app(
        settings.warehouse_url.get_secret_value(), dagster_url=f"http://127.0.0.1:{settings.ui_port}"
    )
