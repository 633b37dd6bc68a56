"""Which type PostgreSQL gives each column of a SELECT, told from the types of its inputs. Runs nothing.

It knows the expressions that facts and marts are written with, and says nothing of any other; a test lets PostgreSQL
read every SELECT and compares.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, build_scope

from sales_platform.contracts.catalog import PROJECT_ROOT
from sales_platform.contracts.table import SqlTableContract
from sales_platform.engine.selects import LAYERS, parsed

INSTANT = "timestamp with time zone"
UNTYPED = "unknown"  # PostgreSQL's own name for what a bare null is
Types = dict[str, str]

_WHOLE = ("smallint", "integer", "bigint")
_NAMES = {
    "SERIAL": "integer",
    "BIGSERIAL": "bigint",
    "INT": "integer",
    "VARCHAR": "character varying",
    "CHAR": "character",
    "DECIMAL": "numeric",
    "TIMESTAMPTZ": INSTANT,
    "TIMESTAMP": "timestamp without time zone",
}
_FUNCTION = re.compile(r"create function (ops\.\w+)\([^)]*\) returns (\w+)(?: \(([^)]*)\))?")
_SUMS = {"smallint": "bigint", "integer": "bigint"}


def spelled_type(kind: exp.Expr) -> str:
    """A type of a DDL or a cast as PostgreSQL's format_type() prints it."""
    name, bracket, size = kind.sql("postgres").partition("(")
    return _NAMES.get(name, name.lower()) + bracket + size.replace(" ", "")


def select_types(table: SqlTableContract, known: Mapping[str, Types]) -> Types:
    """Column → type of the SELECT. known: table → column → type of what it reads."""
    scope = build_scope(parsed(table))
    return _Reader(known).columns(scope) if scope else {}


class _Reader:
    def __init__(self, known: Mapping[str, Types]) -> None:
        self.known = known
        self.returned = _functions()

    def columns(self, scope: Scope) -> Types:
        query = scope.expression
        if isinstance(query, exp.SetOperation):
            return self._united([self.columns(part) for part in scope.set_operation_scopes])
        if (values := query.find(exp.Values)) and scope.outer_columns:
            kinds = [self._type(value, scope) for value in values.expressions[0].expressions]
            return _told(dict(zip(scope.outer_columns, kinds, strict=True)))
        items = query.selects if isinstance(query, exp.Query) else []
        found = {item.alias_or_name: self._type(item, scope) for item in items}
        return _told(found)

    @staticmethod
    def _united(parts: Sequence[Types]) -> Types:
        return _told({name: _common([part.get(name) for part in parts]) for part in parts for name in part})

    def _type(self, node: exp.Expr, scope: Scope) -> str | None:
        """None where it cannot be told; an untyped literal leaves the choice to its neighbours."""
        kind: str | None
        match node:
            case exp.Column():
                kind = self._source(scope, node.table).get(node.name)
            case exp.Cast():
                kind = spelled_type(node.to)
            case exp.Paren() | exp.Alias() | exp.Filter() | exp.Window() | exp.Neg():
                kind = self._type(node.this, scope)
            case exp.Dot():
                kind = self.returned.get(f"{node.this.name}.{node.expression.name}", {}).get("")
            case exp.Literal():
                kind = "text" if node.is_string else "integer" if node.is_int else "numeric"
            case exp.Null():
                kind = UNTYPED
            case exp.Predicate() | exp.Connector() | exp.Not():
                kind = "boolean"
            case _:
                kind = self._computed(node, scope)
        return kind

    def _computed(self, node: exp.Expr, scope: Scope) -> str | None:
        kind: str | None
        match node:
            case exp.Count():
                kind = "bigint"
            case exp.Round():
                kind = "numeric"
            case exp.Sum():
                kind = _SUMS.get(self._type(node.this, scope) or "", "numeric")
            case exp.Max() | exp.Min() | exp.Lag() | exp.Lead():
                kind = _plain(self._type(node.this, scope))
            case exp.Case():
                results = [branch.args["true"] for branch in node.args["ifs"]]
                kind = self._chosen([*results, *filter(None, [node.args.get("default")])], scope)
            case exp.Coalesce() | exp.Greatest() | exp.Least():
                kind = self._chosen([node.this, *node.expressions], scope)
            case exp.Binary():
                kind = _arithmetic(self._type(node.left, scope), self._type(node.right, scope))
            case _:
                kind = None
        return kind

    def _chosen(self, nodes: Iterable[exp.Expr], scope: Scope) -> str | None:
        """The type that several values share. A text in quotes takes theirs, without its length."""
        given = list(nodes)
        typed = [node for node in given if not node.is_string]
        shared = _common([self._type(node, scope) for node in typed]) if typed else "text"
        return _plain(shared) if len(typed) < len(given) else shared

    def _source(self, scope: Scope, alias: str) -> Types:
        source = scope.sources.get(alias)
        if isinstance(source, Scope):
            return self.columns(source)
        if not isinstance(source, exp.Table):
            return {}
        if isinstance(source.this, exp.ExplodingGenerateSeries):
            return dict.fromkeys(source.alias_column_names, "integer")
        name = f"{source.db}.{source.this.name}"
        return self.known.get(name, {}) if source.db in LAYERS else self.returned.get(name, {})


def _functions() -> dict[str, Types]:
    """The platform's own SQL functions: name → column → type; the column of a plain value is ''."""
    returned: dict[str, Types] = {}
    for path in sorted((PROJECT_ROOT / "sql" / "migrations").glob("*.sql")):
        for name, kind, columns in _FUNCTION.findall(path.read_text(encoding="utf-8")):
            pairs = (column.split() for column in columns.split(","))
            returned[name] = {pair[0]: pair[1] for pair in pairs if pair} if kind == "table" else {"": kind}
    return returned


def _told(kinds: Mapping[str, str | None]) -> Types:
    return {name: kind for name, kind in kinds.items() if kind}


def _plain(kind: str | None) -> str | None:
    """Without length, precision and scale."""
    return kind.partition("(")[0] if kind else None


def _common(kinds: Sequence[str | None]) -> str | None:
    if None in kinds:
        return None
    known = [kind for kind in kinds if kind and kind != UNTYPED]
    if not known:
        return UNTYPED
    if len(set(known)) == 1:
        return known[0]
    plain = {kind.partition("(")[0] for kind in known}
    if len(plain) == 1:
        return plain.pop()
    if "numeric" in plain:
        return "numeric"
    return max(plain, key=_WHOLE.index) if plain <= set(_WHOLE) else None


def _arithmetic(left: str | None, right: str | None) -> str | None:
    """Dates move by whole days; among numbers the wider type wins, and never keeps a scale."""
    if left == "date" and right in _WHOLE:
        return "date"
    if left == right == "date":
        return "integer"
    return _plain(_common([left, right]))
