"""What Streamlit runs at every visit and every choice: the look, the menu, and the page that was chosen."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from sales_platform.serving.dashboard import theme
from sales_platform.serving.dashboard.frame import drawn
from sales_platform.serving.dashboard.views import PAGES

ICON = Path(__file__).with_name("icon.svg")


def main() -> None:
    st.set_page_config(page_title="Sales platform", page_icon=ICON, layout="wide")
    theme.dress(theme.look())
    pages = [
        st.Page(
            drawn(page),
            title=page.title,
            icon=page.icon,
            url_path=page.path,
            default=not page.path,
        )
        for page in PAGES
    ]
    st.navigation(pages, position="top").run()


main()
