"""Other names for roles in the statements of a dump (K-27). Text in, text out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

# Strings, names in quotes and bodies of functions are one token each: whatever words they hold is left alone.
_TOKEN = re.compile(
    r"""[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|(?P<dollar>\$(?:[^\W\d]\w*)?\$).*?(?P=dollar)|\w+|\S""",
    re.DOTALL,
)
_NAME = re.compile(r"""\w+|"(?:[^"]|"")*\"""")
# Before which word a role stands, by how a statement begins. TO and FROM are reserved: as names they stand in quotes.
_BEFORE_ROLE = {
    ("GRANT",): ("TO",),
    ("REVOKE",): ("FROM",),
    ("ALTER", "DEFAULT", "PRIVILEGES"): ("ROLE", "TO", "FROM"),
    ("CREATE", "POLICY"): ("TO",),
    ("SET", "SESSION"): ("AUTHORIZATION",),
}


def renamed(statements: str, roles: Mapping[str, str]) -> str:
    """The statements of one entry of a dump, with roles under the names of the map."""
    if not roles:
        return statements
    done: list[str] = []
    position = 0
    words: list[str] = []
    is_role = False
    for token in _TOKEN.finditer(statements):
        word = token[0]
        # a list of roles goes on behind a comma
        is_role = _stands_before_role(words) or (is_role and word == ",") or (is_role and words[-1:] == [","])
        done += [statements[position : token.start()], _new(word, roles) if is_role else word]
        position = token.end()
        words = [] if word == ";" else [*words[:3], *words[3:][-1:], word]
    return "".join(done) + statements[position:]


def _stands_before_role(words: Sequence[str]) -> bool:
    if words[:1] == ["ALTER"] and words[-2:] == ["OWNER", "TO"]:
        return True
    return any(
        tuple(words[: len(beginning)]) == beginning and words[-1] in last
        for beginning, last in _BEFORE_ROLE.items()
    )


def _new(word: str, roles: Mapping[str, str]) -> str:
    if not _NAME.fullmatch(word):
        return word
    name = word[1:-1].replace('""', '"') if word.startswith('"') else word
    return '"' + roles[name].replace('"', '""') + '"' if name in roles else word
