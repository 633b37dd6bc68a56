"""`sales-platform env`: lines for a shell that prepare it for Dagster's own commands."""

from __future__ import annotations

from sales_platform.settings import load_settings


def env() -> None:
    """Print exports for `eval`, so that `dg dev` and `dagster dev` work here. They contain passwords.

    The embedded server is started and stays up until `sales-platform down`.
    """
    from sales_platform.operations.shell_environment import exports

    print("\n".join(exports(load_settings())))
