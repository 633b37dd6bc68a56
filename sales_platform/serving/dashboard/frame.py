"""The frame around every page: its heading, drawing it again by itself, and what stands in its place when it fails."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from sales_platform.errors import SalesPlatformError
from sales_platform.serving.dashboard import refresh, states
from sales_platform.serving.dashboard.asking import asking
from sales_platform.serving.dashboard.views import PageOf


def drawn(page: PageOf) -> Callable[[], None]:
    def draw() -> None:
        heading, control = st.columns([3, 1], vertical_alignment="bottom")
        with heading:
            st.title(page.heading)
        with control:
            refresh.refresh_control()
        try:
            with asking() as ask, st.spinner("Reading the figures …", show_time=True):
                page.draw(ask)
        except SalesPlatformError as error:
            if states.failed(error):
                refresh.again_every(states.RETRY_SECONDS)

    return draw
