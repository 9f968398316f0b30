with

source as (
    select * from {{ source('python', 'customer_lifetime_values') }}
),

final as (
    select
        customer_id,
        as_of_date,
        model_id,
        p_alive_rate,
        expected_purchase_days_90d,
        expected_purchase_days_365d,
        expected_day_value
    from source
)

select * from final
