"""Applications that write to `shop.orders` at once, in transactions of every kind. What is read is not known here."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from sales_platform.engine.warehouse import Connection
from sales_platform_tests.engine.oltp.world import World

WRITERS = 8


@dataclass
class Traffic:
    """longest: seconds that a transaction stays open at most. Stamps are those of a transaction's start."""

    world: World
    longest: float

    def __post_init__(self) -> None:
        self.over = threading.Event()
        self.commits = 0
        self._pool = ThreadPoolExecutor(WRITERS)
        self._running = [self._pool.submit(self._write, number) for number in range(WRITERS)]

    def end(self) -> None:
        """Let every writer end its transaction; raise what went wrong in one."""
        self.over.set()
        for writer in self._running:
            writer.result()
        self._pool.shutdown()

    def _write(self, number: int) -> None:
        chance = random.Random(number)
        own: list[int] = []
        with self.world.writer() as session:
            while not self.over.is_set():
                own += self._one_transaction(session, number, chance, own)

    def _one_transaction(
        self, session: Connection, number: int, chance: random.Random, own: list[int]
    ) -> list[int]:
        """Returns the ids that it committed. A writer touches no other's rows, so that none waits for another."""
        session.execute("begin")
        session.execute("select 1")
        pause = chance.uniform(0, self.longest / 3)
        self.over.wait(pause if chance.random() < 0.5 else 0)
        fresh = [self._insert(session, number) for _ in range(chance.randint(1, 2))]
        if own:
            self._change(session, chance.choice(own), chance)
        self.over.wait(pause)
        session.execute("savepoint s")
        undone = self._insert(session, number)
        fresh_too = chance.random() < 0.5
        session.execute("release s" if fresh_too else "rollback to s")
        fresh += [undone] if fresh_too else []
        self.over.wait(pause)
        return fresh if self._finish(session, number, chance, pause) else []

    def _finish(self, session: Connection, number: int, chance: random.Random, pause: float) -> bool:
        kept = chance.random() < 0.8
        ending = "commit" if kept else "rollback"
        if chance.random() < 0.3:
            session.execute(
                f"prepare transaction 'writer {number} of {self.world.source.info.dbname}'".encode()
            )
            self.over.wait(pause)
            session.execute(
                f"{ending} prepared 'writer {number} of {self.world.source.info.dbname}'".encode()
            )
        else:
            session.execute(ending.encode())
        self.commits += kept
        return kept

    def _insert(self, session: Connection, number: int) -> int:
        row = session.execute(
            "insert into shop.orders values (nextval('shop.ids') * 10 + %s, 'new', now()) returning id",
            [number],
        ).fetchone()
        assert row is not None
        return int(row[0])

    def _change(self, session: Connection, key: int, chance: random.Random) -> None:
        session.execute(
            "update shop.orders set state = %s, updated_at = now() where id = %s", [str(chance.random()), key]
        )
