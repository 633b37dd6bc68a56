"""Text for a cell that a spreadsheet shows and does not run. No file is here."""

from __future__ import annotations

import re

_FORMULA = re.compile(r"'*[=+\-@\t\r\n]")
_ESCAPED = re.compile(r"'+[=+\-@\t\r\n]")
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")


def guarded(text: str) -> str:
    """The text, behind an apostrophe where it begins as a formula does (formula injection); `released` takes exactly
    that back. Numbers stay as they are.
    """
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def released(text: str) -> str:
    return text[1:] if _ESCAPED.match(text) else text
