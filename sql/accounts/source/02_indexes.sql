create index if not exists idx_accounts_customer on accounts.accounts (customer_id);
create index if not exists idx_transactions_account on accounts.transactions (account_id);
create index if not exists idx_transactions_created on accounts.transactions (created_at);
-- by these a feed finds what is new, and the highest stamp, without reading the tables
create index if not exists idx_customers_created on accounts.customers (created_at);
create index if not exists idx_accounts_created on accounts.accounts (created_at);
