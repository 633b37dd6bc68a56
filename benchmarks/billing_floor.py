"""The floor of the billing benchmark: COPY as text, then the nine rules of the billing feed in hand-written SQL."""

from __future__ import annotations

from pathlib import Path

from benchmarks.bench_server import run
from sales_platform.engine.warehouse import Warehouse
from sales_platform.sources.billing.invoices import COLUMNS

STAGED = (
    "invoice_id, issue_date, customer_id, customer_name, item_description, status, qty, unit_price, total"
)


def load(warehouse: Warehouse, file: Path) -> None:
    """The same three tables with the same keys: raw, typed rows (the later line of an id counts), rejected rows with
    every reason. No load is recorded, no line counted, nothing compared with what stood before; and a number or date
    is whatever PostgreSQL takes for one, NaN and 1e3 too.
    """
    with warehouse.transaction() as connection:
        run(connection, *_TABLES)
        copy_in = f"copy floor.raw_invoices ({', '.join(COLUMNS)}) from stdin (format csv, header)"
        with file.open("rb") as stream, connection.cursor() as cursor, cursor.copy(copy_in) as copy:
            while chunk := stream.read(1 << 20):
                copy.write(chunk)
        run(connection, "analyze floor.raw_invoices", _JUDGED, *_WRITTEN)


_TABLES = (
    "create schema floor",
    f"""create table floor.raw_invoices (
        {", ".join(f"{name} text" for name in COLUMNS)}, _load_id bigint not null default 1,
        _partition text not null default 'invoices_1.csv', _source_row bigint generated always as identity (start 2)
    )""",
    "create index on floor.raw_invoices (_load_id, _source_row)",
    """create table floor.staged_invoices (
        invoice_id text not null, issue_date date not null, customer_id text not null, customer_name text,
        item_description text not null, status text not null, qty numeric(9, 0) not null,
        unit_price numeric(12, 2) not null, total numeric(14, 2) not null, _load_id bigint not null,
        _partition text not null, _source_row bigint not null
    )""",
    """create table floor.rejected (
        rejected_id bigint generated always as identity primary key, partition text not null,
        source_row bigint not null, business_key jsonb, reasons text[] not null, raw_record jsonb not null
    )""",
)


def _amount(column: str, kind: str) -> str:
    return f"case when pg_input_is_valid({column}, '{kind}') then {column}::{kind} end as {column}"


_BARE = "replace(replace(replace(upper({c}), 'USD', ''), '$', ''), ' ', '') as {c}"

_JUDGED = f"""
    create temporary table judged on commit drop as
    select t.*, case when invoice_id is null or issue_date is null or c.known is null or i.known is null
        or s.known is null or (qty > 0) is not true or (unit_price >= 0) is not true or (total >= 0) is not true
        or round(qty * unit_price, 2) <> round(total, 2)
    then array_remove(array[
        case when invoice_id is null then 'UNKNOWN_INVOICE_ID' end,
        case when issue_date is null then 'INVALID_DATE' end,
        case when c.known is null then 'UNKNOWN_CUSTOMER' end,
        case when i.known is null then 'UNKNOWN_ITEM' end,
        case when s.known is null then 'UNKNOWN_STATUS' end,
        case when (qty > 0) is not true then 'INVALID_QUANTITY' end,
        case when (unit_price >= 0) is not true then 'INVALID_UNIT_PRICE' end,
        case when (total >= 0) is not true then 'INVALID_TOTAL' end,
        case when round(qty * unit_price, 2) <> round(total, 2) then 'TOTAL_MISMATCH' end
    ], null) end as reasons
    from (
        select invoice_id,
            case when issue_date is not null and pg_input_is_valid(issue_date, 'date') then issue_date::date end
            as issue_date,
            customer_id, customer_name, item_description, status, {_amount("qty", "numeric(9, 0)")},
            {_amount("unit_price", "numeric(12, 2)")}, {_amount("total", "numeric(14, 2)")},
            _load_id, _partition, _source_row
        from (
            select nullif(nullif(invoice_id, ''), 'NULL') as invoice_id,
                case
                    when issue_date like '____-%' then issue_date
                    when issue_date like '____/%' then replace(issue_date, '/', '-')
                    when issue_date like '%-%-____' then split_part(issue_date, '-', 3) || '-'
                        || split_part(issue_date, '-', 2) || '-' || split_part(issue_date, '-', 1)
                    when issue_date like '%/%/____' then split_part(issue_date, '/', 3) || '-'
                        || split_part(issue_date, '/', 2) || '-' || split_part(issue_date, '/', 1)
                end as issue_date,
                nullif(nullif(trim(customer_id), ''), 'NULL') as customer_id,
                nullif(nullif(trim(customer_name), ''), 'NULL') as customer_name,
                nullif(nullif(trim(item_description), ''), 'NULL') as item_description,
                nullif(nullif(upper(trim(status)), ''), 'NULL') as status,
                {", ".join(_BARE.format(c=name) for name in ("qty", "unit_price", "total"))},
                _load_id, _partition, _source_row
            from floor.raw_invoices
            offset 0
        ) as n
        offset 0
    ) as t
    left join (select customer_id, true as known from staging.billing_customers) as c using (customer_id)
    left join (select item_description, true as known from staging.billing_items) as i using (item_description)
    left join (select status_name as status, true as known from staging.billing_statuses) as s using (status)
"""

_WRITTEN = (
    f"""insert into floor.staged_invoices ({STAGED}, _load_id, _partition, _source_row)
    select distinct on (invoice_id) {STAGED}, _load_id, _partition, _source_row
    from judged where reasons is null order by invoice_id, _source_row desc""",
    "alter table floor.staged_invoices add primary key (invoice_id)",
    "create index on floor.staged_invoices (_partition)",
    """insert into floor.rejected (partition, source_row, business_key, reasons, raw_record)
    select r._partition, r._source_row, jsonb_build_array(j.invoice_id), j.reasons,
        to_jsonb(r) - '{_load_id,_partition,_source_row}'::text[]
    from judged as j inner join floor.raw_invoices as r using (_source_row) where j.reasons is not null""",
)
