with

customer_features_by_date as (
    select * from {{ ref('customer_features_by_date') }}
    where as_of_date = {{ as_of_date() }}
),

final as (
    select
        -- keys
        customer_id,
        as_of_date,

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
    from customer_features_by_date
)

select * from final
