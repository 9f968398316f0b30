{{ config(materialized='view') }}

with

month_facts as (
    select * from {{ ref('int_customer_month_facts') }}
),

current_facts as (
    select * from {{ ref('int_customer_facts') }}
    where first_active_date is not null
),

-- A month-end has its facts among the months, also while it is the as-of date.
date_within_month as (
    select * from {{ ref('int_as_of_dates') }}
    where is_current and not is_month_end
),

final as (
    select
        customer_id,
        as_of_date,
        window_start_date,
        {{ customer_fact_columns() }},
        days_change_number
    from month_facts
    union all
    select
        current_facts.customer_id,
        date_within_month.as_of_date,
        date_within_month.window_start_date,
        {{ customer_fact_columns('current_facts') }},
        current_facts.days_change_number
    from current_facts
    cross join date_within_month
)

select * from final
