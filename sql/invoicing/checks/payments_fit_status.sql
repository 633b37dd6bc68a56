-- Invoices whose status is not what their payments come to: PAID from the gross total on, PARTIALLY_PAID
-- with less, UNPAID with nothing. An invoice of nothing may be called UNPAID or PAID.
with paid as (
    select
        p.invoice_id,
        sum(p.amount) as amount,
        count(*) as payments
    from staging.invoicing_payments as p
    group by p.invoice_id
),

judged as (
    select
        i.invoice_id,
        i.invoice_no,
        i.status,
        coalesce(i.total_gross_worth, 0) as gross,
        coalesce(p.amount, 0) as paid,
        coalesce(p.payments, 0) as payments
    from staging.invoicing_invoices as i
    left join paid as p on i.invoice_id = p.invoice_id
)

select
    j.invoice_id,
    j.invoice_no,
    j.status,
    j.gross as total_gross_worth,
    j.paid as paid_amount,
    j.payments
from judged as j
where
    case
        when j.paid >= j.gross and j.paid > 0 then j.status = 'PAID'
        when j.paid > 0 then j.status = 'PARTIALLY_PAID'
        when j.gross <= 0 then j.status in ('UNPAID', 'PAID')
        else j.status = 'UNPAID'
    end is not true
order by j.invoice_id
