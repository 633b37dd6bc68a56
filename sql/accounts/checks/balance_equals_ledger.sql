-- Accounts whose stored balance is not what the ledger comes to: posted credits less posted debits, from 0
-- on, in the account's own currency. Pending and failed transactions move no balance.
with ledger as (
    select
        t.account_id,
        t.currency,
        sum(case when t.type = 'credit' then t.amount else -t.amount end) as posted
    from staging.accounts_transactions as t
    where t.status = 'posted'
    group by t.account_id, t.currency
)

select
    a.account_id,
    a.currency,
    a.balance,
    coalesce(l.posted, 0) as ledger_balance,
    a.balance - coalesce(l.posted, 0) as difference
from staging.accounts_accounts as a
left join ledger as l on a.account_id = l.account_id and a.currency = l.currency
where a.balance is distinct from coalesce(l.posted, 0)
order by a.account_id
