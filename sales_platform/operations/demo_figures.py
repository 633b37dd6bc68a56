"""The figures that a demo shows of each domain, read from its marts. Computes none that a mart does not hold."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from psycopg.rows import class_row

from sales_platform.engine.warehouse import Connection


@dataclass(frozen=True)
class TierRevenue:
    """Sales and revenue in USD of one loyalty tier in force."""

    tier: str
    sales: int
    revenue: Decimal


@dataclass(frozen=True)
class Invoiced:
    """Invoices and their amounts in USD: gross, what was paid on them, what is open."""

    invoices: int
    gross: Decimal
    paid: Decimal
    open: Decimal


@dataclass(frozen=True)
class LedgerFlow:
    """Posted transactions of one currency, amounts in it."""

    currency: str
    transactions: int
    credits: Decimal
    debits: Decimal
    net_flow: Decimal


@dataclass(frozen=True)
class BilledState:
    """Billing invoices of one state and their totals in USD."""

    state: str
    invoices: int
    amount: Decimal


@dataclass(frozen=True)
class ChannelVolume:
    """Payments over one channel: all of them, the volume of the successful ones and their fees, in INR."""

    channel: str
    payments: int
    volume: Decimal
    fees: Decimal


@dataclass(frozen=True)
class DomainFigures:
    """Of each domain as far as its mart stands."""

    revenue: list[TierRevenue]
    invoiced: Invoiced | None
    flows: list[LedgerFlow]
    billed: list[BilledState]
    channels: list[ChannelVolume]


def domain_figures(connection: Connection, tables: Collection[str]) -> DomainFigures:
    """tables: those that stand, as `marts.retail_sales_daily`."""
    return DomainFigures(
        revenue=_revenue_by_tier(connection) if "marts.retail_sales_daily" in tables else [],
        invoiced=_invoiced(connection) if "marts.invoicing_daily" in tables else None,
        flows=_flows(connection) if "marts.accounts_net_flow_daily" in tables else [],
        billed=_billed(connection) if "marts.billing_sales_daily" in tables else [],
        channels=_channels(connection) if "marts.channels_daily" in tables else [],
    )


def _revenue_by_tier(connection: Connection) -> list[TierRevenue]:
    with connection.cursor(row_factory=class_row(TierRevenue)) as cursor:
        return cursor.execute(
            """
            select loyalty_tier as tier, sum(sales)::bigint as sales, sum(revenue) as revenue
            from marts.retail_sales_daily group by loyalty_tier order by sum(revenue) desc
            """
        ).fetchall()


def _invoiced(connection: Connection) -> Invoiced | None:
    with connection.cursor(row_factory=class_row(Invoiced)) as cursor:
        return cursor.execute(
            """
            select coalesce(sum(invoices), 0)::bigint as invoices, coalesce(sum(gross_amount), 0) as gross,
                coalesce(sum(paid_amount), 0) as paid, coalesce(sum(open_amount), 0) as open
            from marts.invoicing_daily
            """
        ).fetchone()


def _flows(connection: Connection) -> list[LedgerFlow]:
    with connection.cursor(row_factory=class_row(LedgerFlow)) as cursor:
        return cursor.execute(
            """
            select currency::text as currency, sum(transactions)::bigint as transactions, sum(credits) as credits,
                sum(debits) as debits, sum(net_flow) as net_flow
            from marts.accounts_net_flow_daily group by currency order by currency
            """
        ).fetchall()


def _billed(connection: Connection) -> list[BilledState]:
    with connection.cursor(row_factory=class_row(BilledState)) as cursor:
        return cursor.execute(
            """
            select status_name as state, sum(invoices)::bigint as invoices, sum(sales_amount) as amount
            from marts.billing_sales_daily group by status_name order by sum(sales_amount) desc
            """
        ).fetchall()


def _channels(connection: Connection) -> list[ChannelVolume]:
    with connection.cursor(row_factory=class_row(ChannelVolume)) as cursor:
        return cursor.execute(
            """
            select channel_name as channel, sum(transactions)::bigint as payments,
                sum(successful_payment_volume) as volume, sum(revenue) as fees
            from marts.channels_daily group by channel_name order by sum(successful_payment_volume) desc
            """
        ).fetchall()
