"""Where the data and programs of a home lie: below the home, or where the server's account can go.

No folder that is not ours is changed; a pointer in the home says where the place is.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import tempfile
from pathlib import Path

from sales_platform.errors import ConfigurationError
from sales_platform.local.account import Account
from sales_platform.local.postmaster import shut_down
from sales_platform.local.state import State, write_private

DATA = "data"
OWNER_NOTE = "home"
log = logging.getLogger(__name__)


def known_place(state: State) -> Path:
    """The place chosen earlier, else the home's own folder."""
    return Path(state.pointer.read_text()) if state.pointer.exists() else state.folder


def choose_place(state: State, account: Account) -> Path:
    """The folder for data and programs. Raises ConfigurationError where the account reaches none."""
    place = known_place(state)
    if account.reaches(place):
        _refuse_copied_home(state, place)
        return place
    for parent in outside_folders():
        place = parent / place_name(state.home)
        _clear_deleted_home(place)
        if _usable(place, account):
            write_private(place / OWNER_NOTE, str(state.home))
            write_private(state.pointer, str(place))
            log.info("the server's account cannot enter %s; its data are in %s", state.folder, place)
            return place
    raise ConfigurationError(
        "the server's account can enter neither this folder nor a replacement.",
        where=str(state.folder),
        remedy="Set SALES_PLATFORM_HOME to a folder that other accounts may enter.",
    )


def outside_folders() -> tuple[Path, ...]:
    """Parents of places outside the home; the first survives a clean-up of temporary files."""
    return Path("/var/lib/sales-platform"), Path(tempfile.gettempdir()) / "sales-platform"


def remove_tree(folder: Path) -> None:
    """Delete a folder of ours; none there is fine."""
    if folder.exists():
        shutil.rmtree(folder)


def place_name(home: Path) -> str:
    return hashlib.sha256(str(home).encode()).hexdigest()[:16]


def _usable(place: Path, account: Account) -> bool:
    """Make the place; false where the parent is not ours or the account cannot go in."""
    try:
        for folder in (place.parent, place):
            if not folder.exists():
                folder.mkdir(parents=True)
                folder.chmod(0o755)
    except OSError:
        return False
    ours = not place.is_symlink() and not place.parent.is_symlink() and place.parent.stat().st_uid == 0
    return ours and account.reaches(place)


def _clear_deleted_home(place: Path) -> None:
    """Without a pointer in the home, what lies here is of a home that was deleted, its passwords with it."""
    if place.exists() and not place.is_symlink():
        shut_down(place / DATA)
        remove_tree(place)


def _refuse_copied_home(state: State, place: Path) -> None:
    """A copied home points to the original's data: two homes on one server would damage each other."""
    note = place / OWNER_NOTE
    if place == state.folder or not note.exists():
        return
    original = Path(note.read_text())
    if original == state.home:
        return
    if State(original).pointer.exists():
        raise ConfigurationError(
            f"this home is a copy of {original}, whose data it would share.",
            where=str(state.home),
            remedy=f"Remove {state.folder} to begin with an empty server here.",
        )
    write_private(note, str(state.home))
