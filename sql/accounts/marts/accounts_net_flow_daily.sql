-- Grain: one row per business day and currency, posted transactions only. One without a moment belongs to no
-- day.
select
    t.transaction_date_key,
    ops.business_day(min(t.created_at)) as day,
    t.currency,
    coalesce(sum(t.amount) filter (where t.type = 'credit'), 0) as credits,
    coalesce(sum(t.amount) filter (where t.type = 'debit'), 0) as debits,
    sum(case when t.type = 'credit' then t.amount else -t.amount end) as net_flow,
    count(*) as transactions
from analytics.fact_account_transaction as t
where t.status = 'posted' and t.transaction_date_key is not null
group by t.transaction_date_key, t.currency
