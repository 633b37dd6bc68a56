"""Other names for roles in the statements of a dump (K-27). Text in, text out."""

from __future__ import annotations

import re
from collections.abc import Mapping

# The statements of a dump that name roles. Functions, views and comments may hold the same words and are left alone.
_NAMING = re.compile(
    r"^(ALTER [^;]*? OWNER TO |GRANT |REVOKE |ALTER DEFAULT PRIVILEGES |CREATE POLICY |SET SESSION )"
)
_TOKEN = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\w*)\$.*?\$\1\$|\w+|\S""", re.DOTALL)
# TO and FROM are reserved: as a name they stand in quotes.
_BEFORE_ROLE = frozenset(["TO", "FROM", "ROLE", "AUTHORIZATION"])
_WORD = re.compile(r"""\w+|"(?:[^"]|"")*\"""")


def renamed(statements: str, roles: Mapping[str, str]) -> str:
    """The statements of one entry of a dump, with roles under the names of the map."""
    if not roles:
        return statements
    done = []
    position = 0
    # a dump ends every statement that names a role with the line
    for line in re.finditer(r"^.*?;$\n?|\Z", statements, re.MULTILINE | re.DOTALL):
        text = line[0]
        start = len(text) - len(text.lstrip())
        done.append(text[:start] + _in_statement(text[start:], roles) if text.strip() else text)
        position = line.end()
    return "".join(done) + statements[position:]


def _in_statement(statement: str, roles: Mapping[str, str]) -> str:
    if not _NAMING.match(statement):
        return statement
    expected = False
    done: list[str] = []
    position = 0
    for token in _TOKEN.finditer(statement):
        word = token[0]
        done.append(statement[position : token.start()])
        position = token.end()
        # a list of roles goes on behind a comma
        is_role = expected and _WORD.fullmatch(word) is not None
        done.append(_new(word, roles) if is_role else word)
        expected = (
            word in _BEFORE_ROLE or (expected and word == ",") or (is_role and _comma(statement, position))
        )
    return "".join(done) + statement[position:]


def _comma(statement: str, position: int) -> bool:
    return statement[position:].lstrip().startswith(",")


def _new(word: str, roles: Mapping[str, str]) -> str:
    name = word[1:-1].replace('""', '"') if word.startswith('"') else word
    if name not in roles:
        return word
    return '"' + roles[name].replace('"', '""') + '"'
