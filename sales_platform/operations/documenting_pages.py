"""The page of a table and the lists of tables, as Markdown. What is known of a table is gathered elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sales_platform.contracts.dimension import DimensionContract
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.contracts.source import TableFeed
from sales_platform.contracts.table import SqlTableContract
from sales_platform.operations.documenting_judgement import inferred, refusals
from sales_platform.operations.documenting_stars import star
from sales_platform.operations.documenting_tables import DocumentedTable

MADE_BY = (
    "<!-- Made by `sales-platform docs` from contracts and SQL; what is written here by hand is lost. -->"
)
LAYERS = {
    "marts": "ready to serve",
    "analytics": "dimensions and facts",
    "staging": "typed, judged, deduplicated",
    "raw": "as received",
}
LOADS = {
    "replace_partition": "the days of a run are replaced, each as a whole (`replace_partition`)",
    "merge": "rows of the keys that changed are written (`merge`)",
    "rebuild": "computed anew, written only where it differs (`rebuild`)",
}
PADDED = 64  # a wider cell leaves its neighbours where they are
ROOT = "../../.."

Tables = Mapping[str, DocumentedTable]


def table_page(table: DocumentedTable, tables: Tables) -> str:
    """Everything about one table."""
    parts = [
        MADE_BY,
        f"# {table.name}",
        table.description,
        grid(("", ""), _facts(table)),
        "## Columns",
        _columns(table),
        *_judgement(table),
        *_checks(table),
        "## Lineage",
        *_neighbours(table, tables),
    ]
    return "\n\n".join(parts) + "\n"


def domain_page(domain: str, tables: Tables) -> str:
    """The star of a domain and its tables by layer."""
    own = [table for table in tables.values() if table.domain == domain]
    parts = [MADE_BY, f"# {domain}", "[All tables](../README.md)", *_diagram(domain, tables)]
    for layer, told in LAYERS.items():
        rows = [(f"[{t.name}]({t.name}.md)", kind(t), first_sentence(t)) for t in own if t.layer == layer]
        if rows:
            parts += [f"## {layer}: {told}", grid(("table", "kind", "what it holds"), rows)]
    return "\n\n".join(parts) + "\n"


def index_page(tables: Tables) -> str:
    """All tables by domain."""
    parts = [
        MADE_BY,
        "# Tables",
        "One page per table and a star diagram per domain, which `sales-platform docs` makes from contracts and SQL.",
    ]
    for domain in domains(tables):
        own = [table for table in tables.values() if table.domain == domain]
        rows = [
            (f"[{t.name}]({domain}/{t.name}.md)", kind(t), first_sentence(t))
            for layer in LAYERS
            for t in own
            if t.layer == layer
        ]
        parts += [f"## [{domain}]({domain}/README.md)", grid(("table", "kind", "what it holds"), rows)]
    return "\n\n".join(parts) + "\n"


def domains(tables: Tables) -> list[str]:
    return sorted({table.domain for table in tables.values()})


def kind(table: DocumentedTable) -> str:
    contract = table.contract
    if isinstance(contract, DimensionContract):
        return "dimension with history" if contract.has_history else "dimension"
    if isinstance(contract, SqlTableContract):
        return "mart" if table.layer == "marts" else "fact" if table.is_fact else "dimension"
    return "log" if isinstance(contract, TableFeed) and table.layer == "raw" else "feed"


def first_sentence(table: DocumentedTable) -> str:
    """Of a feed's own description, which does not repeat the layer."""
    told = table.description if table.layer in ("analytics", "marts") else table.contract.description
    head, stop, _ = told.partition(". ")
    return head + (stop and ".")


def grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, padded so that it can be read as text too."""
    cells = [[_cell(cell) for cell in row] for row in (head, *rows)]
    widths = [max([len(row[i]) for row in cells if len(row[i]) <= PADDED] or [0]) for i in range(len(head))]
    widths[-1] = 0
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |" for row in cells]
    rule = "| " + " | ".join("-" * max(width, 3) for width in widths) + " |"
    return "\n".join([lines[0], rule, *lines[1:]])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _facts(table: DocumentedTable) -> list[tuple[str, str]]:
    feed = table.contract if isinstance(table.contract, FileFeedContract | TableFeed) else None
    return [
        ("domain", f"[{table.domain}](README.md)"),
        ("layer", f"{table.layer}, {LAYERS[table.layer]}"),
        ("kind", kind(table)),
        *([("source", _source(feed))] if feed else []),
        ("one row per", ", ".join(f"`{name}`" for name in table.key)),
        *_business_key(table),
        ("partitions", _partitions(table)),
        ("loaded", _loaded(table)),
        ("owner", table.owner),
        ("asset", f"`{table.name.replace('.', '/')}`"),
        ("contract", f"[defs.yaml]({ROOT}/sales_platform/defs/{table.domain}/defs.yaml){_sql(table)}"),
    ]


def _business_key(table: DocumentedTable) -> list[tuple[str, str]]:
    contract = table.contract
    if not isinstance(contract, DimensionContract):
        return []
    said = [("business key", contract.key), ("a change opens a version", contract.track)]
    said += [("first value stays", contract.keep_first)]
    return [(word, ", ".join(f"`{name}`" for name in names)) for word, names in said if names]


def _source(feed: FileFeedContract | TableFeed) -> str:
    if isinstance(feed, FileFeedContract):
        return f"`{feed.path}` below the data folder"
    return f"`{'.'.join(feed.source_table)}` in the database `{feed.source.database}`"


def _sql(table: DocumentedTable) -> str:
    if isinstance(table.contract, SqlTableContract):
        return f", [{table.contract.sql_path}]({ROOT}/{table.contract.sql_path})"
    return ""


def _partitions(table: DocumentedTable) -> str:
    contract = table.contract
    if isinstance(contract, FileFeedContract):
        return {"daily": "one per day", "per_file": "one per file", "none": "none"}[contract.partitions]
    daily = isinstance(contract, SqlTableContract) and contract.load == "replace_partition"
    return "one per day" if daily else "none"


def _loaded(table: DocumentedTable) -> str:
    contract = table.contract
    if isinstance(contract, SqlTableContract):
        return LOADS[contract.load]
    if isinstance(contract, DimensionContract):
        return "the keys whose events changed are worked out again"
    if isinstance(contract, TableFeed):
        return f"what `{contract.cursor}` shows as new" if contract.cursor else "the whole table is compared"
    return (
        "every content that landed stays in raw"
        if contract.partitions == "none" or contract.versions
        else "a file that comes again replaces its rows"
    )


def _columns(table: DocumentedTable) -> str:
    """Units and personal data only where a table has any."""
    head = ["column", "type", "meaning", "unit", "PII", "comes from"]
    rows = [
        [f"`{c.name}`", c.type, c.meaning, c.unit, c.pii, ", ".join(f"`{origin}`" for origin in c.origins)]
        for c in table.columns
    ]
    shown = [i for i in range(len(head)) if head[i] not in ("unit", "PII") or any(row[i] for row in rows)]
    return grid([head[i] for i in shown], [[row[i] for i in shown] for row in rows])


def _judgement(table: DocumentedTable) -> list[str]:
    feed = table.contract
    if not isinstance(feed, FileFeedContract | TableFeed) or table.layer != "staging":
        return []
    parts = []
    if found := refusals(feed):
        told = "The first reason that holds names a refused row; `quality.rejected_record` keeps it with all of them."
        rows = [(f"`{name}`" if name else "the row", when, f"`{reason}`") for name, when, reason in found]
        parts += ["## Refused rows", told + _limit(feed), grid(("column", "refused when", "reason"), rows)]
    if parents := inferred(feed):
        listed = ", ".join(f"`{name}` (`{parent}`)" for name, parent in parents)
        parts.append(f"A value that its parent lacks becomes an inferred member: {listed}.")
    return parts


def _limit(feed: FileFeedContract | TableFeed) -> str:
    if isinstance(feed, TableFeed) or feed.reject_limit >= 1:
        return ""
    return f" Where more than {float(feed.reject_limit) * 100:g} % of a file are refused, nothing of it is published."


def _checks(table: DocumentedTable) -> list[str]:
    if not table.checks:
        return []
    rows = [(f"`{c.name}`", "blocks" if c.blocking else "warns", c.asks) for c in table.checks]
    return ["## Checks", grid(("check", "a failure", "what it asks"), rows)]


def _neighbours(table: DocumentedTable, tables: Tables) -> list[str]:
    return [
        f"Reads: {_links(table, table.reads, tables)}.",
        f"Read by: {_links(table, table.read_by, tables)}." if table.read_by else "Read by no other asset.",
    ]


def _links(table: DocumentedTable, names: Sequence[str], tables: Tables) -> str:
    return (
        ", ".join(_link(table, tables[n]) if n in tables else f"`{n.replace('.', '/')}`" for n in names)
        or "nothing"
    )


def _link(table: DocumentedTable, other: DocumentedTable) -> str:
    folder = "" if other.domain == table.domain else f"../{other.domain}/"
    return f"[{other.name}]({folder}{other.name}.md)"


def _diagram(domain: str, tables: Tables) -> list[str]:
    drawn = star(domain, tables)
    if drawn is None:
        return []
    told = "Facts with the dimensions they point at, and the marts made of them (dotted): keys and measures only."
    return ["## Star", told, f"```mermaid\n{drawn}\n```"]
