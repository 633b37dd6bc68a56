"""`sales-platform settings`: the table of all settings."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from sales_platform.settings import load_settings


def settings(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show every setting with its value and source; passwords are masked."""
    from sales_platform.operations.settings_listing import list_settings

    listed = list_settings()
    if as_json:
        print(json.dumps([asdict(setting) for setting in listed], indent=2))
    else:
        names, values = (max(len(getattr(row, part)) for row in listed) for part in ("name", "value"))
        for row in listed:
            print(f"{row.name:<{names}}  {row.value:<{values}}  {row.source}")
    # shown first, so that a wrong value is seen before it is refused
    load_settings()
