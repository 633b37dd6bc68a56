"""`sales-platform down`: end what `sales-platform url` left running."""

from __future__ import annotations

from sales_platform.settings import load_settings


def down() -> None:
    """Stop the embedded server, as soon as no other command uses it."""
    from sales_platform.operations.local_server import take_down

    print(take_down(load_settings()).value)
