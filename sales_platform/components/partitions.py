"""The days that assets are cut into, and which of them a run asked for. No paths here."""

from datetime import date

import dagster as dg

from sales_platform.settings import load_settings

Context = dg.AssetExecutionContext | dg.AssetCheckExecutionContext


def daily() -> dg.DailyPartitionsDefinition:
    """Days of the business time zone, today included: what it has so far can be loaded, and is partial."""
    settings = load_settings()
    return dg.DailyPartitionsDefinition(
        start_date=settings.partitions_start.isoformat(), timezone=settings.time_zone, end_offset=1
    )


def asked_for(context: Context) -> list[str] | None:
    """The partitions of this run; None for a run without any, such as a check of a whole table."""
    if context.has_partition_key or context.has_partition_key_range:
        return list(context.partition_keys)
    return None


def as_day(partition: str) -> date:
    return date.fromisoformat(partition)
