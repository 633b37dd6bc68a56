"""`sales-platform serve`: options and words; what is served stands in operations."""

from __future__ import annotations

from typing import Annotated

import typer

from sales_platform.settings import load_settings


def serve(
    port: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=65535,
            help="Port of API and dashboard; default 8000 or SALES_PLATFORM_PORT.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Serve the dashboard and the API on the marts until Ctrl-C: on this machine only, unless API_KEY is set."""
    from sales_platform.cli.tables import console
    from sales_platform.operations.serving import serve as serve_figures

    output = console()
    serve_figures(
        load_settings(),
        port=port,
        on_step=lambda text: output.print(text, soft_wrap=True),
        on_ready=lambda address: output.print(
            f"[bold green]Dashboard: {address}   API: {address}/api/docs[/bold green]   (Ctrl-C ends it)",
            soft_wrap=True,
        ),
    )
