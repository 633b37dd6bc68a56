"""Drawing a page again without being asked: every ten minutes unless paused, every few seconds while it failed."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

MINUTES = 10
_DRAWN = "_drawn_whole"


def refresh_control() -> None:
    """The switch, and when the page was drawn. Answers whose marts did not change come from the cache."""
    on = st.toggle(
        f"Refresh every {MINUTES} minutes",
        value=True,
        key="refresh",
        bind="query-params",
        persist_state="session",
        help="Switch it off to pause.",
    )
    st.caption(f"Drawn {datetime.now(UTC):%H:%M} UTC" + ("" if on else ", paused"))
    if on:
        again_every(MINUTES * 60)


def again_every(seconds: int) -> None:
    """Draw the whole page again after so many seconds, and so on while it asks for that."""
    st.session_state[_DRAWN] = True
    st.fragment(_tick, run_every=seconds)()


def _tick() -> None:
    """Runs with every drawing, and by itself when the time has passed; only then the page is drawn again."""
    if not st.session_state.pop(_DRAWN, False):
        st.rerun(scope="app")
