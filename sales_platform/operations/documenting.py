"""What `sales-platform docs` does: the pages of tables and of metrics as the definitions want them. Needs no server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sales_platform.contracts.catalog import PROJECT_ROOT, read_catalog

if TYPE_CHECKING:
    import dagster as dg


@dataclass(frozen=True)
class Change:
    """One page. act: `new`, `changed` or `gone`."""

    path: str
    act: str


def pages(definitions: dg.Definitions) -> dict[str, str]:
    """Path below the project → text, of every page."""
    from sales_platform.components.pages import FOLDER, page_path
    from sales_platform.metrics.registry import read_registry
    from sales_platform.operations.documenting_metrics import PAGE, metrics_page
    from sales_platform.operations.documenting_pages import domain_page, domains, index_page, table_page
    from sales_platform.operations.documenting_tables import documented_tables

    tables = documented_tables(read_catalog(), definitions)
    return {
        f"{FOLDER}/README.md": index_page(tables),
        **{f"{FOLDER}/{domain}/README.md": domain_page(domain, tables) for domain in domains(tables)},
        **{page_path(table.domain, name): table_page(table, tables) for name, table in tables.items()},
        PAGE: metrics_page(read_registry()),
    }


def document(*, writing: bool = True, root: Path = PROJECT_ROOT) -> list[Change]:
    """What is new, changed or gone since the pages were last written. writing: bring them up to date too."""
    from sales_platform.definitions import defs
    from sales_platform.operations.opening import accept_beta

    accept_beta()
    return bring_up_to_date(pages(defs()), root, writing=writing)


def bring_up_to_date(wanted: dict[str, str], root: Path, *, writing: bool) -> list[Change]:
    """The same for given pages. Every other Markdown file in the tables' folder is the page of one that is gone."""
    from sales_platform.components.pages import FOLDER

    found = {*(root / FOLDER).rglob("*.md"), *(root / path for path in wanted if (root / path).exists())}
    standing = {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in sorted(found)}
    acts = {
        path: "changed" if path in standing else "new"
        for path in wanted
        if wanted[path] != standing.get(path)
    }
    acts |= dict.fromkeys(standing.keys() - wanted.keys(), "gone")
    if writing:
        for path in acts:
            _write(root / path, wanted.get(path))
    return [Change(path, acts[path]) for path in sorted(acts)]


def _write(path: Path, text: str | None) -> None:
    if text is None:
        path.unlink()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
