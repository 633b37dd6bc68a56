"""Data quality: what was rejected, by reason and day, with samples and the way to the run that refused it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import streamlit as st

from sales_platform.engine.refusing_loads import refusing_loads
from sales_platform.engine.rejected_rows import RejectedCount, count_rejected
from sales_platform.serving.dashboard import charts
from sales_platform.serving.dashboard.asking import Asking
from sales_platform.serving.dashboard.banner import condition_banner
from sales_platform.serving.dashboard.charts import Measure, Series
from sales_platform.serving.dashboard.panels import panel
from sales_platform.serving.dashboard.quality import SAMPLES, condition, samples
from sales_platform.serving.dashboard.theme import look

ALL = "All"
COUNT = Measure("count")


def draw(ask: Asking) -> None:
    condition_banner(condition(ask.connection), linked=False)
    counts = count_rejected(ask.connection, resolved=True)
    if not counts:
        st.success("No row was ever rejected.", icon=":material/check_circle:")
        return
    st.header("Rejected rows")
    feed, reason = _choice(counts)
    counts = [one for one in counts if feed in (ALL, one.feed) and reason in (ALL, one.reason)]
    _totals(counts)
    left, right = st.columns(2)
    with left:
        _by_reason(ask, counts)
    with right:
        _by_day(ask, counts)
    _samples(ask, counts)
    _runs(ask, None if feed == ALL else feed)


def _choice(counts: Sequence[RejectedCount]) -> tuple[str, str]:
    left, right, *_ = st.columns(4)
    feeds = [ALL, *sorted({one.feed for one in counts})]
    with left:
        feed = str(st.selectbox("Feed", feeds, key="feed", bind="query-params"))
    reasons = [ALL, *sorted({one.reason for one in counts if feed in (ALL, one.feed)})]
    with right:
        return feed, str(st.selectbox("Reason", reasons, key="reason", bind="query-params"))


def _totals(counts: Sequence[RejectedCount]) -> None:
    figures = (
        ("Stand rejected", sum(one.open for one in counts)),
        ("Resolved since", sum(one.resolved for one in counts)),
        ("Feeds concerned", len({one.feed for one in counts if one.open})),
        ("Reasons", len({one.reason for one in counts if one.open})),
    )
    for place, (title, value) in zip(st.columns(4), figures, strict=True):
        place.metric(title, f"{value:,}", border=True)


def _by_reason(ask: Asking, counts: Sequence[RejectedCount]) -> None:
    found: dict[str, int] = defaultdict(int)
    for one in counts:
        found[one.reason] += one.open
    points = sorted(((reason, rows) for reason, rows in found.items() if rows), key=lambda point: -point[1])
    _panel(
        ask,
        charts.ranked(look(), COUNT, Series("Rows", points)),
        [{"reason": reason, "open": rows} for reason, rows in points],
        "Rows that stand rejected, by first reason",
    )


def _by_day(ask: Asking, counts: Sequence[RejectedCount]) -> None:
    days: dict[Any, list[int]] = defaultdict(lambda: [0, 0])
    for one in counts:
        days[one.day][0] += one.open
        days[one.day][1] += one.resolved
    series = [
        Series(name, [(day, days[day][place]) for day in sorted(days)])
        for place, name in enumerate(("Stand rejected", "Resolved since"))
    ]
    _panel(
        ask,
        charts.bars(look(), COUNT, series, stacked=True),
        [{"day": day, "open": days[day][0], "resolved": days[day][1]} for day in sorted(days)],
        "Rejected rows by the day of their last refusal",
    )


def _panel(ask: Asking, figure: Any, records: list[dict[str, Any]], title: str) -> None:
    note = (
        "Rows of `quality.rejected_record`, each counted once, by the first reason that it was refused for."
    )
    panel(ask, figure, records, title=title, unit="rows", metrics=(), note=note)


def _samples(ask: Asking, counts: Sequence[RejectedCount]) -> None:
    st.header("Samples")
    standing = {one.feed for one in counts if one.open}
    reasons = {one.reason for one in counts if one.open}
    if not standing:
        st.success("Nothing stands rejected.", icon=":material/check_circle:")
    for feed in sorted(standing):
        only = next(iter(reasons)) if len(reasons) == 1 else None
        st.markdown(f"**{feed}**")
        st.dataframe(
            samples(ask.connection, feed, only),
            hide_index=True,
            alt=f"Rejected records of {feed}",
            column_config={"last seen": _moment("last seen")},
        )
        st.caption(
            f"At most {SAMPLES} records; what may be personal is masked. To correct them:"
            f" `sales-platform rejected export {feed}`."
        )


def _runs(ask: Asking, feed: str | None) -> None:
    st.header("Loads that refused rows")
    address = ask.source.dagster_url
    rows = [
        {
            "feed": load.feed,
            "partition": load.partition,
            "finished": load.finished_at,
            "read": load.rows_read,
            "rejected": load.rows_rejected,
            "share": 100 * load.rows_rejected / load.rows_read if load.rows_read else None,
            "run": f"{address}/runs/{load.run_id}" if address and load.run_id else None,
        }
        for load in refusing_loads(ask.connection, feed)
    ]
    if not rows:
        st.success("No load refused a row.", icon=":material/check_circle:")
        return
    st.dataframe(
        rows,
        hide_index=True,
        alt="Loads that refused rows, the newest first",
        column_config={
            "share": st.column_config.NumberColumn("share", format="%.2f%%"),
            "finished": _moment("finished"),
            "run": st.column_config.LinkColumn("run in Dagster", display_text="Open"),
        },
    )


def _moment(title: str) -> Any:
    return st.column_config.DatetimeColumn(f"{title} (UTC)", format="DD-MMM-YYYY HH:mm")
