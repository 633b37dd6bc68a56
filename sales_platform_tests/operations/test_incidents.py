"""What status says of incidents, on a real warehouse."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sales_platform.engine.incidents import RUN_FAILURE, Part, Recovery, Trouble, note, overdue, recover
from sales_platform.engine.warehouse import Warehouse
from sales_platform.operations.status import platform_status
from sales_platform.settings import Settings


def test_open_incidents_are_listed_from_the_oldest_and_closed_ones_are_not(
    settings: Settings, warehouse: Warehouse
) -> None:
    at = datetime(2026, 3, 5, 2, tzinfo=UTC)
    with warehouse.transaction() as connection:
        note(connection, Trouble(RUN_FAILURE, "dim", "It broke.", (Part("dim"),), at + timedelta(hours=1)))
        note(connection, overdue("retail_sales", "2026-03-04", "retail/sales.csv", at))
        note(connection, Trouble(RUN_FAILURE, "fact", "It broke.", (Part("fact"),), at))
        recover(connection, [Recovery((RUN_FAILURE,), "fact", None, at + timedelta(hours=2))])

    assert [(found.title, found.subject) for found in platform_status(settings).incidents] == [
        ("Overdue", "retail_sales for 2026-03-04"),
        ("Run failure", "dim"),
    ]
