"""What `sales-platform simulate accounts` does: open the source, give it history or traffic. Draws no rows itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from threading import Event
from typing import TYPE_CHECKING

from sales_platform.operations.simulating import DEFAULT_SEED, yesterday
from sales_platform.settings import Settings

if TYPE_CHECKING:
    from sales_platform.sources.accounts.generator import Filled
    from sales_platform.sources.accounts.live import TrafficReport

DOMAIN = "accounts"
DEFAULT_CUSTOMERS = 50
DEFAULT_ACCOUNTS_PER_CUSTOMER = 2
DEFAULT_TRANSACTIONS_PER_ACCOUNT = 10
DEFAULT_RATE = 5.0
DEFAULT_SECONDS = 60.0


@dataclass(frozen=True)
class AccountsSimulation:
    """The last day of the history, and what it holds; None where rows stood already, which were left alone."""

    end: date
    filled: Filled | None


def simulate_accounts(
    settings: Settings,
    *,
    customers: int = DEFAULT_CUSTOMERS,
    accounts_per_customer: int = DEFAULT_ACCOUNTS_PER_CUSTOMER,
    transactions_per_account: int = DEFAULT_TRANSACTIONS_PER_ACCOUNT,
    seed: int = DEFAULT_SEED,
) -> AccountsSimulation:
    """Fill an empty accounts source with 90 days of history up to yesterday in the business time zone.

    Raises WrongUse for impossible numbers, and ServerUnavailable when the source's server is down.
    """
    from sales_platform.operations.source_databases import open_source
    from sales_platform.sources.accounts.generator import fill

    end = yesterday(settings)
    with open_source(settings, DOMAIN) as url:
        filled = fill(
            url,
            customers=customers,
            accounts_per_customer=accounts_per_customer,
            transactions_per_account=transactions_per_account,
            seed=seed,
            end=end,
            zone=settings.zone,
        )
    return AccountsSimulation(end, filled)


def simulate_accounts_traffic(
    settings: Settings,
    *,
    rate: float = DEFAULT_RATE,
    seconds: float | None = DEFAULT_SECONDS,
    seed: int | None = None,
    stop: Event | None = None,
) -> TrafficReport:
    """Let several clients use the ledger of the accounts source, `rate` calls per second in all.

    Ends after `seconds` or when `stop` is set. Raises what `live.run_traffic` raises.
    """
    from sales_platform.operations.source_databases import open_source
    from sales_platform.sources.accounts.live import run_traffic

    with open_source(settings, DOMAIN) as url:
        return run_traffic(url, rate=rate, seconds=seconds, seed=seed, stop=stop)
