"""The embedded server's files in the home folder, secrets among them. No process is started here."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from sales_platform.errors import ConfigurationError, ServerUnavailable

OWNER = "sales_platform"
SUPERUSER = "postgres"


@dataclass(frozen=True)
class State:
    """Paths below `<home>/postgres`; the data may lie elsewhere (see `placement`)."""

    home: Path

    @property
    def folder(self) -> Path:
        return self.home / "postgres"

    @property
    def change_lock(self) -> Path:
        """Held by the one process that starts or stops the server."""
        return self.folder / "change.lock"

    @property
    def users_lock(self) -> Path:
        """Shared by every process that uses the server."""
        return self.folder / "users.lock"

    @property
    def wake_lock(self) -> Path:
        """Shared by the users too. The warden waits for it, and so is never taken for a user itself."""
        return self.folder / "wake.lock"

    @property
    def warden_lock(self) -> Path:
        """Held by the process that stops the server after the last user."""
        return self.folder / "warden.lock"

    @property
    def kept(self) -> Path:
        """There while the server is to stay up without users."""
        return self.folder / "keep"

    @property
    def pointer(self) -> Path:
        """Names the folder of data and binaries where that is not this folder."""
        return self.folder / "place"

    @property
    def port_file(self) -> Path:
        return self.folder / "port"

    @property
    def exists(self) -> bool:
        return self.change_lock.exists()

    def create(self) -> None:
        """Make the folder and its locks. Raises ConfigurationError where this account may not."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for lock in (self.users_lock, self.wake_lock, self.warden_lock, self.change_lock):
                lock.touch(mode=0o600)
        except PermissionError as error:
            raise belongs_to_another(self.folder) from error
        except OSError as error:
            raise ConfigurationError(
                "the folder cannot be made.",
                where=str(self.folder),
                remedy="Set SALES_PLATFORM_HOME to a folder that you may write.",
            ) from error

    def port(self) -> int | None:
        """The port chosen for this home, if one was."""
        return int(self.port_file.read_text()) if self.port_file.exists() else None

    def save_port(self, port: int) -> None:
        write_private(self.port_file, str(port))

    def password(self, role: str) -> str:
        """The password of a role. Raises ServerUnavailable where no server was ever set up here."""
        try:
            return self._password_file(role).read_text()
        except FileNotFoundError as error:
            raise ServerUnavailable(
                "no embedded server was set up.", where=str(self.folder), remedy="Start it first."
            ) from error
        except PermissionError as error:
            raise belongs_to_another(self.folder) from error

    def create_passwords(self) -> None:
        """Generate what is missing; what stands is kept."""
        for role in (SUPERUSER, OWNER):
            if not self._password_file(role).exists():
                write_private(self._password_file(role), secrets.token_urlsafe(24))

    def forget(self) -> None:
        """Delete port and passwords; the locks stay, for whoever waits on them."""
        for path in (self.port_file, self.kept, *(self._password_file(role) for role in (SUPERUSER, OWNER))):
            path.unlink(missing_ok=True)

    def has_passwords(self) -> bool:
        return all(self._password_file(role).exists() for role in (SUPERUSER, OWNER))

    def _password_file(self, role: str) -> Path:
        return self.folder / f"{role}.password"


def write_private(path: Path, text: str, owner: tuple[int, int] | None = None) -> None:
    """Write whole or not at all, readable by one account only (owner: uid and gid, default the caller)."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        if owner:
            os.fchown(file.fileno(), *owner)
    draft.replace(path)


def belongs_to_another(path: Path) -> ConfigurationError:
    """The error for a home that another account made."""
    return ConfigurationError(
        "this folder belongs to another account.",
        where=str(path),
        remedy="Run as that account, or set SALES_PLATFORM_HOME to a folder of your own.",
    )
