"""`sales-platform up`: options and words; what is started stands in operations."""

from __future__ import annotations

from typing import Annotated

import typer

from sales_platform.settings import load_settings


def up(
    live: Annotated[
        bool,
        typer.Option(
            "--live",
            help="Simulate the company: yesterday's files at 01:30 business time, traffic on the embedded sources.",
        ),
    ] = False,
    port: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=65535,
            help="Port of the UI; default 3000 or SALES_PLATFORM_UI_PORT.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Run the server, the Dagster UI, its daemon, dashboard and API here until Ctrl-C, which ends all of them."""
    from sales_platform.cli.tables import console
    from sales_platform.operations.serving_locally import up as serve

    output = console()
    serve(
        load_settings(),
        live=live,
        port=port,
        on_step=lambda text: output.print(text, soft_wrap=True),
        on_ready=lambda address: output.print(
            f"[bold green]Dagster UI: {address}[/bold green]   (Ctrl-C ends it)"
        ),
    )
