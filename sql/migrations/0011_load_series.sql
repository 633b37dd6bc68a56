-- A feed's loads by time: the series that its volume, late files and freshness are judged by.
create index load_by_time on ops.load (feed, started_at);
