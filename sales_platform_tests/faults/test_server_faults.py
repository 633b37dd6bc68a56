"""A server without room, cut off or down: one clear error, nothing half-published, and the next run heals."""

from __future__ import annotations

import base64
import os
import random
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import psycopg
import pytest
from psycopg import sql

from sales_platform.engine.feeds import load_files
from sales_platform.engine.files import SourceFile
from sales_platform.engine.migrations import migrate
from sales_platform.engine.warehouse import Warehouse
from sales_platform.errors import ServerUnavailable, StorageFull
from sales_platform.local import cluster
from sales_platform.local.server import EmbeddedServer
from sales_platform.local.state import State
from sales_platform_tests.faults.road import DAY, Road, good_sales, sale, text
from sales_platform_tests.local.conftest import postmaster_id

MEGABYTE = 1 << 20
# Above the 16 MB of a WAL segment, so that only tables meet it.
FILE_LIMIT = 20 * MEGABYTE
TOO_LARGE = 24 * MEGABYTE
PRODUCTS_HEADER = b"product_id,product_name,category,unit_price\n"


def incompressible(size: int) -> bytes:
    """Text that a table cannot store in less room."""
    return base64.b64encode(random.Random(3).randbytes(size * 3 // 4))


def limit_file_size(process: int, limit: str) -> None:
    """How large (bytes, or unlimited) a file may grow by what a server forks from now on.

    Asked for as the server's own account, which alone may; and softly, so that it can be taken back.
    """
    owner = Path(f"/proc/{process}").stat()
    account: dict[str, Any] = (
        {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    )
    subprocess.run(["prlimit", f"--pid={process}", f"--fsize={limit}:"], check=True, cwd="/", **account)


def check_full_disk(road: Road) -> None:
    """A product list that does not fit is refused, and what stood stands."""
    before = road.standing()
    road.put("products.csv", PRODUCTS_HEADER + b"1," + incompressible(TOO_LARGE) + b",Food,1\n")
    with pytest.raises(StorageFull) as caught:
        road.load("products")
    assert "retail/products.csv" in str(caught.value) or "warehouse" in str(caught.value)
    assert "disk" in str(caught.value)
    assert road.standing() == before
    status, message = road.newest_load("products")
    assert (status, message) == ("failed", str(caught.value))


def check_healed(road: Road) -> None:
    (report,) = road.load("products")
    assert (report.status, report.read, report.loaded) == ("succeeded", 1, 1)
    road.publish()
    assert road.one("select length(product_name) from analytics.dim_product where product_id = 1") == (
        TOO_LARGE
    )
    road.assert_sound()


@pytest.mark.skipif(not shutil.which("prlimit"), reason="needs prlimit (util-linux)")
@pytest.mark.slow
def test_a_server_at_its_file_size_limit_publishes_nothing_and_heals(
    own_server: EmbeddedServer, own_road: Road
) -> None:
    own_road.prepare(DAY)
    limit_file_size(postmaster_id(own_server), str(FILE_LIMIT))
    check_full_disk(own_road)
    limit_file_size(postmaster_id(own_server), "unlimited")
    check_healed(own_road)


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 25 MB in memory."""
    with tempfile.TemporaryDirectory(prefix="sales-platform-small-") as name:
        os.chmod(name, 0o755)
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=25m,mode=0777", "none", name],
            capture_output=True,
            check=False,
        )
        if mounted.returncode != 0:
            pytest.skip("this account may not mount a tmpfs; the file-size limit covers the case")
        try:
            yield Path(name)
        finally:
            subprocess.run(["umount", name], check=True)


def test_a_full_disk_publishes_nothing_and_heals_when_there_is_room(small_disk: Path, tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path / "home", fsync="off", autovacuum="off")
    with server.in_use():
        road = road_on(server, small_disk, tmp_path)
        road.prepare(DAY)
        check_full_disk(road)
        subprocess.run(["mount", "-o", "remount,size=400m", small_disk], check=True)
        check_healed(road)
    assert server.remove_if_unused()


def road_on(server: EmbeddedServer, disk: Path, tmp_path: Path) -> Road:
    """A road whose tables lie on `disk`; the server's own files and its log of changes do not."""
    place = disk / "tables"
    place.mkdir()
    os.chown(place, server.data.stat().st_uid, server.data.stat().st_gid)
    server.create_database("warehouse")
    with cluster.connect(State(tmp_path / "home")) as superuser:
        superuser.execute(sql.SQL("create tablespace small location {}").format(sql.Literal(str(place))))
        superuser.execute("grant create on tablespace small to public")
        superuser.execute("alter database warehouse set default_tablespace = small")
    migrate(server.url("warehouse"))
    return Road(Warehouse(server.url("warehouse")), tmp_path / "data")


class CuttingFile(SourceFile):
    """Ends sessions of the engine just before it is opened for COPY, as a crash of the server would."""

    def open(self) -> BinaryIO:
        url, which, opened = _CUTS[self.location]
        _CUTS[self.location] = (url, which, opened + 1)
        if opened == 2:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(
                    "select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = current_database()"
                    " and application_name = 'sales_platform' and state = any(%s)",
                    [which],
                )
        return super().open()


_CUTS: dict[str, tuple[str, list[str], int]] = {}


@pytest.mark.parametrize(
    ("which", "recorded"),
    [
        pytest.param(["idle in transaction"], "failed", id="the_publishing_session"),
        pytest.param(["idle in transaction", "idle"], "running", id="every_session"),
    ],
)
def test_a_connection_that_is_cut_in_a_load_publishes_nothing_and_the_next_run_heals(
    road: Road, which: list[str], recorded: str
) -> None:
    road.prepare(DAY)
    before = road.standing()
    road.put_sales(text([*good_sales(), sale(99)]))
    file = road.file("sales", DAY)
    _CUTS[file.location] = (road.warehouse.url, which, 0)
    with pytest.raises(ServerUnavailable):
        load_files(
            road.warehouse,
            road.catalog.feeds["retail_sales"],
            [CuttingFile(file.path, file.location, file.partition)],
        )
    assert road.standing() == before
    assert road.newest_load()[0] == recorded
    (report,) = road.load()
    assert (report.loaded, report.unchanged) == (1, 40)
    assert road.rows("select status from ops.load where feed = 'retail_sales' order by load_id") == [
        ("succeeded",),
        ("failed",),
        ("succeeded",),
    ]
    road.publish()
    road.assert_sound()


def test_a_server_that_is_down_is_named_without_the_password(road: Road) -> None:
    road.put_sales(text(good_sales()))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody else answers there
        port = taken.getsockname()[1]
        down = Warehouse(f"postgresql://loader:hunter2@127.0.0.1:{port}/warehouse")
        with pytest.raises(ServerUnavailable) as caught:
            load_files(down, road.catalog.feeds["retail_sales"], [road.file("sales", DAY)])
    assert caught.value.where == f"127.0.0.1:{port}/warehouse"
    assert "hunter2" not in str(caught.value)
    assert "doctor" in str(caught.value)
    assert road.load()[0].loaded == 40
