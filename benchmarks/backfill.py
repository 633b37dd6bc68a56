"""189 days of payments in one run, against one run a day, and against hand-written SQL over all their files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import dagster as dg

from benchmarks.bench_server import fresh_server, new_warehouse, run
from benchmarks.measuring import Measured, Result, seconds
from sales_platform.components import partitions, policy
from sales_platform.components.feed_checks import load_check_specs, staging_checks
from sales_platform.contracts.catalog import read_catalog
from sales_platform.definitions import defs
from sales_platform.engine.publish import publish_table
from sales_platform.engine.warehouse import Warehouse
from sales_platform.local.databases import Databases
from sales_platform.local.server import EmbeddedServer
from sales_platform.operations.environment import exported, open_instance, variables
from sales_platform.operations.materializing import materialize_in
from sales_platform.operations.selecting import as_selection
from sales_platform.settings import Settings
from sales_platform.sources.channels.generator import generate
from sales_platform.sources.channels.layout import TRANSACTIONS, transactions_file
from sales_platform.sources.channels.transactions import TRANSACTIONS_A_DAY

DAYS = 189
FIRST = date(2026, 3, 1)
LAST = FIRST + timedelta(days=DAYS - 1)
# So many days have a run of their own; the others would take as long, or longer: the tables grow.
ALONE = 10
FEED = ("raw/channels_transactions", "staging/channels_transactions")
CHAIN = (*FEED, "analytics/fact_transaction", "files/channels_transactions", "marts/channels_daily")


def measure(rounds: int) -> list[Result]:
    """Rounds of: all days in one run; some, each in its own; the feed alone, feeds that do nothing, the floor."""
    whole: list[float] = []
    daily: list[float] = []
    beyond_empty: list[float] = []
    beyond_checked: list[float] = []
    floor: list[float] = []
    with fresh_server() as (server, folder), _platform(server, folder) as instance:
        generate(folder, first=FIRST, last=LAST, seed=5)
        for number in range(rounds):
            bench = _Bench(server, folder, instance, number)
            whole.append(bench.in_one_run(CHAIN, "whole"))
            daily.append(bench.one_run_a_day(CHAIN, "daily") * DAYS / ALONE)
            empty = _materialize(_does_nothing(checked=False), FEED, FIRST, LAST, instance)
            checked = _materialize(_does_nothing(checked=True), FEED, FIRST, LAST, instance)
            feed = bench.in_one_run(FEED, "feed")
            beyond_empty.append(feed - empty)
            beyond_checked.append(feed - checked)
            floor.append(seconds(_floor, bench.warehouse("feed"), folder))
            _compare(bench.warehouse("feed"))
    return [
        Measured(
            f"{DAYS} days of payments in one run, against one run a day ({ALONE} measured)",
            whole,
            daily,
            0.05,
        ),
        Measured(
            "  raw and staging alone, beyond a run that does nothing, against SQL", beyond_empty, floor, 2.0
        ),
        Measured("  the same beyond a run whose checks do nothing too", beyond_checked, floor, 2.0),
    ]


@contextmanager
def _platform(server: EmbeddedServer, folder: Path) -> Iterator[dg.DagsterInstance]:
    """The record of runs as local mode keeps it, in PostgreSQL."""
    server.create_database("dagster")
    settings = Settings(home=folder.parent / "platform", data_root=folder, _env_file=None)
    urls = {"warehouse": server.url("postgres"), "dagster": server.url("dagster")}
    values = variables(settings, Databases(urls))
    with exported(values), open_instance(Path(values["DAGSTER_HOME"])) as instance:
        yield instance


@dataclass(frozen=True)
class _Bench:
    """Runs of one round, each kind in a warehouse of its own that holds the lists and no payment."""

    server: EmbeddedServer
    data: Path
    instance: dg.DagsterInstance
    round: int

    def in_one_run(self, assets: tuple[str, ...], name: str) -> float:
        with self._fresh(name):
            return _materialize(defs(), assets, FIRST, LAST, self.instance)

    def one_run_a_day(self, assets: tuple[str, ...], name: str) -> float:
        """Seconds of the runs of the first days."""
        days = [FIRST + timedelta(days=number) for number in range(ALONE)]
        with self._fresh(name):
            return sum(_materialize(defs(), assets, day, day, self.instance) for day in days)

    def warehouse(self, name: str) -> Warehouse:
        return Warehouse(self.server.url(f"{name}_{self.round}"))

    @contextmanager
    def _fresh(self, name: str) -> Iterator[None]:
        warehouse = new_warehouse(self.server, f"{name}_{self.round}")
        publish_table(warehouse, read_catalog().tables["analytics.dim_date"])
        with exported({"WAREHOUSE_URL": warehouse.url}):
            _succeeded(materialize_in(defs(), "channels", None, None, instance=self.instance).success)
            yield


def _materialize(
    definitions: dg.Definitions,
    assets: tuple[str, ...],
    first: date,
    last: date,
    instance: dg.DagsterInstance,
) -> float:
    selection = as_selection(assets)
    definitions.resolve_implicit_global_asset_job_def()

    def work() -> None:
        outcome = materialize_in(definitions, selection, str(first), str(last), instance=instance)
        _succeeded(outcome.success)

    return seconds(work)


def _succeeded(success: bool) -> None:
    if not success:
        raise RuntimeError("a run failed")


def _does_nothing(*, checked: bool) -> dg.Definitions:
    """Two assets of one step over the same days, as those of the feed; checked: with its checks, which pass unasked."""
    feed = read_catalog().feeds[FEED[0].removeprefix("raw/")]
    in_load = load_check_specs(feed) if checked else []
    after = list(staging_checks(feed).check_specs) if checked else []
    with policy.beta_accepted():

        @dg.multi_asset(
            name="nothing",
            specs=[dg.AssetSpec(asset.split("/")) for asset in FEED],
            check_specs=in_load,
            partitions_def=partitions.daily(),
            backfill_policy=policy.ONE_RUN,
        )
        def nothing() -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
            for asset in FEED:
                yield dg.MaterializeResult(asset.split("/"))
            yield from _passed(in_load)

    checks = [_passing(after)] if after else []
    return dg.Definitions(assets=[nothing], asset_checks=checks, executor=dg.in_process_executor)


def _passing(specs: list[dg.AssetCheckSpec]) -> dg.AssetChecksDefinition:
    @dg.multi_asset_check(name="nothing_checked", specs=specs)
    def passing() -> Iterator[dg.AssetCheckResult]:
        yield from _passed(specs)

    return passing


def _passed(specs: list[dg.AssetCheckSpec]) -> Iterator[dg.AssetCheckResult]:
    for spec in specs:
        yield dg.AssetCheckResult(passed=True, asset_key=spec.asset_key, check_name=spec.name)


def _floor(warehouse: Warehouse, data: Path) -> None:
    """One COPY of all files into raw, and one INSERT into staging that casts; nothing judged, nothing counted."""
    names = ", ".join(TRANSACTIONS)
    with warehouse.transaction() as connection:
        run(
            connection,
            "create schema floor",
            f"""create table floor.raw_transactions (
                {", ".join(f"{name} text" for name in TRANSACTIONS)}, _load_id bigint not null default 1,
                _source_row bigint generated always as identity
            )""",
            "create index on floor.raw_transactions (_load_id, _source_row)",
            """create table floor.staged_transactions (
                transaction_id text primary key, date_key integer not null, customer_key bigint, channel_key bigint,
                city_key bigint, amount numeric(12, 2) not null, status text not null, processing_time numeric(6, 2),
                _load_id bigint not null, _partition text not null, _source_row bigint not null
            )""",
            "create index on floor.staged_transactions (_partition)",
        )
        copy_in = f"copy floor.raw_transactions ({names}) from stdin (format csv)"
        with connection.cursor() as cursor, cursor.copy(copy_in) as copy:
            for number in range(DAYS):
                content = transactions_file(data, FIRST + timedelta(days=number)).read_bytes()
                copy.write(content.partition(b"\n")[2])
        run(
            connection,
            """insert into floor.staged_transactions
            select transaction_id, date_key::integer, customer_key::bigint, channel_key::bigint, city_key::bigint,
                amount::numeric(12, 2), status, processing_time::numeric(6, 2), _load_id,
                to_char(to_date(date_key, 'YYYYMMDD'), 'YYYY-MM-DD'), _source_row
            from floor.raw_transactions""",
        )


def _compare(warehouse: Warehouse) -> None:
    """Both ways must have staged the same, or the figures say nothing."""
    columns = f"{', '.join(TRANSACTIONS)}, _partition"
    with warehouse.transaction() as connection:
        row = connection.execute(
            f"select count(*) from (select {columns} from staging.channels_transactions"
            f" intersect select {columns} from floor.staged_transactions) as agreed"
        ).fetchone()
    if row is None or row[0] != DAYS * TRANSACTIONS_A_DAY:
        raise AssertionError(f"engine and floor agree on {row and row[0]} payments")
