"""What a person declares of snapshots when starting a run, as tags of the run: from the command line or the UI's
launchpad alike. What it permits, the engine decides.
"""

from __future__ import annotations

from collections.abc import Mapping

from sales_platform.engine.snapshots import Meant

ALLOW_DELETES = "sales_platform/allow_deletes"
CORRECTION = "sales_platform/correction"


def meant_by(tags: Mapping[str, str]) -> Meant:
    """Only the word `true` declares anything."""
    return Meant(tags.get(ALLOW_DELETES) == "true", tags.get(CORRECTION) == "true")


def tags_of(meant: Meant) -> dict[str, str]:
    """The tags of a run that declares as much."""
    said = {ALLOW_DELETES: meant.allow_deletes, CORRECTION: meant.correction}
    return {tag: "true" for tag, yes in said.items() if yes}
