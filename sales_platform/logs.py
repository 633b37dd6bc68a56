"""One set-up of logging: a line for people on standard error, JSON lines per process. No message is here.

Console: `time | LEVEL | name | message`. Times are UTC. Passwords in URLs are masked in both, and of an
exception only its type and its lines of code are written, because a driver's message may quote a row.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import time
import traceback
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import TextIO

from sales_platform.errors import SalesPlatformError
from sales_platform.settings import Settings

PLATFORM = "sales_platform"
ROTATE_BYTES = 10_000_000
ROTATIONS = 3
KEEP_SECONDS = 14 * 86_400
SECRETS = (
    (re.compile(r"(\w://[^:/@\s]*):\S+@"), r"\1:***@"),
    (re.compile(r"(password=)[^\s&'\"]+", re.IGNORECASE), r"\1***"),
    # of a storage account: in a connection string, and in an address
    (re.compile(r"\b(AccountKey=|SharedAccessSignature=|sig=)[^\s;&'\"]+", re.IGNORECASE), r"\1***"),
)
STANDARD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def set_up(settings: Settings, process: str) -> None:
    """Send the log of this process to the console (from LOG_LEVEL) and to `<logs>/<process>-<pid>.jsonl`.

    Called again, it replaces what it set up before. The file is made with the first line.
    """
    root = logging.getLogger()
    for handler in [old for old in root.handlers if isinstance(old, ConsoleHandler | ProcessFileHandler)]:
        root.removeHandler(handler)
        handler.close()
    console = ConsoleHandler()
    console.setLevel(settings.log_level)
    console.setFormatter(ConsoleFormatter())
    file = ProcessFileHandler(settings.logs / f"{process}-{os.getpid()}.jsonl")
    file.setFormatter(JsonFormatter(process))
    root.addHandler(console)
    root.addHandler(file)
    logging.getLogger(PLATFORM).setLevel(logging.DEBUG)


def mask(text: str) -> str:
    """The text without the passwords of URLs and connection strings."""
    for pattern, replacement in SECRETS:
        text = pattern.sub(replacement, text)
    return text


def console_line(moment: str, level: str, name: str, message: str) -> str:
    """The one form in which people see a line, live or read back."""
    return f"{moment} | {level:<7} | {name} | {message}"


def _moment(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _exception_text(info: ExceptionInfo) -> str:
    kind, error, frames = info
    if kind is None:
        return ""
    said = f": {error}" if isinstance(error, SalesPlatformError) else ""
    places = (f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in traceback.extract_tb(frames))
    return "\n  ".join([f"{kind.__module__}.{kind.__qualname__}{said}", *places])


class ConsoleFormatter(logging.Formatter):
    """A line for people."""

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        if record.exc_info:
            message = f"{message}\n{_exception_text(record.exc_info)}"
        return mask(console_line(_moment(record), record.levelname, record.name, message))


class JsonFormatter(logging.Formatter):
    """A line for programs; what a call gives as `extra` becomes a field of its own."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, object] = {
            "time": _moment(record),
            "level": record.levelname,
            "name": record.name,
            "message": mask(record.getMessage()),
            "process": self._process,
            "pid": record.process,
        }
        if record.exc_info:
            fields["exception"] = mask(_exception_text(record.exc_info))
        for name, value in vars(record).items():
            if name not in STANDARD_FIELDS and name not in fields:
                fields[name] = value if isinstance(value, bool | int | float | None) else mask(str(value))
        return json.dumps(fields, ensure_ascii=False)


class ConsoleHandler(logging.StreamHandler[TextIO]):
    """Writes to what standard error is now, not to what it was at set-up."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, value: TextIO) -> None:
        raise AttributeError("the console is always standard error")


class ProcessFileHandler(RotatingFileHandler):
    """One file per process, made when there is something to say; clears away what old processes left."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=ROTATE_BYTES, backupCount=ROTATIONS, encoding="utf-8", delay=True)

    def _open(self) -> TextIOWrapper:
        folder = Path(self.baseFilename).parent
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.glob("*.jsonl*"):
            # another process may clear away the same file at the same moment
            if path.exists() and time.time() - path.stat().st_mtime > KEEP_SECONDS:
                path.unlink(missing_ok=True)
        return super()._open()
