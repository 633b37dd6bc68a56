"""`/api/status`, `/healthz` and `/readyz`: whether this program works, and how fresh what it shows is."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response

from sales_platform.contracts.catalog import read_catalog
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.contracts.source import TableFeed
from sales_platform.engine.business_days import business_zone
from sales_platform.engine.driver_errors import translated
from sales_platform.engine.freshness import judge_freshness, last_seen
from sales_platform.engine.incidents import open_incidents
from sales_platform.engine.oltp.watermarks import warehouse_clock
from sales_platform.engine.warehouse import Connection
from sales_platform.serving.api.answering import json_answer
from sales_platform.serving.api.documents import answers
from sales_platform.serving.api.shapes import Health, Readiness, Status
from sales_platform.serving.api.tables import pool_of

_UNCACHED = {"cache-control": "no-store"}
_LOADS = """
select distinct on (l.feed) l.feed, l.status, l.partition, coalesce(l.finished_at, l.started_at) as at
from ops.load as l order by l.feed, l.load_id desc
"""
_REJECTED = "select feed, count(*) from quality.rejected_record where resolved_at is null group by feed"
_MADE = "select table_name, published_at from ops.table_version where table_name like 'marts.%'"
_EXAMPLE = {
    "time_zone": "UTC",
    "feeds": [
        {
            "feed": "retail_sales",
            "last_load": "succeeded",
            "partition": "2026-02-01",
            "at": "2026-02-02T02:00:11+00:00",
            "open_rejections": 4,
            "freshness": "fresh",
            "age_seconds": 3600,
        }
    ],
    "marts": [{"mart": "channels_daily", "changed_at": "2026-02-02T02:00:12+00:00"}],
    "incidents": [],
}

router = APIRouter(tags=["operation"])


@router.get(
    "/api/status",
    response_model=Status,
    summary="Freshness, incidents, last loads",
    responses=answers(Status, _EXAMPLE),
)
def status(request: Request) -> Response:
    """Of every feed its last load, how old its newest data are and how many rows stand rejected; of every mart when it
    last changed; what is out of order.
    """
    with pool_of(request).connection() as connection, translated("ops"):
        content = {
            "time_zone": str(business_zone(connection)),
            "feeds": _feeds(connection),
            "marts": [{"mart": name, "changed_at": at} for name, at in _marts(connection).items()],
            "incidents": [
                {**asdict(incident), "title": incident.title} for incident in open_incidents(connection)
            ],
        }
    return json_answer(content, _UNCACHED)


@router.get(
    "/healthz",
    response_model=Health,
    summary="This program runs",
    responses=answers(Health, {"status": "ok"}),
)
def healthz() -> Response:
    """Without a look at the warehouse."""
    return json_answer({"status": "ok"}, _UNCACHED)


@router.get(
    "/readyz",
    response_model=Readiness,
    summary="The warehouse answers",
    responses=answers(Readiness, {"status": "ready", "missing": []}),
)
def readyz(request: Request) -> Response:
    """503 where it does not."""
    with pool_of(request).connection() as connection, translated("ops"):
        missing = [name for name, at in _marts(connection).items() if at is None]
    return json_answer({"status": "ready", "missing": missing}, _UNCACHED)


def _marts(connection: Connection) -> dict[str, datetime | None]:
    """Mart → when it last changed; None for one that was not made."""
    known = sorted(name for name in read_catalog().tables if name.startswith("marts."))
    made: dict[str, datetime] = dict(connection.execute(_MADE).fetchall())
    return {name.removeprefix("marts."): made.get(name) for name in known}


def _feeds(connection: Connection) -> list[dict[str, Any]]:
    catalog = read_catalog()
    loads = {row[0]: row[1:] for row in connection.execute(_LOADS).fetchall()}
    rejected: dict[str, int] = dict(connection.execute(_REJECTED).fetchall())
    now = warehouse_clock(connection)
    found = []
    feeds: list[FileFeedContract | TableFeed] = [*catalog.feeds.values(), *catalog.table_feeds.values()]
    for feed in feeds:
        fresh = judge_freshness(last_seen(connection, feed, now), feed.freshness_bounds, now)
        state, partition, at = loads.get(feed.name, (None, None, None))
        found.append(
            {
                "feed": feed.name,
                "last_load": state,
                "partition": partition,
                "at": at,
                "open_rejections": rejected.get(feed.name, 0),
                "freshness": fresh.verdict.value,
                "age_seconds": int(fresh.age.total_seconds()) if fresh.age is not None else None,
            }
        )
    return found
