"""A sensor for each domain that runs its tables when what they are made of changed. The conditions stand in policy."""

from __future__ import annotations

import dagster as dg

from sales_platform.components import policy
from sales_platform.contracts.catalog import Catalog, read_catalog

EVERY_SECONDS = 30


@dg.definitions
def defs() -> dg.Definitions:
    return dg.Definitions(sensors=[_sensor(domain) for domain in domains_of(read_catalog())])


def domains_of(catalog: Catalog) -> list[str]:
    """Every domain that has a table made of others."""
    dimensions = {dimension.domain for dimension in catalog.dimensions.values()}
    return sorted(dimensions | {table.domain for table in catalog.tables.values()})


def _sensor(domain: str) -> dg.AutomationConditionSensorDefinition:
    """One for each domain, so that a domain that someone pauses in the UI stays paused."""
    return dg.AutomationConditionSensorDefinition(
        name=f"{domain}_conditions",
        target=dg.AssetSelection.groups(domain),
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=policy.sensor_status(),
        description=(
            f"Watches what the tables of {domain} are made of, and makes them anew when it changed and its blocking"
            " checks passed."
        ),
    )
