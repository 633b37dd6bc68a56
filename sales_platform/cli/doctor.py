"""`sales-platform doctor`: what works here and what does not, as a table or JSON."""

from __future__ import annotations

from typing import Annotated

import typer

from sales_platform.settings import load_settings


def doctor(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """Try connections, rights, versions, port, disk and folders, and say the remedy of what is wrong."""
    from sales_platform.cli.tables import BAD, FAIR, GOOD, console, print_json, table
    from sales_platform.operations.doctor import examine, healthy

    findings = examine(load_settings())
    if as_json:
        print_json(findings)
    else:
        marks = {"ok": GOOD, "warning": FAIR, "failed": BAD}
        shown = table("", "what", "found", "remedy")
        for finding in findings:
            shown.add_row(marks[finding.state], finding.name, finding.what, finding.remedy or "")
        console().print(shown)
    raise typer.Exit(int(not healthy(findings)))
