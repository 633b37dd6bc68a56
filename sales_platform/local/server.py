"""The embedded server of one home: started, shared, stopped. What is in its databases is not known here."""

from __future__ import annotations

import logging
import os
import random
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sales_platform.errors import ConfigurationError, ServerUnavailable
from sales_platform.local import cluster, postmaster, warden
from sales_platform.local.account import server_account
from sales_platform.local.binaries import reachable_programs
from sales_platform.local.locks import POLL_SECONDS, exclusive, open_lock, take_shared, try_exclusive
from sales_platform.local.placement import DATA, choose_place, known_place, remove_tree
from sales_platform.local.state import OWNER, State

LOOPBACK = "127.0.0.1"
# below the range from which systems take ports of outgoing connections, so that a kept port stays free
PORTS = range(20_000, 32_000)
STOP_WAIT = 120.0
log = logging.getLogger(__name__)


class EmbeddedServer:
    """One PostgreSQL per home folder, for any number of processes.

    conf: server settings that replace our own at the next start, e.g. fsync="off".
    `start` and `stop` do just that; `in_use` is for processes that come and go.
    """

    def __init__(self, home: Path, **conf: str) -> None:
        self._state = State(home.resolve())
        self._conf = conf

    @property
    def data(self) -> Path:
        """The data folder; not always below the home."""
        return known_place(self._state) / DATA

    @property
    def running(self) -> bool:
        return postmaster.process_id(self.data) is not None

    @property
    def kept(self) -> bool:
        """Whether the server stays up without users."""
        return self._state.kept.exists()

    def start(self, wait: float = 60) -> None:
        """Bring the server up; nothing happens where it is up. Any number of processes may call at once.

        Raises ServerUnavailable after `wait` seconds, ConfigurationError where no server can run here.
        """
        self._state.create()
        with exclusive(self._state.change_lock, wait):
            end = time.monotonic() + wait
            if self.running and self._answers(end):
                return
            self._start_stopped(end)

    def stop(self) -> None:
        """Shut the server down, whoever uses it; its data stay. Nothing happens where it is down."""
        if not self._state.exists:
            return
        with exclusive(self._state.change_lock, STOP_WAIT):
            self.stop_locked()

    def url(self, database: str) -> str:
        """The owner's URL of a database, there or not. Raises ServerUnavailable before the first start."""
        password = self._state.password(OWNER)
        return f"postgresql://{OWNER}:{password}@{LOOPBACK}:{self._state.port()}/{database}"

    @contextmanager
    def in_use(self, wait: float = 60) -> Iterator[None]:
        """Keep the server up inside the block; the last user stops it, even one that is killed."""
        self._state.create()
        descriptors = [take_shared(lock) for lock in (self._state.wake_lock, self._state.users_lock)]
        try:
            self.start(wait)
            warden.post(self._state)
            yield
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
            self.stop_if_unused()

    def stop_if_unused(self) -> bool:
        """Stop the server unless it is kept or a process uses it; true where it is down now."""
        if not self._state.exists:
            return True
        with self.unused() as unused:
            if unused and not self.kept:
                self.stop_locked()
            return not self.running

    @contextmanager
    def unused(self) -> Iterator[bool]:
        """Whether nobody uses the server; if so nobody can begin to, start or stop it inside the block."""
        with exclusive(self._state.change_lock, STOP_WAIT), descriptor_of(self._state.users_lock) as users:
            yield try_exclusive(users)

    def stop_locked(self) -> None:
        """Stop the server inside `unused`."""
        if postmaster.shut_down(self.data):
            log.debug("embedded server stopped")

    def keep(self) -> None:
        """Leave the server up after its last user has gone, until `unkeep`."""
        self._state.create()
        self._state.kept.touch()

    def unkeep(self) -> None:
        self._state.kept.unlink(missing_ok=True)

    def create_database(self, name: str, template: str | None = None) -> None:
        """Make a database of the owner if it is not there, as a copy of `template` if given."""
        cluster.create_database(self._state, name, template)

    def drop_database(self, name: str) -> None:
        """Remove a database and cut off its sessions."""
        cluster.drop_database(self._state, name)

    def remove_if_unused(self) -> bool:
        """Stop the server and delete its data, wherever they lie; false while a process uses it."""
        if not self._state.exists:
            return True
        with self.unused() as unused:
            if unused:
                self.stop_locked()
                remove_tree(known_place(self._state) / DATA)
                self._state.forget()
                if known_place(self._state) != self._state.folder:
                    remove_tree(known_place(self._state))
                    self._state.pointer.unlink()
            return unused

    def _start_stopped(self, end: float) -> None:
        place = choose_place(self._state, server_account(self.data))
        data = place / DATA
        account = server_account(data)
        programs = reachable_programs(place, account)
        if not data.exists():
            self._state.create_passwords()
            durable = self._conf.get("fsync") != "off"
            cluster.create_cluster(programs, data, account, self._state, durable=durable)
        elif not self._state.has_passwords():
            raise ConfigurationError(
                "the password of the embedded server is gone.",
                where=str(self._state.folder),
                remedy=f"Put it back, or remove {data} to begin with an empty server.",
            )
        while True:
            cluster.configure(programs, data, account, self._free_port(), self._conf)
            if postmaster.launch(programs, data, account, end - time.monotonic()) and self._answers(end):
                break
            if time.monotonic() > end or _is_free(self._state.port()):
                raise ServerUnavailable(
                    f"the embedded server does not start: {postmaster.last_words(data)}",
                    where=str(data),
                    remedy="Its log is server.log in that folder.",
                )
        cluster.set_up_owner(self._state)
        log.debug("embedded server started on port %s", self._state.port())

    def _answers(self, end: float) -> bool:
        """Whether a living server takes connections before the time is up; it may be recovering."""
        while self.running:
            try:
                cluster.connect(self._state).close()
            except ServerUnavailable:
                if time.monotonic() > end:
                    raise
                time.sleep(POLL_SECONDS)
            else:
                return True
        return False

    def _free_port(self) -> int:
        """The port of this home; another one, said aloud, where a stranger has taken it."""
        port = self._state.port()
        if port is not None and _is_free(port):
            return port
        chosen = next(number for number in random.sample(PORTS, len(PORTS)) if _is_free(number))
        if port is not None:
            log.warning("port %s is taken by another program; the server moves to port %s", port, chosen)
        self._state.save_port(chosen)
        return chosen


def _is_free(port: int | None) -> bool:
    if port is None:
        return False
    with socket.socket() as probe:
        # as the server does: connections of its last life that linger do not make a port taken
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


@contextmanager
def descriptor_of(path: Path) -> Iterator[int]:
    """A descriptor of a lock file for the length of the block."""
    descriptor = open_lock(path)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
