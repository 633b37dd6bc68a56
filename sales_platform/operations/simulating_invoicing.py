"""What `sales-platform simulate invoicing` does: open the source, give it a past or traffic. Draws no rows itself."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

from sales_platform.settings import Settings

if TYPE_CHECKING:
    from sales_platform.sources.invoicing.generator import HistoryReport
    from sales_platform.sources.invoicing.live import TrafficReport

DOMAIN = "invoicing"
DEFAULT_SEED = 42
DEFAULT_RATE = 5.0
DEFAULT_SECONDS = 60.0


def simulate_invoicing(settings: Settings, *, seed: int = DEFAULT_SEED) -> HistoryReport:
    """Give the invoicing database a past up to yesterday (UTC); one that has an invoice is left as it is.

    Raises WrongUse for a negative seed, and what `generator.make_history` raises.
    """
    from sales_platform.operations.source_databases import open_source
    from sales_platform.sources.invoicing.generator import make_history, yesterday

    with open_source(settings, DOMAIN) as url:
        return make_history(url, end=yesterday(), seed=seed)


def simulate_invoicing_traffic(
    settings: Settings,
    *,
    rate: float = DEFAULT_RATE,
    seconds: float | None = DEFAULT_SECONDS,
    seed: int | None = None,
    stop: Event | None = None,
) -> TrafficReport:
    """Let several sessions write into the invoicing database, `rate` transactions per second in all.

    Ends after `seconds` or when `stop` is set. Raises what `live.run_traffic` raises.
    """
    from sales_platform.operations.source_databases import open_source
    from sales_platform.sources.invoicing.live import run_traffic

    with open_source(settings, DOMAIN) as url:
        return run_traffic(url, rate=rate, seconds=seconds, seed=seed, stop=stop)
