"""What is drawn where there is no figure: nothing found, a mart that was not made, a warehouse that does not answer."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from sales_platform.errors import (
    MartMissing,
    SalesPlatformError,
    ServerUnavailable,
    TransientError,
    WrongParameter,
)

log = logging.getLogger(__name__)
RETRY_SECONDS = 10


def empty(what: str = "Nothing in this range with these filters.") -> None:
    st.info(f"{what} Choose a longer range or fewer filters.", icon=":material/search_off:")


@contextmanager
def missing_marts_shown() -> Iterator[None]:
    """One part of a page whose mart was not made leaves the others standing."""
    try:
        yield
    except MartMissing as error:
        mart_missing(error)


def mart_missing(error: MartMissing) -> None:
    st.warning(
        f"**{error.where} has no figures yet.** {error.what.capitalize()} {error.remedy or ''}",
        icon=":material/build:",
    )


def failed(error: SalesPlatformError) -> bool:
    """A page that could not be drawn. True where it may pass by itself, so that it is worth drawing again soon."""
    log.warning("page not drawn: %s", error)
    if isinstance(error, MartMissing):
        mart_missing(error)
        return False
    if isinstance(error, WrongParameter):
        st.error(f"**This view cannot be shown.** {error}", icon=":material/link_off:")
        return False
    passing = isinstance(error, TransientError)
    title = "The warehouse does not answer." if passing else "The figures cannot be read."
    act = f" {error.remedy}" if error.remedy else ""
    # the driver's words name the server, which is for the log alone
    what = "" if isinstance(error, ServerUnavailable) else f" {error.what}"
    st.error(f"**{title}**{what}{act}", icon=":material/cloud_off:")
    if passing:
        st.caption(f"This page tries again every {RETRY_SECONDS} seconds and comes back by itself.")
    st.button("Try again", icon=":material/refresh:")
    return passing
