{{ config(materialized='view') }}

with

customer_facts_by_date as (
    select * from {{ ref('customer_facts_by_date') }}
    where as_of_date = {{ as_of_date() }}
),

final as (
    select
        -- keys
        customer_id,
        as_of_date,

        -- measures
        tenure_days,
        recency_days,
        n_purchase_days,
        n_orders,
        purchased_quantity,
        gross_amount,
        discount_amount,
        refund_amount,
        net_amount,
        n_orders_window,
        purchased_quantity_window,
        n_mobile_orders_window,
        purchase_amount_window,
        gross_amount_window,
        discount_amount_window,
        refund_amount_window,
        net_amount_window,
        n_orders_30d,
        n_mobile_orders_30d,
        n_sessions_7d,
        n_sessions_30d,
        n_sessions_90d,
        n_product_views_90d,
        n_products_added_30d,

        -- times
        first_active_date,
        last_active_date,
        first_purchase_date,
        previous_purchase_date,
        last_purchase_date
    from customer_facts_by_date
)

select * from final
