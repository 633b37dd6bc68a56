"""What the figures are that people look at, and how one is asked for: the registry and its query. Nothing here draws,
serves or knows HTTP.

    registry = read_registry()                                    # every metric, from the YAML files beside this one
    query = MetricQuery("payment_volume", date(2026, 2, 1), date(2026, 2, 28), grain="day", by=("channel",))
    with reading(Warehouse(url), timeout_seconds=30) as connection:
        result = run_query(connection, query, registry)           # columns: period, channel, value
        result.records()                                          # [{"period": …, "channel": "UPI", "value": …}]

Modules: `declared` the words of a YAML file, `formulas` what a formula may say, `registry` all metrics at once,
`query` the question and the shape of its answer, `selects` its SQL, `running` what asks the warehouse (also for the
values of a filter, and when a mart last changed), `reading` the session that may only read.
"""
