"""What `sales-platform simulate billing` does: let the generator write invoice files. Draws no rows itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sales_platform.operations.simulating import DEFAULT_SEED
from sales_platform.settings import Settings

if TYPE_CHECKING:
    from sales_platform.sources.placing import PlacedFiles

DEFAULT_FILES = 3
DEFAULT_ROWS = 1_000


def simulate_billing(
    settings: Settings,
    *,
    files: int = DEFAULT_FILES,
    rows: int = DEFAULT_ROWS,
    seed: int = DEFAULT_SEED,
    dirt: bool = False,
) -> PlacedFiles:
    """Write `files` invoice files of `rows` lines each. Raises WrongUse for numbers that make no file."""
    from sales_platform.sources.billing.generator import generate

    return generate(settings.data, files=files, rows=rows, seed=seed, dirt=dirt)
