"""`sales-platform demo`: options and output; what the demo does stands in operations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sales_platform.settings import load_settings

if TYPE_CHECKING:
    from rich.console import Console

    from sales_platform.operations.demo import DemoSummary
    from sales_platform.operations.demo_figures import DomainFigures


def demo(
    days: Annotated[int, typer.Option(min=1, help="How many days of sales, up to yesterday.")] = 30,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same rows.")] = 42,
    serve: Annotated[
        bool, typer.Option("--serve/--no-serve", help="Serve the Dagster UI afterwards.")
    ] = True,
) -> None:
    """Simulate a company's history, load and check it, show its figures, then serve the UI until Ctrl-C.

    Safe to repeat: what stands already is not loaded again.
    """
    from sales_platform.cli.progress import progress_on
    from sales_platform.cli.tables import console
    from sales_platform.operations.demo import demo as make_demo

    output = console()
    summary = make_demo(
        load_settings(),
        days=days,
        seed=seed,
        serve=serve,
        progress=progress_on(output),
        on_step=lambda text: output.print(text, soft_wrap=True),
        on_summary=lambda found: print_demo(output, found),
        on_ready=lambda address: output.print(
            f"[bold green]Dagster UI: {address}[/bold green]   (Ctrl-C ends it)"
        ),
    )
    raise typer.Exit(summary.exit_code)


def print_demo(output: Console, summary: DemoSummary) -> None:
    """Everything that came out, in a few small tables."""
    from sales_platform.cli.check import print_checks
    from sales_platform.cli.run import print_summary
    from sales_platform.cli.tables import number, table

    print_summary(output, summary.run)
    if any(not verdict.passed for verdict in summary.checks):
        print_checks(output, [verdict for verdict in summary.checks if not verdict.passed])
    tables = table("table", "rows", right=("rows",))
    for name, rows in summary.rows.items():
        tables.add_row(name, number(rows))
    output.print(tables)
    print_figures(output, summary.figures)
    if summary.rejected:
        rejected = table("rejected by reason", "rows", right=("rows",))
        for reason, rows in summary.rejected.items():
            rejected.add_row(reason, number(rows))
        output.print(rejected)
    print_backup(output, summary)
    slowest = table("slowest steps", "seconds", right=("seconds",))
    for name, seconds in summary.slowest:
        slowest.add_row(name, f"{seconds:.2f}")
    output.print(slowest)
    passed = sum(verdict.passed for verdict in summary.checks)
    output.print(f"{passed} of {len(summary.checks)} checks passed; everything took {summary.seconds:.1f} s.")
    output.print(f"The files are below {summary.data}; to work on them:", soft_wrap=True)
    output.print(f"  export SALES_PLATFORM_DATA={summary.data}", soft_wrap=True)


def print_backup(output: Console, summary: DemoSummary) -> None:
    """The backup of accounts, or why there is none."""
    from sales_platform.cli.backup import print_backups

    if summary.backed_up.error:
        output.print("[red]accounts were not backed up:[/red] ", end="")
        output.print(str(summary.backed_up.error), soft_wrap=True, markup=False)
        return
    output.print("accounts are backed up; `sales-platform backup rehearse` restores them for a try:")
    print_backups(output, summary.backed_up.backups)


def print_figures(output: Console, figures: DomainFigures) -> None:
    """One table per domain; amounts of different currencies stand in rows of their own and are never added."""
    from sales_platform.cli.tables import number, table

    tiers = table("retail: revenue by tier in force", "sales", "USD", right=("sales", "USD"))
    for tier in figures.revenue:
        tiers.add_row(tier.tier, number(tier.sales), f"{tier.revenue:,.2f}")
    output.print(tiers)
    if figures.invoiced:
        invoiced = table("invoicing: what was billed", "USD", right=("USD",))
        found = figures.invoiced
        invoiced.add_row(f"gross of {found.invoices:,} invoices", f"{found.gross:,.2f}")
        invoiced.add_row("paid", f"{found.paid:,.2f}")
        invoiced.add_row("open", f"{found.open:,.2f}")
        output.print(invoiced)
    if figures.flows:
        columns = ("transactions", "credits", "debits", "net flow")
        flows = table("accounts: posted, by currency", *columns, right=columns)
        for flow in figures.flows:
            amounts = (f"{amount:,.2f}" for amount in (flow.credits, flow.debits, flow.net_flow))
            flows.add_row(flow.currency, number(flow.transactions), *amounts)
        output.print(flows)
    if figures.billed:
        billed = table("billing: invoices by state", "invoices", "USD", right=("invoices", "USD"))
        for state in figures.billed:
            billed.add_row(state.state, number(state.invoices), f"{state.amount:,.2f}")
        output.print(billed)
    if figures.channels:
        measures = ("payments", "volume INR", "fees INR")
        channels = table("channels: volume and fees of what succeeded", *measures, right=measures)
        for channel in figures.channels:
            channels.add_row(
                channel.channel, number(channel.payments), f"{channel.volume:,.2f}", f"{channel.fees:,.2f}"
            )
        output.print(channels)
