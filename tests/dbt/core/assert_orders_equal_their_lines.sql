{{ config(meta={'dagster': {'ref': {'name': 'fct_orders'}}}) }}

-- Guards that orders neither lose nor repeat a line: every order's sums are those of
-- its lines, and neither side has an order that the other lacks.
with

order_lines as (
    select * from {{ ref('fct_order_lines') }}
),

orders as (
    select * from {{ ref('fct_orders') }}
),

lines_per_order as (
    select
        order_key,
        count(*) as n_lines,
        sum(case when is_purchase then quantity else 0 end) as purchased_quantity,
        sum(net_amount) as net_amount,
        sum(discount_amount) as discount_amount,
        sum(refund_amount) as refund_amount,
        sum(tax_amount) as tax_amount,
        max(case when is_purchase then 1 else 0 end) as is_purchase
    from order_lines
    group by order_key
),

final as (
    select
        orders.order_key,
        lines_per_order.order_key as lines_order_key
    from orders
    full outer join lines_per_order
        on orders.order_key = lines_per_order.order_key
    where
        orders.order_key is null
        or lines_per_order.order_key is null
        or orders.n_lines <> lines_per_order.n_lines
        or orders.purchased_quantity <> lines_per_order.purchased_quantity
        or orders.net_amount <> lines_per_order.net_amount
        or orders.discount_amount <> lines_per_order.discount_amount
        or orders.refund_amount <> lines_per_order.refund_amount
        or orders.tax_amount <> lines_per_order.tax_amount
        or orders.is_purchase <> (lines_per_order.is_purchase = 1)
)

select * from final
