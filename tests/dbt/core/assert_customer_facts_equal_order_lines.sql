{{ config(meta={'dagster': {'ref': {'name': 'customer_facts'}}}) }}

-- Guards the way from lines and orders over days to facts: what each known customer
-- bought, paid and got back before the as-of date.
with

customer_facts as (
    select * from {{ ref('customer_facts') }}
),

order_lines as (
    select * from {{ ref('fct_order_lines') }}
    where customer_id is not null and ordered_date < {{ as_of_date() }}
),

orders as (
    select * from {{ ref('fct_orders') }}
    where is_purchase and ordered_date < {{ as_of_date() }}
),

measures as (
    select
        customer_id,
        n_orders,
        purchased_quantity,
        gross_amount,
        discount_amount,
        refund_amount
    from customer_facts
    union all
    select
        customer_id,
        0 as n_orders,
        case when is_purchase then -quantity else 0 end as purchased_quantity,
        -gross_amount as gross_amount,
        -discount_amount as discount_amount,
        -refund_amount as refund_amount
    from order_lines
    union all
    select
        customer_id,
        -1 as n_orders,
        0 as purchased_quantity,
        0 as gross_amount,
        0 as discount_amount,
        0 as refund_amount
    from orders
),

final as (
    select
        customer_id,
        sum(n_orders) as n_orders,
        sum(purchased_quantity) as purchased_quantity,
        sum(gross_amount) as gross_amount,
        sum(discount_amount) as discount_amount,
        sum(refund_amount) as refund_amount
    from measures
    group by customer_id
    having
        sum(n_orders) <> 0
        or sum(purchased_quantity) <> 0
        or sum(gross_amount) <> 0
        or sum(discount_amount) <> 0
        or sum(refund_amount) <> 0
)

select * from final
