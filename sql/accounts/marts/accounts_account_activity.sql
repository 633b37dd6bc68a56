-- Grain: one row per account and currency (account_id, currency). An account without posted transactions has
-- zeros; one with transactions in a foreign currency has a row for each, because they are never added.
with parts as (
    select
        a.account_id,
        a.currency,
        0 as credit,
        0 as debit,
        0 as transactions
    from analytics.dim_account as a
    where a.account_key <> 0 and not a.is_inferred
    union all
    select
        t.account_id,
        t.currency,
        case when t.type = 'credit' then t.amount else 0 end as credit,
        case when t.type = 'debit' then t.amount else 0 end as debit,
        1 as transactions
    from analytics.fact_account_transaction as t
    where t.status = 'posted'
),

added as (
    select
        p.account_id,
        p.currency,
        sum(p.credit) as total_credits,
        sum(p.debit) as total_debits,
        sum(p.transactions) as transaction_count
    from parts as p
    group by p.account_id, p.currency
)

select
    p.account_id,
    p.currency,
    coalesce(a.account_key, 0) as account_key,
    a.customer_id,
    a.account_type,
    p.total_credits,
    p.total_debits,
    p.transaction_count
from added as p
left join analytics.dim_account as a on p.account_id = a.account_id
