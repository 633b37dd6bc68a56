"""The older client's sample run, as the documentation shows it. Nothing else uses it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from sales_platform.sources.accounts.ledger import create_account, create_customer, transaction


@dataclass(frozen=True)
class Sample:
    """What the sample run made; as text, what the older client printed."""

    customer_id: int
    account_id: int
    transaction_id: int

    def __str__(self) -> str:
        return (
            f"Customer {self.customer_id} Account {self.account_id}\nPosted transaction {self.transaction_id}"
        )


def alice(conn: psycopg.Connection[Any]) -> Sample:
    """Alice opens a checking account and pays in 100 dollars (SOURCES 2.2). Run again, she pays in again."""
    customer_id = create_customer(conn, "alice@example.com", "Alice")
    account_id = create_account(conn, customer_id, "checking")
    transaction_id = transaction(conn, account_id, 100.00, "USD", "credit", {"note": "initial deposit"})
    return Sample(customer_id, account_id, transaction_id)
