"""One client of the ledger, a process as clients are: it credits accounts, one transaction after the other.

`python -m benchmarks.ledger_client ACCOUNTS SECONDS SEED` with ACCOUNTS_URL in the environment says `ready`, waits for
a line, then works and prints how many transactions it did in how many seconds.
"""

from __future__ import annotations

import os
import random
import sys
import time

import psycopg

from sales_platform.sources.accounts.ledger import transaction

# Until the driver has prepared every statement.
_WARM = 20


def main() -> None:
    accounts, limit, seed = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    draw = random.Random(seed)
    with psycopg.connect(os.environ["ACCOUNTS_URL"]) as connection:
        for _ in range(_WARM):
            transaction(connection, draw.randint(1, accounts), 1)
        print("ready", flush=True)
        sys.stdin.readline()
        done, start = 0, time.perf_counter()
        while (spent := time.perf_counter() - start) < limit:
            transaction(connection, draw.randint(1, accounts), 1)
            done += 1
    print(done, spent)


if __name__ == "__main__":
    main()
