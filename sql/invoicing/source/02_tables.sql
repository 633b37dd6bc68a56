-- The six tables of the simulated invoicing system: columns, constraints and indexes.
create table if not exists invoicing.clients (
    client_id serial primary key,
    client_name varchar(255) not null,
    client_address text not null,
    client_tax_id varchar(30) unique not null,
    iban varchar(50),
    created_at timestamp default current_timestamp,
    updated_at timestamp default current_timestamp
);

create table if not exists invoicing.sellers (
    seller_id serial primary key,
    seller_name varchar(255) not null,
    seller_address text not null,
    seller_tax_id varchar(30) unique not null,
    iban varchar(50),
    created_at timestamp default current_timestamp,
    updated_at timestamp default current_timestamp
);

create table if not exists invoicing.products (
    product_id serial primary key,
    product_name varchar(255) not null,
    product_description text,
    unit_price numeric(12, 2) not null,
    vat_rate numeric(5, 2) default 10.00,
    created_at timestamp default current_timestamp,
    updated_at timestamp default current_timestamp
);

create table if not exists invoicing.invoices (
    invoice_id serial primary key,
    invoice_no varchar(50) unique not null,
    invoice_date date not null,
    seller_id int not null references invoicing.sellers (seller_id) on delete cascade,
    client_id int not null references invoicing.clients (client_id) on delete cascade,
    total_net_worth numeric(14, 2) default 0.00,
    total_vat numeric(14, 2) default 0.00,
    total_gross_worth numeric(14, 2) default 0.00,
    status varchar(20) default 'UNPAID', -- UNPAID, PARTIALLY_PAID or PAID; the system does not check it
    created_at timestamp default current_timestamp,
    updated_at timestamp default current_timestamp
);

create table if not exists invoicing.invoice_items (
    item_id serial primary key,
    invoice_id int not null references invoicing.invoices (invoice_id) on delete cascade,
    product_id int not null references invoicing.products (product_id) on delete restrict,
    item_qty numeric(10, 2) not null check (item_qty > 0),
    item_net_price numeric(12, 2) not null,
    item_net_worth numeric(12, 2),
    item_vat_rate numeric(5, 2) default 10.00,
    item_gross_worth numeric(12, 2),
    created_at timestamp default current_timestamp
);

create table if not exists invoicing.payments (
    payment_id serial primary key,
    invoice_id int not null references invoicing.invoices (invoice_id) on delete cascade,
    payment_date date not null default current_date,
    payment_method varchar(50) check (
        payment_method in ('CASH', 'BANK_TRANSFER', 'CREDIT_CARD', 'CHECK', 'ONLINE')
    ),
    payment_reference varchar(100),
    amount numeric(14, 2) not null check (amount > 0),
    remarks text,
    created_at timestamp default current_timestamp
);

create index if not exists idx_invoices_date on invoicing.invoices (invoice_date);
create index if not exists idx_invoice_items_invoice_id on invoicing.invoice_items (invoice_id);
create index if not exists idx_payments_invoice_id on invoicing.payments (invoice_id);
create index if not exists idx_products_name on invoicing.products (product_name);

-- What a reader of changes asks by: without these every look would read the whole table.
create index if not exists idx_clients_updated_at on invoicing.clients (updated_at);
create index if not exists idx_clients_created_at on invoicing.clients (created_at);
create index if not exists idx_sellers_updated_at on invoicing.sellers (updated_at);
create index if not exists idx_sellers_created_at on invoicing.sellers (created_at);
create index if not exists idx_products_updated_at on invoicing.products (updated_at);
create index if not exists idx_products_created_at on invoicing.products (created_at);
create index if not exists idx_invoices_updated_at on invoicing.invoices (updated_at);
create index if not exists idx_invoices_created_at on invoicing.invoices (created_at);
create index if not exists idx_invoice_items_created_at on invoicing.invoice_items (created_at);
create index if not exists idx_payments_created_at on invoicing.payments (created_at);

-- The deletes of a client, a seller and a product look for the rows that refer to it.
create index if not exists idx_invoices_client_id on invoicing.invoices (client_id);
create index if not exists idx_invoices_seller_id on invoicing.invoices (seller_id);
create index if not exists idx_invoice_items_product_id on invoicing.invoice_items (product_id);
