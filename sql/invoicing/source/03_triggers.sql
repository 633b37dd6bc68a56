-- Every change of a row stamps it, unless the statement gave a stamp of its own as an import does.
create or replace function invoicing.update_timestamp() returns trigger language plpgsql as $$
begin
    if new.updated_at is not distinct from old.updated_at then
        new.updated_at := current_timestamp;
    end if;
    return new;
end
$$;

create or replace trigger trg_update_clients before update on invoicing.clients
for each row execute function invoicing.update_timestamp();

create or replace trigger trg_update_sellers before update on invoicing.sellers
for each row execute function invoicing.update_timestamp();

create or replace trigger trg_update_products before update on invoicing.products
for each row execute function invoicing.update_timestamp();

create or replace trigger trg_update_invoices before update on invoicing.invoices
for each row execute function invoicing.update_timestamp();
