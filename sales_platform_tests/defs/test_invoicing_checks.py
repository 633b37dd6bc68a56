"""Invoices against their lines and payments: what the platform writes itself is clean, each fault is found alone."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from sales_platform.components.sql_check import result
from sales_platform.contracts.catalog import DEFS_FOLDER
from sales_platform.contracts.check import SqlCheckContract
from sales_platform.sources.invoicing.document_file import read_document_file
from sales_platform.sources.invoicing.generator import make_history
from sales_platform.sources.invoicing.history import Size
from sales_platform.sources.invoicing.importer import write_documents
from sales_platform_tests.defs.oltp_road import OltpRoad


def checks() -> list[SqlCheckContract]:
    text = (DEFS_FOLDER / "invoicing" / "defs.yaml").read_text(encoding="utf-8")
    found = [d for d in yaml.safe_load_all(text) if d["type"] == "sales_platform.components.SqlCheck"]
    return [SqlCheckContract.model_validate(document["attributes"]) for document in found]


def failed(road: OltpRoad) -> dict[str, dg.AssetCheckResult]:
    """Check → what it says, of those that do not pass."""
    with road.warehouse.transaction() as connection:
        found = {check.name: result(connection, check, None) for check in checks()}
    assert found.keys() == {"net_equals_items", "vat_equals_items", "payments_fit_status"}
    return {name: said for name, said in found.items() if not said.passed}


def samples(found: dg.AssetCheckResult) -> list[dict[str, Any]]:
    table = found.metadata["samples"]
    assert isinstance(table, dg.TableMetadataValue)
    return [dict(record.data) for record in table.records]


@pytest.fixture
def road(database_url: str, warehouse_url: str) -> OltpRoad:
    return OltpRoad("invoicing", database_url, warehouse_url)


def invoice(number: int, net: str, vat: str, status: str) -> str:
    return (
        "insert into invoices (invoice_no, invoice_date, seller_id, client_id, total_net_worth, total_vat,"
        f" total_gross_worth, status) values ('{number}', '2026-03-02', 1, 1, {net}, {vat}, {net} + {vat}, '{status}')"
    )


PARTIES = (
    "insert into sellers (seller_name, seller_address, seller_tax_id) values ('S', 'S', 'S')",
    "insert into clients (client_name, client_address, client_tax_id) values ('C', 'C', 'C')",
    "insert into products (product_name, unit_price) values ('P', 1)",
)


@pytest.fixture
def sound(road: OltpRoad) -> OltpRoad:
    """Invoice 1: two lines that the system left without worths, paid in part. 2: paid. 3: unpaid. 4: of nothing."""
    road.write(
        *PARTIES,
        # 3 × 0.35 + 1 × 10 = 11.05, of which 10 % are 1.105: 0.11 and 1.00 by line, 1.11 as a whole
        invoice(1, "11.05", "1.11", "PARTIALLY_PAID"),
        "insert into invoice_items (invoice_id, product_id, item_qty, item_net_price)"
        " values (1, 1, 3, 0.35), (1, 1, 1, 10)",
        "insert into payments (invoice_id, amount) values (1, 5), (1, 7.15)",
        *(invoice(number, "100", "20", status) for number, status in ((2, "PAID"), (3, "UNPAID"))),
        *(
            "insert into invoice_items (invoice_id, product_id, item_qty, item_net_price, item_net_worth,"
            f" item_vat_rate, item_gross_worth) values ({number}, 1, 1, 100, 100, 20, 120)"
            for number in (2, 3)
        ),
        "insert into payments (invoice_id, amount) values (2, 60), (2, 60)",
        invoice(4, "0", "0", "UNPAID"),
    )
    return road


def test_sound_invoices_pass(sound: OltpRoad) -> None:
    sound.load()
    assert failed(sound) == {}


@pytest.mark.parametrize(
    ("fault", "check", "sample"),
    [
        (
            "update invoice_items set item_net_worth = 99.99, item_gross_worth = 119.99 where invoice_id = 2",
            "net_equals_items",
            {"invoice_id": 2, "invoice_no": "2", "total_net_worth": "100.00", "items_net_worth": "99.99",
             "difference": "0.01", "items": 1},
        ),
        (
            "update invoices set total_vat = 20.02 where invoice_id = 3",
            "vat_equals_items",
            {"invoice_id": 3, "invoice_no": "3", "total_vat": "20.02", "items_vat": "20.00", "difference": "0.02",
             "items": 1},
        ),
        (
            "update invoices set status = 'PAID' where invoice_id = 1",
            "payments_fit_status",
            {"invoice_id": 1, "invoice_no": "1", "status": "PAID", "total_gross_worth": "12.16", "paid_amount": "12.15",
             "payments": 2},
        ),
        (
            "update invoices set status = 'UNPAID' where invoice_id = 2",
            "payments_fit_status",
            {"invoice_id": 2, "invoice_no": "2", "status": "UNPAID", "total_gross_worth": "120.00",
             "paid_amount": "120.00", "payments": 2},
        ),
        (
            "update invoices set status = null where invoice_id = 3",
            "payments_fit_status",
            {"invoice_id": 3, "invoice_no": "3", "status": None, "total_gross_worth": "120.00", "paid_amount": "0",
             "payments": 0},
        ),
    ],
)  # fmt: skip
def test_a_fault_of_the_source_is_found_by_its_check_alone(
    sound: OltpRoad, fault: str, check: str, sample: dict[str, Any]
) -> None:
    sound.write(fault)
    sound.load()
    found = failed(sound)
    assert set(found) == {check}
    assert samples(found[check]) == [sample]
    assert found[check].description == "1 of 4 rows"
    severe = check != "payments_fit_status"
    assert (found[check].severity is dg.AssetCheckSeverity.ERROR) is severe


def test_the_real_documents_with_their_payments_pass(road: OltpRoad, shared_data: Path) -> None:
    clean = read_document_file(shared_data / "invoicing" / "ivoicing-data.txt").clean
    write_documents(road.url, clean, payment_seed=42)
    road.load()
    assert road.ask("select count(*) from staging.invoicing_invoices") == [(len(clean),)]
    assert failed(road) == {}


def test_the_drawn_past_passes(road: OltpRoad) -> None:
    make_history(road.url, end=date(2026, 3, 31), seed=7, size=Size(invoices=300))
    road.load()
    assert failed(road) == {}
