"""The asset backup/blob_backup: every database of the platform in the blob store, once a day or when somebody asks."""

from datetime import UTC, date, datetime

import dagster as dg

from sales_platform.backup.several import back_up
from sales_platform.backup.summaries import summary_of
from sales_platform.components import partitions, policy
from sales_platform.contracts.catalog import read_catalog
from sales_platform.defs.backup import databases
from sales_platform.defs.backup.figures import as_table
from sales_platform.errors import WrongUse
from sales_platform.resources import BlobStoreResource, SourceDatabasesResource, WarehouseResource
from sales_platform.settings import load_settings

KEY = dg.AssetKey(["backup", "blob_backup"])
GROUP = "backup"
OWNERS = ["team:sales-data"]


def today() -> date:
    """The business day that it is now."""
    return datetime.now(UTC).astimezone(load_settings().zone).date()


def require_today(asked: list[str] | None, day: date) -> None:
    """Raises WrongUse for any other day: what a database held then cannot be copied any more."""
    wrong = [partition for partition in asked or [] if partition != day.isoformat()]
    if wrong:
        span = wrong[0] if len(wrong) == 1 else f"{wrong[0]} to {wrong[-1]}"
        raise WrongUse(
            f"a backup holds what the databases hold now, and {span} is not today ({day.isoformat()}).",
            where="backup/blob_backup",
            remedy="Materialize today's partition; `sales-platform backup list` shows the backups of other days.",
        )


def _inputs() -> list[dg.AssetDep]:
    """What is copied, whole each day: the tables of the sources, and all of raw, however it is cut."""
    catalog = read_catalog()
    source = [["source", feed.name] for contract in catalog.sources.values() for feed in contract.feeds]
    raw = [["raw", name] for name in (*catalog.feeds, *catalog.table_feeds)]
    whole = dg.AllPartitionMapping()
    return [dg.AssetDep(dg.AssetKey(path), partition_mapping=whole) for path in (*source, *raw)]


with policy.beta_accepted():

    @dg.asset(
        key=KEY,
        deps=_inputs(),
        description=(
            "Every source database, and the warehouse's raw, ops and quality, each in one snapshot: a CSV file per"
            " table and a manifest that says how to make all of it again. Only of today; nothing is overwritten."
            " `sales-platform backup restore` brings it back."
        ),
        group_name=GROUP,
        kinds={"postgres", "csv"},
        owners=OWNERS,
        partitions_def=partitions.daily(),
        backfill_policy=policy.ONE_RUN,
        retry_policy=policy.THREE_TRIES,
        pool=policy.writer_of("backup.blob_backup"),
    )
    def blob_backup(
        context: dg.AssetExecutionContext,
        warehouse: WarehouseResource,
        source_databases: SourceDatabasesResource,
        blob_store: BlobStoreResource,
    ) -> dg.MaterializeResult[None]:
        day = today()
        with policy.failures_named():
            require_today(partitions.asked_for(context), day)
            made = back_up(
                blob_store.open(),
                databases.urls(warehouse, source_databases),
                day=day,
                unless_since=_begun(context) if context.retry_number else None,
            )
            if error := made.passing or made.error:
                raise error
        return dg.MaterializeResult(metadata=as_table([summary_of(backup) for backup in made.backups]))


def _begun(context: dg.AssetExecutionContext) -> datetime | None:
    record = context.instance.get_run_record_by_id(context.run.run_id)
    return datetime.fromtimestamp(record.start_time, UTC) if record and record.start_time else None
