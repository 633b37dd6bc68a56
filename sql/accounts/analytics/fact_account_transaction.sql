-- Grain: one row per transaction (transaction_id), failed ones included. The customer is the account's.
select
    t.transaction_id,
    t.account_id,
    a.customer_id,
    t.amount,
    t.currency,
    t.type,
    t.status,
    t.metadata,
    t.created_at,
    ops.date_key(ops.business_day(t.created_at)) as transaction_date_key
from staging.accounts_transactions as t
left join staging.accounts_accounts as a on t.account_id = a.account_id
