"""The check that the Parquet files of the channels hold the fact: rows and money, day by day. It writes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, cast

import dagster as dg
from psycopg import sql

from sales_platform.components import inspecting, metadata, partitions, policy
from sales_platform.contracts.catalog import read_catalog
from sales_platform.defs.channels.parquet import FACT, NAME, parquet_path
from sales_platform.engine.files import existing_days, locate
from sales_platform.engine.tables import TableName
from sales_platform.engine.warehouse import Connection
from sales_platform.errors import FileMissing, SourceError
from sales_platform.resources import SourceFilesResource, WarehouseResource
from sales_platform.settings import DataFolder

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]

CHECK = "parquet_equals_fact"
FILES = "channels/processed/{partition:%Y/%m/%d}/cleaned_transactions.parquet"
MISSING, UNREADABLE = "no file", "cannot be read"


@dataclass(frozen=True)
class Held:
    """What a day holds on one side. money: column → sum. fault: why a file has no figures."""

    rows: int = 0
    money: Mapping[str, Decimal] | None = None
    fault: str | None = None


@dataclass(frozen=True)
class Day:
    """A day on both sides."""

    day: str
    file: Held
    fact: Held

    @property
    def alike(self) -> bool:
        return self.file.fault is None and (self.file.rows, self.file.money) == (
            self.fact.rows,
            self.fact.money,
        )


@dg.asset_check(
    name=CHECK,
    asset=metadata.key_of(NAME),
    additional_deps=[metadata.key_of(FACT)],
    description="Each day of the fact has its Parquet file with its rows and sums of money; no other day has rows.",
    retry_policy=policy.THREE_TRIES,
)
def parquet_equals_fact(
    context: dg.AssetCheckExecutionContext, warehouse: WarehouseResource, source_files: SourceFilesResource
) -> dg.AssetCheckResult:
    asked = partitions.asked_for(context)
    with policy.failures_named(), warehouse.open().transaction() as connection:
        return result(compared(connection, source_files.root, asked))


@dg.definitions
def defs() -> dg.Definitions:
    return dg.Definitions(asset_checks=[parquet_equals_fact])


def compared(connection: Connection, data: DataFolder, asked: Sequence[str] | None) -> list[Day]:
    """Both sides of the asked days; without any, of every day that the fact or a file holds."""
    money = money_columns()
    fact = _of_fact(connection, money, asked)
    days = asked if asked is not None else sorted({*fact, *map(str, existing_days(data, FILES))})
    nothing = Held(0, dict.fromkeys(money, Decimal(0)))
    return [Day(day, _of_file(data, money, day), fact.get(day, nothing)) for day in days]


def result(days: Sequence[Day]) -> dg.AssetCheckResult:
    """An offender is a day whose file is missing, cannot be read, or holds something else than the fact."""
    bad = [day for day in days if not day.alike]
    figures: dict[str, dg.MetadataValue] = {
        "days": dg.MetadataValue.int(len(days)),
        "rows": dg.MetadataValue.int(sum(day.fact.rows for day in days)),
        "offenders": dg.MetadataValue.int(len(bad)),
        "severity": dg.MetadataValue.text(dg.AssetCheckSeverity.ERROR.value),
        "threshold": dg.MetadataValue.int(0),
        "offenders_sql": inspecting.as_sql(
            _figures_of_days(money_columns(), [day.day for day in bad or days])
        ),
    }
    if bad:
        figures["samples"] = inspecting.as_table([_sample(day) for day in bad[: inspecting.SAMPLES]])
        figures["by_partition"] = dg.MetadataValue.json({day.day: _said(day) for day in bad})
    located = inspecting.located([day.day for day in bad])
    remedy = (
        "; `sales-platform run key:files/channels_transactions --from … --to …` writes them anew"
        if bad
        else ""
    )
    return dg.AssetCheckResult(
        asset_key=metadata.key_of(NAME),
        check_name=CHECK,
        passed=not bad,
        description=f"{len(bad):,} of {len(days):,} days differ from the fact{located}{remedy}",
        metadata=figures,
    )


def money_columns() -> list[str]:
    """The columns of the fact that its contract gives a currency."""
    return [name for name, column in read_catalog().tables[FACT].columns.items() if column.currency]


def _of_fact(connection: Connection, money: Sequence[str], asked: Sequence[str] | None) -> dict[str, Held]:
    rows = connection.execute(_figures_of_days(money, asked)).fetchall()
    return {day: Held(count, dict(zip(money, sums, strict=True))) for day, count, *sums in rows}


def _figures_of_days(money: Sequence[str], days: Sequence[str] | None) -> sql.Composed:
    """What the fact says of these days, or of all, to be run in psql."""
    sums = [sql.SQL(", coalesce(sum({c}), 0) as {c}").format(c=sql.Identifier(name)) for name in money]
    some = (
        sql.SQL("true") if days is None else sql.SQL("_partition = any({})").format(sql.Literal(list(days)))
    )
    return sql.SQL("select _partition, count(*) as rows{} from {} where {} group by 1 order by 1").format(
        sql.SQL("").join(sums), TableName.parse(FACT).sql, some
    )


def _of_file(data: DataFolder, money: Sequence[str], day: str) -> Held:
    import pyarrow as pa
    import pyarrow.compute as pc  # type: ignore[import-untyped]
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    try:
        # only the columns that are added up are read
        with locate(data, parquet_path(date.fromisoformat(day)), None).open() as stream:
            table = cast("pa.Table", pq.read_table(stream, columns=list(money)))
        sums = {name: pc.sum(table.column(name)).as_py() or Decimal(0) for name in money}
    except FileMissing:
        return Held(fault=MISSING)
    except (pa.ArrowException, OSError, KeyError, SourceError):
        return Held(fault=UNREADABLE)
    return Held(table.num_rows, sums)


def _sample(day: Day) -> inspecting.Sample:
    sums = {
        f"{name} in the {side}": str(held.money[name]) if held.money else None
        for side, held in (("file", day.file), ("fact", day.fact))
        for name in day.fact.money or {}
    }
    return {"day": day.day, "file": _said(day), "rows in the fact": day.fact.rows, **sums}


def _said(day: Day) -> str:
    return day.file.fault or f"{day.file.rows:,} rows"
