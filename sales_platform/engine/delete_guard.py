"""When so many keys vanish at once that the input is more likely to be broken than true (S-33). Deletes nothing."""

from __future__ import annotations

from decimal import Decimal

# Below this many a share says nothing.
_FEW = 10


def too_many_vanish(vanished: int, standing: int, arrived: int, share: Decimal) -> bool:
    """Whether `vanished` of `standing` keys are more than a contract's share; an empty input may close none."""
    if vanished == 0 or (vanished <= _FEW and arrived > 0):
        return False
    return vanished > standing * share
