"""What `sales-platform env` does: prepare a shell for `dg dev` and `dagster dev`."""

from __future__ import annotations

import shlex

from sales_platform.operations.environment import variables
from sales_platform.operations.local_server import lasting_url
from sales_platform.operations.opening import make_current
from sales_platform.operations.source_databases import using_with_sources
from sales_platform.settings import Settings


def exports(settings: Settings) -> list[str]:
    """`export NAME=value` for each variable that Dagster needs; the server stays up and is migrated."""
    lasting_url(settings, "warehouse")
    with using_with_sources(settings, "warehouse", "dagster") as databases:
        make_current(settings, databases, migrating=False)
        return [
            f"export {name}={shlex.quote(value)}" for name, value in variables(settings, databases).items()
        ]
