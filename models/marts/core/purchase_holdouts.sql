{{ config(materialized='view') }}

-- What a model of purchases could have known before the last days, and what happened in
-- them. Many customers share a history, so it is counted by history.
{% set holdout_days = var('lifetime_value_holdout_days') -%}
with

-- What is learned from customers is used to personalise, so it takes their consent.
customers as (
    select * from {{ ref('dim_customers') }}
    where is_personalization_allowed
),

customer_days as (
    select * from {{ ref('int_customer_days') }}
    where purchase_date < {{ as_of_date() }}
),

as_of_dates as (
    select
        as_of_date,
        cast(
            {{ dbt.dateadd('day', -1 * holdout_days, 'as_of_date') }} as date
        ) as holdout_start_date
    from {{ ref('dim_as_of_dates') }}
    where is_current
),

histories as (
    select
        customer_days.customer_id,
        as_of_dates.as_of_date,
        as_of_dates.holdout_start_date,
        min(customer_days.purchase_date) as first_purchase_date,
        max(
            case
                when customer_days.purchase_date < as_of_dates.holdout_start_date
                    then customer_days.purchase_date
            end
        ) as last_purchase_date,
        sum(
            case
                when customer_days.purchase_date < as_of_dates.holdout_start_date
                    then 1
                else 0
            end
        ) as n_purchase_days,
        sum(
            case
                when customer_days.purchase_date >= as_of_dates.holdout_start_date
                    then 1
                else 0
            end
        ) as n_holdout_purchase_days
    from customer_days
    inner join customers
        on customer_days.customer_id = customers.customer_id
    cross join as_of_dates
    group by
        customer_days.customer_id,
        as_of_dates.as_of_date,
        as_of_dates.holdout_start_date
),

measured as (
    select
        as_of_date,
        holdout_start_date,
        n_purchase_days - 1 as n_repeat_purchase_days,
        {{ dbt.datediff(
            'first_purchase_date', 'last_purchase_date', 'day'
        ) }} as first_to_last_purchase_days,
        {{ dbt.datediff(
            'first_purchase_date', 'holdout_start_date', 'day'
        ) }} - 1 as age_days,
        n_holdout_purchase_days
    from histories
    where n_purchase_days > 0
),

counted as (
    select
        as_of_date,
        holdout_start_date,
        n_repeat_purchase_days,
        first_to_last_purchase_days,
        age_days,
        count(*) as n_customers,
        sum(n_holdout_purchase_days) as n_holdout_purchase_days
    from measured
    group by
        as_of_date,
        holdout_start_date,
        n_repeat_purchase_days,
        first_to_last_purchase_days,
        age_days
),

final as (
    select
        -- keys
        cast(n_repeat_purchase_days as bigint) as n_repeat_purchase_days,
        cast(first_to_last_purchase_days as bigint) as first_to_last_purchase_days,
        cast(age_days as bigint) as age_days,
        as_of_date,

        -- measures
        cast(n_customers as bigint) as n_customers,
        cast(n_holdout_purchase_days as bigint) as n_holdout_purchase_days,
        cast({{ holdout_days }} as bigint) as holdout_days,

        -- times
        holdout_start_date
    from counted
)

select * from final
