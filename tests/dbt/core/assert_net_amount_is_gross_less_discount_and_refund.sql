{{ config(meta={'dagster': {'ref': {'name': 'fct_order_lines'}}}) }}

-- Guards the one definition of net in every mart that shows it: what was given, less
-- the discount, less what was taken back.
with

order_lines as (
    select * from {{ ref('fct_order_lines') }}
),

orders as (
    select * from {{ ref('fct_orders') }}
),

customer_facts as (
    select * from {{ ref('customer_facts') }}
),

amounts as (
    select
        'fct_order_lines' as model_name,
        order_line_key as row_key,
        net_amount - (gross_amount - discount_amount - refund_amount) as difference
    from order_lines
    union all
    select
        'fct_orders' as model_name,
        order_key as row_key,
        net_amount - (gross_amount - discount_amount - refund_amount) as difference
    from orders
    union all
    select
        'customer_facts' as model_name,
        customer_id as row_key,
        net_amount - (gross_amount - discount_amount - refund_amount) as difference
    from customer_facts
    union all
    select
        'customer_facts, window' as model_name,
        customer_id as row_key,
        net_amount_window
        - (gross_amount_window - discount_amount_window - refund_amount_window)
            as difference
    from customer_facts
),

final as (
    select
        model_name,
        row_key,
        difference
    from amounts
    where difference <> 0
)

select * from final
