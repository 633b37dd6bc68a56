"""`sales-platform logs`: what all processes have logged, as one stream."""

from __future__ import annotations

from typing import Annotated

import typer

from sales_platform.settings import load_settings


def logs(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the latest lines.")] = 100,
) -> None:
    """Show the logs of all processes in the order of time."""
    from sales_platform.operations.log_reading import read_logs

    for line in read_logs(load_settings(), lines, follow=follow):
        print(line, flush=True)
