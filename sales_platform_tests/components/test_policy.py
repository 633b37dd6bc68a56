"""What holds for every asset: how often it is tried, for which errors, and which steps share a pool."""

from __future__ import annotations

import dagster as dg
import pytest

from sales_platform.components import policy
from sales_platform.definitions import defs
from sales_platform.errors import ContractError, LockNotAvailable, ServerUnavailable

AT_ONCE = dg.RetryPolicy(max_retries=policy.THREE_TRIES.max_retries, delay=0)


@pytest.mark.parametrize(
    ("error", "tries"),
    [
        (ServerUnavailable("down"), 3),
        (LockNotAvailable("held"), 3),
        (ContractError("wrong"), 1),
        (ValueError("strange"), 1),
    ],
)
def test_what_may_pass_is_tried_three_times_and_everything_else_once(error: Exception, tries: int) -> None:
    tried = []

    @dg.asset(retry_policy=AT_ONCE)
    def parts() -> None:
        tried.append(1)
        with policy.failures_named():
            raise error

    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([parts], instance=instance, raise_on_error=False)

    assert not result.success
    assert len(tried) == tries


def test_each_try_waits_longer_than_the_one_before() -> None:
    assert [policy.THREE_TRIES.calculate_delay(attempt) for attempt in (1, 2)] == [2, 6]


def test_every_table_is_written_by_the_steps_of_one_pool_of_its_own() -> None:
    graph = defs().resolve_asset_graph()
    steps: dict[str, set[str]] = {}
    for key in graph.materializable_asset_keys:
        step = graph.get(key).assets_def.op
        assert step.pool, key
        steps.setdefault(step.pool, set()).add(step.name)

    assert {pool for pool in steps if not pool.startswith("writes/")} == set()
    shared = {pool: names for pool, names in steps.items() if len(names) > 1}
    of_sources = {
        f"writes/{domain}": {f"{domain}_source", f"ops__{domain}_reconciliation"}
        for domain in ("accounts", "invoicing")
    }
    assert shared == of_sources | {"writes/backup.blob_backup": {"backup__blob_backup", "backup__rehearsal"}}
