"""One module for each page, and their order in the menu."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sales_platform.serving.dashboard.asking import Asking
from sales_platform.serving.dashboard.views import (
    accounts,
    billing,
    invoicing,
    overview,
    payments,
    quality,
    retail,
)


@dataclass(frozen=True)
class PageOf:
    """title: in the menu. heading: on the page. path: of its address; the one without opens first."""

    title: str
    heading: str
    path: str
    icon: str
    draw: Callable[[Asking], None]


PAGES = (
    PageOf("Overview", "Overview", "", ":material/dashboard:", overview.draw),
    PageOf("Retail", "Retail sales", "retail", ":material/storefront:", retail.draw),
    PageOf("Invoicing", "Invoicing & receivables", "invoicing", ":material/request_quote:", invoicing.draw),
    PageOf("Billing", "Sales Analytics Dashboard", "billing", ":material/receipt_long:", billing.draw),
    PageOf("Payments", "Revenue Analytics Dashboard", "payments", ":material/payments:", payments.draw),
    PageOf("Accounts", "Accounts", "accounts", ":material/account_balance:", accounts.draw),
    PageOf("Data quality", "Data quality", "quality", ":material/fact_check:", quality.draw),
)
