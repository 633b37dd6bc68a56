-- the names are short in a new session too: `customers` is accounts.customers
create schema if not exists accounts;
do $$
begin
    execute format('alter database %I set search_path = accounts, public', current_database());
end
$$;

create table if not exists accounts.customers (
    customer_id serial primary key,
    email text not null unique,
    name text not null,
    created_at timestamptz default now()
);
comment on table accounts.customers is 'Who holds accounts; a name changes without a stamp';

create table if not exists accounts.accounts (
    account_id serial primary key,
    customer_id integer not null references accounts.customers,
    account_type text not null,
    balance numeric(14, 2) not null default 0.00 constraint balance_is_not_negative check (balance >= 0),
    currency char(3) not null default 'USD',
    created_at timestamptz default now(),
    unique (customer_id, account_type)
);
comment on table accounts.accounts is 'What a customer holds, by use one checking and one savings account';
comment on column accounts.accounts.balance is
'Posted credits less posted debits; changed by the ledger only, without a stamp';

create table if not exists accounts.transactions (
    transaction_id bigserial primary key,
    account_id integer not null references accounts.accounts,
    amount numeric(14, 2) not null constraint amount_is_positive check (amount > 0),
    currency char(3) not null,
    type text not null constraint type_is_known check (type in ('debit', 'credit')),
    status text not null default 'pending'
    constraint status_is_known check (status in ('pending', 'posted', 'failed')),
    created_at timestamptz default now()
);
-- a table of the older system lacks it
alter table accounts.transactions add column if not exists metadata jsonb not null default '{}';
comment on table accounts.transactions is 'Every movement that was tried, with what became of it';
comment on column accounts.transactions.metadata is
'What the client said about it; of a failed one also the reason, as failure_reason';
