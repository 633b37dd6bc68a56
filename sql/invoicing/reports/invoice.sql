-- One whole invoice, with its seller and client as they were when it was written, its items and its
-- payments: one row, or none where no invoice has the number. In psql: \set invoice_no 51109338. Figures
-- inside JSON are text, so that no reader rounds them.
select
    i.invoice_id,
    i.invoice_no,
    i.invoice_date,
    i.status,
    i.total_net_worth,
    i.total_vat,
    i.total_gross_worth,
    (
        select
            json_build_object(
                'seller_id', s.seller_id,
                'seller_name', s.seller_name,
                'seller_address', s.seller_address,
                'seller_tax_id', s.seller_tax_id,
                'iban', s.iban
            )
        from analytics.dim_seller as s
        where s.seller_key = i.seller_key
    ) as seller,
    (
        select
            json_build_object(
                'client_id', c.client_id,
                'client_name', c.client_name,
                'client_address', c.client_address,
                'client_tax_id', c.client_tax_id,
                'iban', c.iban
            )
        from analytics.dim_client as c
        where c.client_key = i.client_key
    ) as client,
    (
        select
            coalesce(
                json_agg(
                    json_build_object(
                        'item_id', t.item_id,
                        'product_id', t.product_id,
                        'product_name', p.product_name,
                        'item_qty', t.item_qty::text,
                        'item_net_price', t.item_net_price::text,
                        'item_net_worth', t.item_net_worth::text,
                        'item_vat_rate', t.item_vat_rate::text,
                        'item_gross_worth', t.item_gross_worth::text
                    )
                    order by t.item_id
                ), '[]'
            )
        from analytics.fact_invoice_item as t
        left join analytics.dim_catalog_product as p on t.product_key = p.product_key
        where t.invoice_id = i.invoice_id
    ) as items,
    (
        select
            coalesce(
                json_agg(
                    json_build_object(
                        'payment_id', m.payment_id,
                        'payment_date', m.payment_date,
                        'payment_method', m.payment_method,
                        'payment_reference', m.payment_reference,
                        'amount', m.amount::text,
                        'remarks', m.remarks
                    )
                    order by m.payment_date, m.payment_id
                ), '[]'
            )
        from analytics.fact_payment as m
        where m.invoice_id = i.invoice_id
    ) as payments
from analytics.fact_invoice as i
where i.invoice_no = :'invoice_no'
order by i.invoice_id
limit 1
