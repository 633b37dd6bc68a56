"""Upkeep of a warehouse: what leaves after 400 days, what never does, and that a rebuild still proves the tables."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import psycopg
import pytest

from sales_platform.engine.maintaining import KEPT_DAYS, maintain, trim
from sales_platform.engine.migrations import migrate
from sales_platform.engine.rebuild import verify
from sales_platform.engine.warehouse import Warehouse
from sales_platform_tests.faults.road import DAY, NEXT_DAY, Road, good_sales, text

TODAY = date(2027, 6, 1)
OLD = TODAY - timedelta(days=KEPT_DAYS + 10)


@pytest.fixture
def session(warehouse_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(warehouse_url, autocommit=True) as connection:
        yield connection


def a_load(session: psycopg.Connection, status: str, day: date = OLD, partition: str = "p") -> int:
    landed = status == "succeeded"
    row = session.execute(
        "insert into ops.load (feed, partition, source, status, landed, started_at, finished_at)"
        " values ('shop_parts', %s, 'a.csv', %s, %s, %s, %s) returning load_id",
        [partition, status, landed, day, day],
    ).fetchone()
    assert row is not None
    return int(row[0])


def loads(session: psycopg.Connection) -> list[int]:
    return [row[0] for row in session.execute("select load_id from ops.load order by load_id")]


def trimmed(url: str) -> dict[str, int]:
    with Warehouse(url).transaction() as connection:
        return {t: n for t, n in trim(connection, TODAY - timedelta(days=KEPT_DAYS)).items() if n}


def test_old_looks_and_failures_leave_and_what_published_or_is_newest_stays(
    session: psycopg.Connection, warehouse_url: str
) -> None:
    a_load(session, "failed")
    published = a_load(session, "succeeded")
    a_load(session, "unchanged")
    a_load(session, "refused")
    seen = a_load(session, "unchanged")
    failed = a_load(session, "failed")
    alone = a_load(session, "failed", partition="q")
    young = a_load(session, "failed", TODAY, partition="q")
    a_load(session, "succeeded", TODAY, partition="q")

    assert trimmed(warehouse_url) == {"ops.load": 4}
    assert loads(session) == [published, seen, failed, young, young + 1]
    assert alone not in loads(session)


def test_the_look_that_found_a_day_whole_after_its_end_stays(
    session: psycopg.Connection, warehouse_url: str
) -> None:
    partial, whole = a_load(session, "succeeded"), a_load(session, "unchanged", OLD + timedelta(days=1))
    later = a_load(session, "failed", OLD + timedelta(days=2))

    assert trimmed(warehouse_url) == {}
    assert loads(session) == [partial, whole, later]


def test_a_load_that_a_refused_row_names_stays(session: psycopg.Connection, warehouse_url: str) -> None:
    named = a_load(session, "failed")
    a_load(session, "succeeded")
    session.execute(
        "insert into quality.rejected_record (feed, scope, partition, source_row, reason, reasons, raw_record,"
        " record_hash, occurrence, origin, first_load_id, last_load_id, resolved_at)"
        " values ('shop_parts', 'p', 'p', 2, 'NULL_KEY', '{NULL_KEY}', '{}', 'x', 1, 'contract', %s, %s, %s)",
        [named, named, OLD],
    )

    assert trimmed(warehouse_url) == {}
    assert named in loads(session)


def test_incidents_that_were_over_long_ago_leave_and_open_ones_stay(
    session: psycopg.Connection, warehouse_url: str
) -> None:
    for number, closed in enumerate((OLD, None, TODAY), start=1):
        session.execute(
            "insert into ops.incident (kind, subject, message, opened_at, last_seen_at, closed_at)"
            " values ('overdue', 'shop', 'late', %s, %s, %s)",
            [OLD, OLD, closed],
        )
        session.execute(
            "insert into ops.incident_part (kind, name, partition, incident_id, exact, failed_at, mended_at)"
            " values ('overdue', 'shop', %s, %s, true, %s, %s)",
            [str(number), number, OLD, closed],
        )
        session.execute(
            "insert into ops.alert (incident_id, event, text, sent_at) values (%s, 'opened', 'late', %s)",
            [number, OLD],
        )

    assert trimmed(warehouse_url) == {"ops.alert": 1, "ops.incident_part": 1, "ops.incident": 1}
    left = session.execute("select incident_id from ops.incident order by 1").fetchall()
    assert left == [(2,), (3,)]


def test_the_age_of_detail_is_told_in_business_days(session: psycopg.Connection, warehouse_url: str) -> None:
    migrate(warehouse_url, time_zone="Asia/Tokyo")
    limit = TODAY - timedelta(days=KEPT_DAYS)
    old, young = a_load(session, "failed"), a_load(session, "failed")
    newest = a_load(session, "succeeded")
    for load, moment in ((old, f"{limit} 00:00+09"), (young, f"{limit} 00:01+09")):
        session.execute(
            "update ops.load set finished_at = %s::timestamptz - interval '30 seconds' where load_id = %s",
            [moment, load],
        )

    assert trimmed(warehouse_url) == {"ops.load": 1}
    assert loads(session) == [young, newest]


def test_after_the_upkeep_of_an_old_warehouse_a_rebuild_gives_the_same_tables(
    warehouse_url: str, tmp_path: Path, session: psycopg.Connection
) -> None:
    road = Road(Warehouse(warehouse_url), tmp_path / "data")
    road.prepare(DAY, NEXT_DAY)
    road.put_sales(text(good_sales(DAY, 20)), DAY)
    for _ in range(3):
        road.load(days=[DAY])
    road.publish()
    session.execute("update ops.load set finished_at = finished_at - interval '500 days'")

    done = {item.table: item for item in maintain(road.warehouse, date.today())}

    assert done["ops.load"].trimmed > 0
    assert done["staging.retail_sales"].rows == road.one("select count(*) from staging.retail_sales")
    assert done["staging.retail_sales"].bytes > 0
    assert verify(road.warehouse, road.catalog) == []
