"""The numbered files of sql/migrations: what they make, and that they make it whole or not at all."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.exc import ProgrammingError

from sales_platform.engine.migrations import MIGRATIONS, migrate, pending

LISTING = Path(__file__).with_name("migrated_schema.txt")

# What the platform's own schemas hold, one line per column, constraint, index, function and comment.
_CATALOG = """
    select format('column %s.%s %s %s%s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
        case when a.attnotnull then 'not null' else 'null' end,
        coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')) as line
    from pg_attribute a join pg_class c on c.oid = a.attrelid and c.relkind = 'r'
    join pg_namespace n on n.oid = c.relnamespace and n.nspname = any('{ops,quality}')
    left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
    where a.attnum > 0 and not a.attisdropped
    union all
    select format('constraint %s: %s', conrelid::regclass, pg_get_constraintdef(oid)) from pg_constraint
    where connamespace::regnamespace::text = any('{ops,quality}') and contype <> 'n'
    union all
    select format('index %s', indexdef) from pg_indexes where schemaname = any('{ops,quality}')
    union all
    select format('function %s returns %s', p.oid::regprocedure, pg_get_function_result(p.oid)) from pg_proc p
    where pronamespace::regnamespace::text = any('{ops,quality}')
    union all
    select format('comment %s: %s', objoid::regclass, description) from pg_description
    join pg_class c on c.oid = objoid where classoid = 'pg_class'::regclass and objsubid = 0
        and relnamespace::regnamespace::text = any('{ops,quality}')
    order by line
"""


def _listing(url: str) -> str:
    with psycopg.connect(url) as connection:
        rows = connection.execute(_CATALOG).fetchall()
    return "\n".join(row[0] for row in rows) + "\n"


def test_migrations_from_nothing_make_the_schema_that_was_reviewed(database_url: str) -> None:
    migrate(database_url)

    made = _listing(database_url)

    assert made == LISTING.read_text(encoding="utf-8")


def test_a_second_run_applies_nothing_and_the_first_one_all_in_order(database_url: str) -> None:
    numbers = [path.name[:4] for path in sorted(MIGRATIONS.glob("*.sql"))]

    assert pending(database_url) == numbers
    assert migrate(database_url) == numbers
    assert (migrate(database_url), pending(database_url)) == ([], [])


def test_a_failing_file_leaves_neither_its_tables_nor_those_before_it(
    database_url: str, tmp_path: Path
) -> None:
    (tmp_path / "0001_first.sql").write_text("create table first (percent text default '100 % :x');")
    (tmp_path / "0002_second.sql").write_text("create table second (n integer); select 1 / 0;")

    with pytest.raises((psycopg.Error, ProgrammingError)):
        migrate(database_url, folder=tmp_path)

    with psycopg.connect(database_url) as connection:
        left = connection.execute(
            "select to_regclass('first'), to_regclass('second'), to_regclass('ops.alembic_version')"
        )
        assert left.fetchone() == (None, None, None)


def test_a_new_file_is_applied_to_a_warehouse_that_stands(database_url: str, tmp_path: Path) -> None:
    (tmp_path / "0001_first.sql").write_text("create table first (n integer);")
    migrate(database_url, folder=tmp_path)
    (tmp_path / "0002_second.sql").write_text("alter table first add m integer;")

    assert migrate(database_url, folder=tmp_path) == ["0002"]


def test_the_business_day_is_cut_in_the_zone_of_the_settings(database_url: str) -> None:
    migrate(database_url, time_zone="America/Toronto")

    with psycopg.connect(database_url) as connection:
        row = connection.execute("select ops.business_day('2026-01-01 04:59:59+00')::text").fetchone()
    assert row == ("2025-12-31",)


def test_the_reader_role_can_read_marts_and_neither_write_nor_see_raw(warehouse_url: str) -> None:
    with psycopg.connect(warehouse_url, autocommit=True) as connection:
        connection.execute("create table marts.figures as select 1 as n")
        connection.execute("create table raw.lines as select 'x' as line")
        for privilege, table, expected in [
            ("select", "marts.figures", True),
            ("insert", "marts.figures", False),
            ("select", "quality.rejected_record", True),
            ("delete", "quality.rejected_record", False),
            ("select", "raw.lines", False),
        ]:
            found = connection.execute(
                "select has_table_privilege('sales_platform_reader', %s, %s)"
                " and has_schema_privilege('sales_platform_reader', split_part(%s, '.', 1), 'usage')",
                [table, privilege, table],
            ).fetchone()
            assert found == (expected,), (privilege, table)


def test_every_business_date_gets_the_row_that_its_calendar_has(warehouse_url: str) -> None:
    with psycopg.connect(warehouse_url) as connection:
        row = connection.execute(
            sql.SQL("select {} from ops.calendar('2024-12-29', '2024-12-29')").format(
                sql.SQL(", ").join(
                    map(
                        sql.Identifier,
                        [
                            "date_key",
                            "quarter",
                            "month_name",
                            "day_of_week",
                            "day_name",
                            "week_of_year",
                            "weekday_flag",
                        ],
                    )
                )
            )
        ).fetchone()
    # 29 December 2024 was a Sunday, in ISO week 52
    assert row == (20241229, 4, "Dec", 1, "Sun", 52, 0)
