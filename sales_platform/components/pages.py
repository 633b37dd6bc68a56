"""Where the page of a table lies, and the link to it that an asset bears. What a page says is told elsewhere."""

import dagster as dg

from sales_platform.contracts.catalog import PROJECT_ROOT

FOLDER = "docs/tables"


def page_path(domain: str, table: str) -> str:
    """The page of `analytics.fact_sales`, below the project."""
    return f"{FOLDER}/{domain}/{table}.md"


def linked(
    domain: str, table: str, sources: dg.CodeReferencesMetadataValue | None = None
) -> dict[str, dg.MetadataValue]:
    """Metadata of an asset: the page's path, and a link that opens it in an editor. sources: other such links."""
    path = page_path(domain, table)
    page = dg.LocalFileCodeReference(file_path=str(PROJECT_ROOT / path), line_number=1, label=path)
    others = sources.code_references if sources else []
    return {
        "docs": dg.MetadataValue.path(path),
        "dagster/code_references": dg.CodeReferencesMetadataValue(code_references=[*others, page]),
    }
