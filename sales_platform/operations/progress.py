"""What an operation tells while it works. How that looks on a terminal belongs to the command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sales_platform.operations.file_planning import FilePlan
from sales_platform.operations.surveying import Survey


class Progress(Protocol):
    """Hears of a run as it goes. A step is one or more assets that are written together."""

    def planned(self, domain: str, survey: Survey) -> None: ...

    def files_planned(self, plan: FilePlan) -> None: ...

    def run_started(self, title: str, assets: Sequence[str]) -> None: ...

    def step_started(self, step: str) -> None: ...

    def step_ended(self, step: str, *, failed: bool) -> None: ...

    def run_ended(self) -> None: ...


class Silent:
    """Tells nobody."""

    def planned(self, domain: str, survey: Survey) -> None: ...

    def files_planned(self, plan: FilePlan) -> None: ...

    def run_started(self, title: str, assets: Sequence[str]) -> None: ...

    def step_started(self, step: str) -> None: ...

    def step_ended(self, step: str, *, failed: bool) -> None: ...

    def run_ended(self) -> None: ...
