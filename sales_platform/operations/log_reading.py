"""The JSON logs of all processes as one stream in the order of time. Writing them is the matter of `logs`."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sales_platform.logs import console_line
from sales_platform.settings import Settings

POLL_SECONDS = 0.25


def read_logs(settings: Settings, lines: int, *, follow: bool = False) -> Iterator[str]:
    """The last `lines` lines in the console's form, oldest first; with `follow` also what comes next."""
    reader = LogReader(settings.logs)
    yield from deque(reader.new_lines(), maxlen=lines)
    while follow:
        time.sleep(POLL_SECONDS)
        yield from reader.new_lines()


@dataclass
class LogReader:
    """Remembers how far each file was read, by its identity, so that a rotated file is not read twice."""

    folder: Path
    _read: dict[tuple[int, int], int] = field(default_factory=dict)

    def new_lines(self) -> list[str]:
        """What was written since the last call, ordered by time, in the console's form."""
        found: list[tuple[str, str]] = []
        for path in sorted(self.folder.glob("*.jsonl*")):
            try:
                found += [_shown(path, line) for line in self._new_in(path)]
            except FileNotFoundError:
                # rotated away between listing and opening; it is found under its new name next time
                continue
        return [line for _, line in sorted(found, key=lambda entry: entry[0])]

    def _new_in(self, path: Path) -> list[bytes]:
        with path.open("rb") as file:
            status = path.stat()
            identity = (status.st_dev, status.st_ino)
            file.seek(self._read.get(identity, 0))
            # a line that is still being written is left for the next call
            complete, newline, _ = file.read().rpartition(b"\n")
            self._read[identity] = self._read.get(identity, 0) + len(complete) + len(newline)
        return complete.split(b"\n") if complete else []


def _shown(path: Path, line: bytes) -> tuple[str, str]:
    try:
        entry = json.loads(line)
        moment = str(entry["time"])
        message = str(entry["message"])
        if "exception" in entry:
            message = f"{message}\n{entry['exception']}"
        return moment, console_line(moment, str(entry["level"]), str(entry["name"]), message)
    except (ValueError, KeyError, TypeError):
        return "", console_line("-", "WARNING", path.name, "a line of this file cannot be read")
