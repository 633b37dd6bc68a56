"""The account under which the server's programs run, and how they are run. The server refuses root."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from sales_platform.errors import ConfigurationError

CANDIDATES = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """uid and gid of the server; `drops` says whether they differ from the caller's."""

    uid: int
    gid: int

    @property
    def drops(self) -> bool:
        return self.uid != os.geteuid()

    @property
    def file_owner(self) -> tuple[int, int] | None:
        """To whom a file for the server must be given; None where the caller is the server's account."""
        return (self.uid, self.gid) if self.drops else None

    def run(self, command: list[str | Path], *, capture: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a program as this account, in `/`, in an environment without settings and secrets."""
        sink = subprocess.PIPE if capture else subprocess.DEVNULL
        return subprocess.run(
            [str(part) for part in command],
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            umask=0o077,
            text=True,
            errors="replace",
            check=False,
            user=self.uid if self.drops else None,
            group=self.gid if self.drops else None,
            extra_groups=[] if self.drops else None,
        )

    def reaches(self, folder: Path) -> bool:
        """Whether this account can enter the folder; asked of the kernel, so that ACLs count."""
        return not self.drops or self.run(["/bin/sh", "-c", 'cd "$1"', "sh", folder]).returncode == 0


def server_account(data: Path | None = None) -> Account:
    """Who runs the server: the owner of the data that stand, else the caller, else an unprivileged account.

    Raises ConfigurationError where root finds no unprivileged account.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    if data is not None and data.exists() and data.stat().st_uid != 0:
        return Account(data.stat().st_uid, data.stat().st_gid)
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise ConfigurationError(
        "PostgreSQL does not run as root, and there is no account named postgres or nobody.",
        where="embedded server",
        remedy="Run as an ordinary user, or set WAREHOUSE_URL to a server of your own.",
    )
