"""What a formula may say: arithmetic over aggregates of a mart's columns. Everything else is refused here."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

_AGGREGATES = (exp.Sum, exp.Count, exp.Min, exp.Max)
_ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Neg, exp.Paren, exp.Nullif, exp.Coalesce, exp.Literal)
_WITHIN = (
    *_ARITHMETIC,
    exp.Column,
    exp.Identifier,
    exp.Distinct,
    exp.Star,
    exp.Where,
    exp.Predicate,
    exp.Connector,
    exp.Not,
    exp.Null,
    exp.Boolean,
    exp.Tuple,
)


@dataclass(frozen=True)
class Formula:
    """sql: for a SELECT over the mart that groups. columns: those it reads."""

    sql: str
    columns: frozenset[str]


def read_formula(text: str, columns: Collection[str]) -> Formula:
    """The formula as PostgreSQL runs it. columns: those of the mart.

    A quotient is a decimal one, because a share of two counts would else be cut to a whole number. Raises
    ValueError that says what is wrong with it.
    """
    try:
        tree = sqlglot.parse_one(f"select {text} as value", dialect="postgres")
    except SqlglotError as error:
        raise ValueError(f"cannot be read: {str(error).splitlines()[0]}") from None
    value = _only_value(tree)
    aggregates = list(_judged(value))
    if not aggregates:
        raise ValueError("has no aggregate; write sum(…), count(…), min(…) or max(…)")
    used = frozenset(column.name for column in value.find_all(exp.Column))
    if missing := sorted(used - set(columns)):
        raise ValueError(f"names {', '.join(missing)}, which the mart does not have")
    for quotient in list(value.find_all(exp.Div)):
        quotient.set("this", exp.cast(quotient.this.copy(), "numeric"))
    return Formula(value.sql("postgres"), used)


def _only_value(tree: exp.Expr) -> exp.Expr:
    selected = tree.selects if isinstance(tree, exp.Select) else []
    clauses = [word for word, value in tree.args.items() if value and word not in ("expressions", "kind")]
    if len(selected) != 1 or clauses or not isinstance(selected[0], exp.Alias):
        raise ValueError("must be one expression")
    inner: exp.Expr = selected[0].this
    return inner


def _judged(node: exp.Expr) -> Iterator[exp.Expr]:
    """The aggregates of an expression, itself one or arithmetic over some."""
    if isinstance(node, (exp.Filter, *_AGGREGATES)):
        _refuse_strangers(node)
        yield node
    elif isinstance(node, exp.Column):
        raise ValueError(f"reads {node.name} outside an aggregate")
    elif isinstance(node, _ARITHMETIC):
        for child in node.iter_expressions():
            yield from _judged(child)
    else:
        raise ValueError(_stranger(node))


def _refuse_strangers(aggregate: exp.Expr) -> None:
    """Nothing but values of the mart's own rows stands in an aggregate."""
    outer = aggregate.this if isinstance(aggregate, exp.Filter) else aggregate
    if not isinstance(outer, _AGGREGATES):
        raise ValueError(_stranger(outer))
    for node in aggregate.walk():
        if node not in (aggregate, outer) and not isinstance(node, _WITHIN):
            raise ValueError(_stranger(node))
        if isinstance(node, exp.Column) and node.table:
            raise ValueError(f"names another table, {node.table}")


def _stranger(node: exp.Expr) -> str:
    if isinstance(node, exp.Avg):
        return "has avg(…), which is wrong over rows of a mart; divide a sum by a count"
    return f"has {node.sql('postgres')[:40]}, which no formula may have"
