"""The pools of Dagster's record, made before any run needs them. Who may be in one, dagster.yaml says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sales_platform.local.locks import exclusive

if TYPE_CHECKING:
    import dagster as dg

WAIT_SECONDS = 60


def make_pools(instance: dg.DagsterInstance, definitions: dg.Definitions) -> list[str]:
    """Make every pool that is not there yet; returns their names.

    Dagster makes a pool when a step first asks for it. Two runs that do so at once violate its unique key, and one of
    them fails before it began.
    """
    graph = definitions.resolve_asset_graph()
    steps = (graph.get(key).assets_def.op for key in graph.materializable_asset_keys)
    wanted = {step.pool for step in steps if step.pool}
    storage = instance.event_log_storage
    if wanted <= storage.get_concurrency_keys():
        return []
    lock = Path(instance.root_directory) / "pools.lock"
    lock.touch()
    with exclusive(lock, WAIT_SECONDS):
        missing = sorted(wanted - storage.get_concurrency_keys())
        for pool in missing:
            storage.initialize_concurrency_limit_to_default(pool)
    return missing
