"""What `sales-platform demo` does: simulated files and sources, every asset, every check, and figures."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from psycopg import sql

from sales_platform.engine.warehouse import Connection
from sales_platform.operations.backing_up import Created, create
from sales_platform.operations.checking import EVERYTHING, CheckFigures, check_on
from sales_platform.operations.demo_figures import DomainFigures, domain_figures
from sales_platform.operations.fates import rejected_by_reason, table_exists
from sales_platform.operations.live_sources import fill_sources
from sales_platform.operations.opening import Platform, open_platform
from sales_platform.operations.progress import Progress, Silent
from sales_platform.operations.running import RunSummary, run_on
from sales_platform.operations.selecting import known_tables
from sales_platform.operations.serving_locally import up
from sales_platform.operations.simulating import DEFAULT_DAYS, DEFAULT_SEED, simulate_retail
from sales_platform.operations.simulating_billing import simulate_billing
from sales_platform.operations.simulating_channels import simulate_channels
from sales_platform.operations.source_databases import using_with_sources
from sales_platform.settings import Settings

if TYPE_CHECKING:
    from sales_platform.operations.materializing import StepOutcome

SLOWEST = 3
FEW_ASSETS = 2
LAYERS = ("staging", "analytics", "marts")
FOLDER = "demo-data"


@dataclass(frozen=True)
class DemoSummary:
    """Figures of a demo. rows: table → rows. rejected: reason → rows. slowest: steps with their seconds.
    backed_up: what came of the backup of accounts.
    """

    data: Path
    run: RunSummary
    checks: list[CheckFigures]
    rows: dict[str, int]
    figures: DomainFigures
    rejected: dict[str, int]
    slowest: list[tuple[str, float]]
    backed_up: Created
    seconds: float

    @property
    def exit_code(self) -> int:
        failed = any(found.failed for found in self.checks) or self.backed_up.error is not None
        return self.run.exit_code or int(failed)


@dataclass
class _Clock:
    """Seconds by step."""

    seconds: dict[str, float] = field(default_factory=dict)

    def add(self, step: str, seconds: float) -> None:
        self.seconds[step] = self.seconds.get(step, 0) + seconds

    @contextmanager
    def timing(self, step: str) -> Iterator[None]:
        begin = time.monotonic()
        try:
            yield
        finally:
            self.add(step, time.monotonic() - begin)


def demo(
    settings: Settings,
    *,
    days: int = DEFAULT_DAYS,
    seed: int = DEFAULT_SEED,
    serve: bool = True,
    progress: Progress | None = None,
    on_step: Callable[[str], None] = lambda _text: None,
    on_summary: Callable[[DemoSummary], None] = lambda _summary: None,
    on_ready: Callable[[str], None] = lambda _url: None,
) -> DemoSummary:
    """Make a history of the company, load it, check it, show figures, then serve the UI until Ctrl-C.

    Files land in the data folder if SALES_PLATFORM_DATA names one, else below the home; embedded sources that are
    empty are filled, external ones only read. A second time only
    what is new is loaded. Where something failed the UI is not started.
    """
    settings = demo_settings(settings)
    # held over both parts, so that the server is not stopped between them
    with using_with_sources(settings, "warehouse", "dagster"):
        summary = _make(settings, days, seed, progress or Silent(), on_step)
        on_summary(summary)
        if serve and summary.exit_code == 0:
            up(settings, on_step=on_step, on_ready=on_ready)
    return summary


def demo_settings(settings: Settings) -> Settings:
    """The same settings with a data folder that is not the user's own, unless that was named."""
    if "data_root" in settings.model_fields_set:
        return settings
    return settings.model_copy(update={"data_root": settings.home / FOLDER})


def _make(
    settings: Settings, days: int, seed: int, progress: Progress, on_step: Callable[[str], None]
) -> DemoSummary:
    begin = time.monotonic()
    clock = _Clock()
    on_step(f"writing {days} days of sales and payments, and invoice files, below {settings.data}")
    with clock.timing("simulated files"):
        sales = simulate_retail(settings, days=days, seed=seed)
        simulate_channels(settings, first=sales.first, last=sales.last, seed=seed)
        simulate_billing(settings, seed=seed)
    on_step("giving the source databases a past")
    with clock.timing("simulated sources"):
        fill_sources(settings, seed=seed)
    on_step("opening the warehouse and Dagster")
    with ExitStack() as stack:
        with clock.timing("warehouse and Dagster"):
            platform = stack.enter_context(open_platform(settings, migrating=True))
        done = run_on(platform, EVERYTHING, progress=progress)
        for step in (step for outcome in done.outcomes for step in outcome.steps):
            clock.add(_spoken(step), step.seconds)
        on_step("running the checks")
        with clock.timing("all checks"):
            checks = check_on(platform)
        on_step("backing up accounts")
        with clock.timing("backup of accounts"):
            backed_up = create(settings, "accounts")
        return _summary(platform, done, checks, backed_up, clock, time.monotonic() - begin)


def _summary(
    platform: Platform,
    done: RunSummary,
    checks: list[CheckFigures],
    backed_up: Created,
    clock: _Clock,
    seconds: float,
) -> DemoSummary:
    with platform.warehouse.transaction() as connection:
        rows = table_rows(connection)
        return DemoSummary(
            data=platform.settings.data.resolve(),
            run=done,
            checks=checks,
            rows=rows,
            figures=domain_figures(connection, rows),
            rejected=rejected_by_reason(connection),
            backed_up=backed_up,
            slowest=sorted(clock.seconds.items(), key=lambda found: -found[1])[:SLOWEST],
            seconds=seconds,
        )


def _spoken(step: StepOutcome) -> str:
    """A step by its assets, or by its own name where they are many."""
    return " + ".join(step.assets) if 0 < len(step.assets) <= FEW_ASSETS else step.name


def table_rows(connection: Connection) -> dict[str, int]:
    """Rows of every table that is there, from staging on, layer by layer."""
    rows = {}
    for name in sorted(known_tables(), key=lambda known: LAYERS.index(known.partition(".")[0])):
        if table_exists(connection, name):
            count = sql.SQL("select count(*) from {}").format(sql.Identifier(*name.split(".")))
            rows[name] = int((connection.execute(count).fetchone() or (0,))[0])
    return rows
