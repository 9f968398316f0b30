{{ config(materialized='view') }}

with

customer_facts as (
    select * from {{ ref('int_customer_facts_by_date') }}
),

final as (
    select
        -- keys
        {{ hash_key(['as_of_date', 'customer_id']) }} as customer_date_key,
        as_of_date,
        customer_id,

        -- measures
        cast(
            {{ dbt.datediff(
                'first_active_date', 'as_of_date', 'day'
            ) }} as bigint
        ) as tenure_days,
        cast(
            {{ dbt.datediff(
                'last_purchase_date', 'as_of_date', 'day'
            ) }} as bigint
        ) as recency_days,
        cast(n_purchase_days as bigint) as n_purchase_days,
        cast(n_orders as bigint) as n_orders,
        purchased_quantity,
        gross_amount,
        discount_amount,
        refund_amount,
        cast(gross_amount - discount_amount - refund_amount as {{ type_amount() }})
            as net_amount,
        cast(n_orders_window as bigint) as n_orders_window,
        purchased_quantity_window,
        cast(n_mobile_orders_window as bigint) as n_mobile_orders_window,
        purchase_amount_window,
        gross_amount_window,
        discount_amount_window,
        refund_amount_window,
        cast(
            gross_amount_window - discount_amount_window - refund_amount_window
            as {{ type_amount() }}
        ) as net_amount_window,
        cast(n_orders_30d as bigint) as n_orders_30d,
        cast(n_mobile_orders_30d as bigint) as n_mobile_orders_30d,
        cast(n_sessions_7d as bigint) as n_sessions_7d,
        cast(n_sessions_30d as bigint) as n_sessions_30d,
        cast(n_sessions_90d as bigint) as n_sessions_90d,
        cast(n_product_views_90d as bigint) as n_product_views_90d,
        cast(n_products_added_30d as bigint) as n_products_added_30d,

        -- times
        first_active_date,
        last_active_date,
        first_purchase_date,
        previous_purchase_date,
        last_purchase_date
    from customer_facts
)

select * from final
