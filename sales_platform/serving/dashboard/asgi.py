"""The dashboard as an ASGI application, to be mounted last in another one or to be served alone."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from sales_platform.errors import ConfigurationError
from sales_platform.settings import load_settings

SCRIPT = Path(__file__).with_name("app.py")


def dashboard_app(warehouse_url: str, *, dagster_url: str | None = None) -> st.App:
    """The pages over a warehouse. dagster_url: where runs can be looked at; without it none is linked.

    The application that mounts it must enter `lifespan()` of the result in its own lifespan. One per process, because
    Streamlit keeps its views in memory.
    """
    return st.App(SCRIPT, secrets={"warehouse_url": warehouse_url, "dagster_url": dagster_url or ""})


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
