"""A contract's path as a pattern: the path of a day or a file, and the day of a path. No file is looked at."""

from __future__ import annotations

import re
from datetime import date
from fnmatch import fnmatchcase
from functools import cache
from pathlib import PurePosixPath

from sales_platform.errors import ContractError

_PLACEHOLDER = re.compile(r"\{partition:([^{}]*)\}")
_DIRECTIVES = {"%Y": r"\d{4}", "%m": r"\d{2}", "%d": r"\d{2}"}


def path_of(pattern: str, partition: date | str | None) -> str:
    """The path of a day, of a file's own name, or (None) of the one file. Raises ContractError for a pattern that needs
    a day and got none.
    """
    if isinstance(partition, str):
        return str(PurePosixPath(pattern).parent / partition)
    if "{" not in pattern:
        return pattern
    if partition is None:
        raise ContractError(
            "The path needs a day.", where=pattern, remedy="Declare the feed as `partitions: daily`."
        )
    _day_format(pattern)
    return _PLACEHOLDER.sub(lambda found: partition.strftime(found[1]), pattern)


def takes(pattern: str, path: str) -> bool:
    """Whether a feed of this pattern reads the file at `path`."""
    if "{" in pattern:
        return day_in(pattern, path) is not None
    same_folder = PurePosixPath(path).parent == PurePosixPath(pattern).parent
    return same_folder and fnmatchcase(PurePosixPath(path).name, PurePosixPath(pattern).name)


def segments(pattern: str) -> list[str | re.Pattern[str]]:
    """The parts of a daily path: text where it is fixed, an expression where it holds a part of the day."""
    return [
        re.compile("".join(_DIRECTIVES.get(piece) or re.escape(piece) for piece in re.split("(%.)", part)))
        if "%" in part
        else part
        for part in _day_format(pattern).split("/")
    ]


def day_in(pattern: str, path: str) -> date | None:
    """The day that `path` stands for; None where its digits are no day, such as the 31st of February."""
    expression, directives = _day_expression(pattern)
    found = expression.fullmatch(path)
    if found is None:
        return None
    part = dict(zip(directives, found.groups(), strict=True))
    try:
        day = date(int(part["%Y"]), int(part["%m"]), int(part["%d"]))
    except ValueError:
        return None
    # A day that the path names twice must be the same both times.
    return day if day.strftime(_day_format(pattern)) == path else None


@cache
def _day_format(pattern: str) -> str:
    """The pattern as one strftime format; raises ContractError for what cannot be turned back into a day."""
    found = _PLACEHOLDER.sub(r"\1", pattern)
    unknown = set(re.findall(r"%.?|[{}]", found)) - _DIRECTIVES.keys()
    if unknown or not _DIRECTIVES.keys() <= set(re.findall("%.", found)):
        raise ContractError(
            "The path does not name one file per day.",
            where=pattern,
            remedy="Write the day as {partition:…} with %Y, %m and %d, such as {partition:%Y/%m/%d}.",
        )
    return found


@cache
def _day_expression(pattern: str) -> tuple[re.Pattern[str], list[str]]:
    """What a path of the pattern looks like, with one group for each directive, and these directives."""
    pieces = re.split("(%.)", _day_format(pattern))
    expression = "".join(
        f"({_DIRECTIVES[piece]})" if piece in _DIRECTIVES else re.escape(piece) for piece in pieces
    )
    return re.compile(expression), pieces[1::2]
