-- Grain: one row per account (account_id) that the ledger holds, with its customer.
select
    a.account_id,
    a.account_key,
    a.customer_id,
    a.customer_key,
    coalesce(c.name, 'Unknown') as name,
    c.email,
    a.account_type,
    a.currency,
    a.balance
from analytics.dim_account as a
left join analytics.dim_account_customer as c on a.customer_key = c.customer_key
where a.account_key <> 0 and not a.is_inferred
