"""One line on top: are the figures fresh, and is anything amiss with the data."""

from __future__ import annotations

import streamlit as st

from sales_platform.serving.dashboard.quality import Condition
from sales_platform.serving.dashboard.wording import many

NAMED = 4


def condition_banner(found: Condition, *, linked: bool = True) -> None:
    """linked: say where more is told."""
    parts = list(_parts(found))
    more = " More on the page *Data quality*." if linked else ""
    if parts:
        st.warning(f"{' '.join(parts)}{more}", icon=":material/warning:")
    else:
        st.success(
            "Every feed is fresh, no row stands rejected, no incident is open.",
            icon=":material/check_circle:",
        )


def _parts(found: Condition) -> list[str]:
    parts = []
    if found.old:
        parts.append(f"**Stale:** {_names([one.feed for one in found.old])}.")
    if found.unknown:
        parts.append(f"**Never loaded:** {_names([one.feed for one in found.unknown])}.")
    if found.open:
        parts.append(f"**Rejected:** {many('row', found.open)} wait for correction.")
    if found.incidents:
        named = "; ".join(f"{one.title} ({one.subject})" for one in found.incidents[:NAMED])
        parts.append(f"**Open incidents:** {named}.")
    return parts


def _names(feeds: list[str]) -> str:
    rest = len(feeds) - NAMED
    return ", ".join(feeds[:NAMED]) + (f" and {rest} more" if rest > 0 else "")
