{{ config(materialized='view') }}

-- What is learned from customers is used to personalise, so it takes their consent.
with

customers as (
    select * from {{ ref('dim_customers') }}
    where is_personalization_allowed
),

customer_features as (
    select * from {{ ref('int_customer_features_by_date') }}
    where customer_id in (select customers.customer_id from customers)
),

final as (
    select
        -- keys
        {{ hash_key(['as_of_date', 'customer_id']) }} as customer_date_key,
        as_of_date,
        customer_id,

        -- measures
        recency_days,
        n_orders,
        monetary_amount,
        average_order_amount,
        units_per_order,
        n_categories,
        discount_rate,
        refund_rate,
        mobile_order_rate,
        n_sessions,
        n_product_views,
        tenure_days
    from customer_features
)

select * from final
