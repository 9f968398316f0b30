{{ config(meta={'dagster': {'ref': {'name': 'customer_lifetime_values'}}}) }}

-- Guards that of whoever Python described, exactly those who agree to personalization
-- have a value, and that no value is impossible.
with

lifetime_values as (
    select * from {{ ref('customer_lifetime_values') }}
),

predictions as (
    select * from {{ ref('stg_python__customer_lifetime_values') }}
    where as_of_date <= {{ as_of_date() }}
),

customers as (
    select * from {{ ref('dim_customers') }}
),

described as (
    select predictions.customer_id
    from predictions
    inner join customers
        on predictions.customer_id = customers.customer_id
    where customers.is_personalization_allowed
),

final as (
    select
        described.customer_id,
        lifetime_values.customer_id as valued_customer_id
    from described
    full outer join lifetime_values
        on described.customer_id = lifetime_values.customer_id
    where
        described.customer_id is null
        or lifetime_values.customer_id is null
        or lifetime_values.p_alive_rate not between 0 and 1
        or lifetime_values.expected_purchase_days_90d < 0
        or lifetime_values.expected_purchase_days_365d
        < lifetime_values.expected_purchase_days_90d
        or lifetime_values.lifetime_value_365d_amount
        < lifetime_values.lifetime_value_90d_amount
)

select * from final
