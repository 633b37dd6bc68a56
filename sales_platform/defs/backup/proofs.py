"""What proves the backups: the checks that read the newest back and know its age, and the rehearsal of a restore."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import dagster as dg

from sales_platform.backup.listing import Backup
from sales_platform.backup.rehearsing import rehearse, scratch_database
from sales_platform.backup.several import newest, newest_verified
from sales_platform.backup.store import Store
from sales_platform.backup.summaries import summary_of
from sales_platform.backup.verifying import verify
from sales_platform.components import policy
from sales_platform.components.load_checks import FRESHNESS
from sales_platform.defs.backup import databases
from sales_platform.defs.backup.blob_backup import GROUP, KEY, OWNERS
from sales_platform.defs.backup.figures import as_table
from sales_platform.engine.incidents import duration
from sales_platform.errors import BackupDamaged, SalesPlatformError, TransientError, WrongUse
from sales_platform.resources import BlobStoreResource, WarehouseResource

READS_BACK = "reads_back"
REHEARSAL = dg.AssetKey(["backup", "rehearsal"])
# One night may fail and be mended in the morning.
TOO_OLD = timedelta(hours=36)


@dg.asset_check(
    asset=KEY,
    name=READS_BACK,
    description=(
        "Every blob of each database's newest backup is read back and has the length and the SHA-256 that its"
        " manifest says."
    ),
    retry_policy=policy.THREE_TRIES,
)
def reads_back(blob_store: BlobStoreResource) -> dg.AssetCheckResult:
    with policy.failures_named():
        return judge_bytes(blob_store.open())


def judge_bytes(store: Store) -> dg.AssetCheckResult:
    """One verdict over all databases; a fault names every bad blob."""
    good: list[str] = []
    bad: list[str] = []
    for source in databases.sources():
        try:
            backup = newest(store, source)
            if backup is None:
                bad.append(f"{source} has no backup")
            else:
                good.append(f"{source} {backup.id}: {verify(store, backup).summary}")
        except BackupDamaged as error:
            bad.append(f"{source}: {error}")
    return dg.AssetCheckResult(
        passed=not bad,
        description=" ".join(bad or good),
        metadata={"verified": len(good), "offenders": len(bad), "store": store.place},
    )


@dg.asset_check(
    asset=KEY,
    name=FRESHNESS,
    description=(
        "How long ago the newest backup was made that was read back since, of the database where that is longest:"
        f" fails beyond {TOO_OLD // timedelta(hours=1)} hours."
    ),
    retry_policy=policy.THREE_TRIES,
)
def freshness(blob_store: BlobStoreResource) -> dg.AssetCheckResult:
    with policy.failures_named():
        store = blob_store.open()
        made = {source: newest_verified(store, source) for source in databases.sources()}
    return judge_age(made, datetime.now(UTC))


def judge_age(made: Mapping[str, datetime | None], now: datetime) -> dg.AssetCheckResult:
    """made: source → when its newest verified backup was made. None at all is a warning: a new platform has none."""
    known = {source: at for source, at in made.items() if at is not None}
    unknown = sorted(made.keys() - known.keys())
    old = sorted(source for source, at in known.items() if now - at > TOO_OLD)
    told = [
        f"{source}: {duration((now - at).total_seconds())} ago" for source, at in sorted(known.items())
    ] + [f"{source}: no backup was ever verified" for source in unknown]
    failed = bool(old or (unknown and known))
    return dg.AssetCheckResult(
        passed=not old and not unknown,
        severity=dg.AssetCheckSeverity.ERROR if failed else dg.AssetCheckSeverity.WARN,
        description=f"{'; '.join(told)}.",
        metadata={
            "threshold": f"fails beyond {TOO_OLD // timedelta(hours=1)} hours",
            "newest_verified": {source: at.isoformat() if at else None for source, at in made.items()},
        },
    )


@dg.asset(
    key=REHEARSAL,
    deps=[KEY],
    description=(
        "The newest backup of each database, restored into a database of its own on the warehouse's server, compared"
        " with its manifest, and dropped again. A backup that was restored is shown as such."
    ),
    group_name=GROUP,
    kinds={"postgres"},
    owners=OWNERS,
    retry_policy=policy.THREE_TRIES,
    pool=policy.writer_of("backup.blob_backup"),
)
def rehearsal(warehouse: WarehouseResource, blob_store: BlobStoreResource) -> dg.MaterializeResult[None]:
    with policy.failures_named():
        store, url = blob_store.open(), warehouse.open().url
        proven, faults = _each(store, lambda backup: rehearse(store, backup, scratch_database(url)))
        if faults:
            raise next(iter(faults.values()))
    return dg.MaterializeResult(metadata=as_table([summary_of(backup) for backup in proven]))


def _each(
    store: Store, prove: Callable[[Backup], object]
) -> tuple[list[Backup], dict[str, SalesPlatformError]]:
    """The newest backup of each database as it is known afterwards; one that fails holds up no other."""
    proven: list[Backup] = []
    faults: dict[str, SalesPlatformError] = {}
    for source in databases.sources():
        try:
            backup = newest(store, source)
            if backup is None:
                raise WrongUse(
                    "there is no complete backup.", where=source, remedy="Materialize backup/blob_backup."
                )
            prove(backup)
            proven.append(newest(store, source) or backup)
        except TransientError:
            raise
        except SalesPlatformError as error:
            faults[source] = error
    return proven, faults
