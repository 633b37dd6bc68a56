"""Changes made to a live source, and whether source and warehouse are equal again. Hurts neither."""

from __future__ import annotations

from datetime import date, timedelta

from sales_platform.contracts.source import LOG_COLUMNS, TableFeed
from sales_platform.engine.oltp.comparing import Compared
from sales_platform.engine.oltp.feeds import SourceLoad, load_source
from sales_platform.errors import SalesPlatformError
from sales_platform.sources.invoicing.generator import make_history
from sales_platform.sources.invoicing.history import SMALL
from sales_platform_tests.defs.oltp_road import OltpRoad, Rows

END = date(2026, 3, 31)
# a delete bears no stamp: only comparing finds the last of these
INVOICING_CHANGES = (
    "update invoicing.clients set client_address = client_address || '.' where client_id % 3 = 0",
    "update invoicing.products set unit_price = unit_price + 1 where product_id % 3 = 0",
    """insert into invoicing.clients (client_name, client_address, client_tax_id)
    select 'Jones', '5 High Street', left(gen_random_uuid()::text, 30) from generate_series(1, 3)""",
    """with fresh as (
        insert into invoicing.invoices (
            invoice_no, invoice_date, seller_id, client_id, total_net_worth, total_vat, total_gross_worth
        )
        select (10000000 + coalesce(max(invoice_id), 0) + n)::text, current_date, min(seller_id), max(client_id),
            100, 10, 110
        from invoicing.invoices cross join generate_series(1, 20) as n group by n returning invoice_id
    )
    insert into invoicing.invoice_items (
        invoice_id, product_id, item_qty, item_net_price, item_net_worth, item_gross_worth
    )
    select invoice_id, product_id, 5, 20, 100, 110
    from fresh cross join (select max(product_id) as product_id from invoicing.products) as p""",
    "update invoicing.invoices set status = 'PAID' where invoice_id % 7 = 0",
    """insert into invoicing.payments (invoice_id, payment_method, amount)
    select invoice_id, 'CASH', 1 from invoicing.invoices where invoice_id % 5 = 0""",
    "delete from invoicing.payments where payment_id = (select min(payment_id) from invoicing.payments)",
)


class Scene(OltpRoad):
    """The road of one domain, read without overlap: what a fault lost is not read again by chance."""

    def __init__(self, domain: str, source_url: str, warehouse_url: str) -> None:
        super().__init__(domain, source_url, warehouse_url)
        self._read_otherwise(overlap=timedelta())

    def change(self) -> None:
        """New rows, changes and one delete in most tables of invoicing."""
        self.write(*INVOICING_CHANGES)

    def read_in_ranges(self) -> None:
        """Let a first load take a range of a few keys at a time."""
        self._read_otherwise(chunk_rows=25)

    def try_load(self) -> dict[str, SalesPlatformError]:
        """Load, and return the fault of each table, or of the whole source under its domain's name."""
        try:
            return self._load().faults
        except SalesPlatformError as error:
            return {self.contract.domain: error}

    def compare(self) -> dict[str, Compared]:
        """What no stamp had shown, repaired now."""
        done = self._load(comparing=True)
        done.raise_faults()
        return {table.feed.table: table.compared for table in done.tables if table.compared}

    def vanished(self) -> int:
        """Rows that stand and that the source no longer has."""
        count = 0
        for feed in self.contract.feeds:
            (key,) = feed.key
            theirs = self.source(f"select {key} from {'.'.join(feed.source_table)}")
            count += len({*self.ask(f"select {key} from {self._current(feed)}")} - {*theirs})
        return count

    def assert_equal(self) -> None:
        """Both databases hold the same, and nothing was logged twice."""
        for feed in self.contract.feeds:
            assert self.staged(feed) == self.held(feed), feed.name
            assert self._logged_twice(feed) == 0, feed.name

    def assert_equal_and_sound(self) -> None:
        """The same, no load hangs, and everything follows from raw."""
        self.assert_equal()
        assert self.ask("select count(*) from ops.load where status = 'running'") == [(0,)]
        assert self.verify() == []

    def held(self, feed: TableFeed) -> Rows:
        """Count, sum of keys and hash of a source table."""
        schema, table = feed.source_table
        columns = [
            f"{name} at time zone 'UTC' as {name}" if kind == "timestamp without time zone" else name
            for name, kind in self._columns(feed)
        ]
        return self.source(self._fingerprint(feed, f"select {', '.join(columns)} from {schema}.{table}"))

    def staged(self, feed: TableFeed) -> Rows:
        """The same of the rows that stand in staging."""
        names = ", ".join(name for name, _ in self._columns(feed))
        return self.ask(self._fingerprint(feed, f"select {names} from {self._current(feed)}"))

    def _read_otherwise(self, **terms: object) -> None:
        self.contract = self.contract.model_copy(update=terms)

    def _load(self, *, comparing: bool = False) -> SourceLoad:
        return load_source(
            self.warehouse, self.database, self.contract, comparing=comparing, allow_deletes=True
        )

    def _columns(self, feed: TableFeed) -> Rows:
        schema, table = feed.source_table
        return self.source(
            "select column_name, data_type from information_schema.columns"
            f" where table_schema = '{schema}' and table_name = '{table}' order by column_name"
        )

    @staticmethod
    def _current(feed: TableFeed) -> str:
        if not feed.versions:
            return f"staging.{feed.name}"
        (key,) = feed.key
        return (
            f"(select distinct on ({key}) * from staging.{feed.name} order by {key}, _event_at desc) as s"
            " where not _deleted"
        )

    @staticmethod
    def _fingerprint(feed: TableFeed, rows: str) -> str:
        (key,) = feed.key
        return (
            f"select count(*), sum({key})::bigint, md5(string_agg(t::text, '|' order by {key}))"
            f" from ({rows}) as t"
        )

    def _logged_twice(self, feed: TableFeed) -> int:
        """Sightings that say what the one before them said of the same row."""
        own = ", ".join(f"'{name}'" for name in LOG_COLUMNS if name != "_deleted")
        state = f"to_jsonb(r) - array[{own}]"
        ((count,),) = self.ask(
            f"""select count(*) from (
                select {state} = lag({state}) over (partition by {", ".join(feed.key)} order by _load_id) as again
                from raw.{feed.name} as r
            ) as sightings where again"""
        )
        return int(count)


def prepare_invoicing(source_url: str, warehouse_url: str) -> Scene:
    """Invoicing with a small past that was run once."""
    scene = Scene("invoicing", source_url, warehouse_url)
    make_history(source_url, end=END, seed=11, size=SMALL)
    scene.run()
    return scene
