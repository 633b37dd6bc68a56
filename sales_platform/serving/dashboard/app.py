"""What Streamlit runs at every visit and every choice: the frame around the pages. A page draws itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from sales_platform.errors import SalesPlatformError
from sales_platform.serving.dashboard import refresh, states, theme
from sales_platform.serving.dashboard.asking import asking
from sales_platform.serving.dashboard.views import PAGES, PageOf

ICON = Path(__file__).with_name("icon.svg")


def _drawn(page: PageOf) -> Callable[[], None]:
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


def main() -> None:
    st.set_page_config(page_title="Sales platform", page_icon=ICON, layout="wide")
    theme.dress(theme.look())
    pages = [
        st.Page(
            _drawn(page),
            title=page.title,
            icon=page.icon,
            url_path=page.path,
            default=not page.path,
        )
        for page in PAGES
    ]
    st.navigation(pages, position="top").run()


main()
