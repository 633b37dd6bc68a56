"""Checks whose newest evaluation failed, from Dagster's record of them. Evaluates nothing.

The record is read without Dagster, whose import alone takes longer than all of `sales-platform status`; a test holds
this reading against Dagster's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.rows import class_row

from sales_platform.engine.driver_errors import translated
from sales_platform.local.databases import external_url
from sales_platform.local.server import EmbeddedServer
from sales_platform.operations.local_server import without_driver
from sales_platform.settings import Settings

# What is older than this many evaluations is told no more; all checks of the platform together are a few hundred.
NEWEST = 100_000


@dataclass(frozen=True)
class FailingCheck:
    """table: as `staging.retail_sales`. severity: `ERROR` or `WARN`."""

    table: str
    name: str
    severity: str
    description: str
    at: datetime

    @property
    def is_error(self) -> bool:
        return self.severity == "ERROR"

    @property
    def selection(self) -> str:
        """Its table, as `sales-platform check` takes it."""
        return f"key:{self.table.replace('.', '/')}"


def failing_checks(settings: Settings) -> list[FailingCheck]:
    """Errors first. None where Dagster keeps no record yet, or its embedded server is down."""
    url = _record(settings)
    if url is None:
        return []
    with translated("DAGSTER_PG_URL"), psycopg.connect(url) as connection:
        if not _has_record(connection):
            return []
        with connection.cursor(row_factory=class_row(FailingCheck)) as cursor:
            return cursor.execute(_FAILING, [NEWEST]).fetchall()


def _record(settings: Settings) -> str | None:
    """Where Dagster keeps its record, as far as it is up; nothing is started or made for this question."""
    external = external_url(settings, "dagster")
    if external is not None:
        return without_driver(external)
    server = EmbeddedServer(settings.home)
    if not server.running:
        return None
    with translated("embedded server"), psycopg.connect(server.url("postgres")) as connection:
        row = connection.execute(
            "select exists (select from pg_database where datname = 'dagster')"
        ).fetchone()
    return server.url("dagster") if row and row[0] else None


def _has_record(connection: psycopg.Connection) -> bool:
    row = connection.execute("select to_regclass('asset_check_executions') is not null").fetchone()
    return bool(row and row[0])


# An evaluation that a run only plans, or ended without, says nothing of the table.
_FAILING = """
with newest as (
    select distinct on (asset_key, check_name)
        asset_key, check_name, execution_status, evaluation_event_timestamp as at,
        evaluation_event::jsonb #> '{dagster_event,event_specific_data}' as told
    from asset_check_executions
    where execution_status in ('SUCCEEDED', 'FAILED')
        and id > (select max(id) from asset_check_executions) - %s
    order by asset_key, check_name, id desc
)
select
    array_to_string(array(select jsonb_array_elements_text(asset_key::jsonb)), '.') as table,
    check_name as name,
    split_part(told #>> '{severity,__enum__}', '.', 2) as severity,
    coalesce(told ->> 'description', '') as description,
    at at time zone 'UTC' as at
from newest
where execution_status = 'FAILED'
order by severity, "table", name
"""
