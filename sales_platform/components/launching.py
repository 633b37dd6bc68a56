"""Runs that automation asked for: how they are marked, and which are under way. What is due is not decided here."""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg

DOMAIN = "sales_platform/domain"
RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
PARTITION = "dagster/partition"
IN_PROGRESS = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def domain_tags(domain: str, first: str | None = None, last: str | None = None) -> dict[str, str]:
    """Tags of a run of a domain, for the partitions from first to last, or for none."""
    tags = {DOMAIN: domain}
    if first is not None:
        tags |= dict(zip(RANGE, (first, last or first), strict=True))
    return tags


def under_way(instance: dg.DagsterInstance, domain: str) -> list[tuple[str, str] | None]:
    """The first and last partition of each run of the domain that is queued or running; None for one without any."""
    runs = instance.get_runs(dg.RunsFilter(tags={DOMAIN: domain}, statuses=IN_PROGRESS))
    return [asked_partitions(run.tags) for run in runs]


def asked_partitions(tags: Mapping[str, str]) -> tuple[str, str] | None:
    """The first and last partition that a run is for."""
    if PARTITION in tags:
        return tags[PARTITION], tags[PARTITION]
    first, last = (tags.get(tag) for tag in RANGE)
    return (first, last or first) if first else None
