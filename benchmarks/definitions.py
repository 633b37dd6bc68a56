"""Loading the definitions, as every process of Dagster does, against importing Dagster alone and against loading a
project that declares nothing: the second is what Dagster itself costs, plug-ins included.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measuring import Measured, Result, seconds

_ENGINE = "from sales_platform.definitions import defs; defs()"
_IMPORT = "import dagster"
_NOTHING = "from nothing.definitions import defs; defs()"

_PROJECT = """
[tool.dg]
directory_type = "project"

[tool.dg.project]
root_module = "nothing"
"""

_DEFINITIONS = """
from pathlib import Path

import dagster as dg


@dg.definitions
def defs():
    return dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
"""


def measure(rounds: int) -> list[Result]:
    """Whole processes, in turns; the first of each fills the caches of the machine and is not counted."""
    engine, imported, nothing = [], [], []
    with tempfile.TemporaryDirectory(prefix="sales-platform-bench-") as folder:
        empty = _empty_project(Path(folder))
        for counted in (False, *[True] * rounds):
            spent = _process(_ENGINE), _process(_IMPORT), _process(_NOTHING, empty)
            if counted:
                engine.append(spent[0])
                imported.append(spent[1])
                nothing.append(spent[2])
    return [
        Measured("loading definitions, against importing Dagster", engine, imported, 1.5),
        Measured("loading definitions, against a project that declares nothing", engine, nothing, 1.5),
    ]


def _empty_project(folder: Path) -> Path:
    package = folder / "nothing"
    (package / "defs").mkdir(parents=True)
    (folder / "pyproject.toml").write_text(_PROJECT)
    for module in (package, package / "defs"):
        (module / "__init__.py").touch()
    (package / "definitions.py").write_text(_DEFINITIONS)
    return folder


def _process(code: str, folder: Path | None = None) -> float:
    return seconds(
        subprocess.run, [sys.executable, "-W", "ignore", "-c", code], check=True, cwd=folder or Path.cwd()
    )
