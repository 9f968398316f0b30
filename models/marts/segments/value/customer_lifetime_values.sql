with

predictions as (
    select * from {{ ref('stg_python__customer_lifetime_values') }}
    where as_of_date <= {{ as_of_date() }}
),

-- Whoever no longer agrees to personalization leaves at once.
customers as (
    select * from {{ ref('dim_customers') }}
    where is_personalization_allowed
),

final as (
    select
        -- keys
        predictions.customer_id,
        predictions.as_of_date,
        predictions.model_id,

        -- measures
        predictions.p_alive_rate,
        predictions.expected_purchase_days_90d,
        predictions.expected_purchase_days_365d,
        cast(predictions.expected_day_value as {{ type_amount() }})
            as expected_purchase_day_amount,
        cast(
            predictions.expected_purchase_days_90d * predictions.expected_day_value
            as {{ type_amount() }}
        ) as lifetime_value_90d_amount,
        cast(
            predictions.expected_purchase_days_365d * predictions.expected_day_value
            as {{ type_amount() }}
        ) as lifetime_value_365d_amount
    from predictions
    inner join customers
        on predictions.customer_id = customers.customer_id
)

select * from final
