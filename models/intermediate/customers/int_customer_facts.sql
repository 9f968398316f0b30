{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='customer_id',
        on_schema_change='fail',
    )
}}

-- Most customers only get a day older from one run to the next, which no column says.
-- So only customers are written whose days changed, or who have a day that has come in
-- sight or left a window since the date that the table was last summed for. Who has no
-- day before the date any more stays as a row without dates, so that who reads changes
-- sees whom facts are no more of.
{% set minus_window = -1 * var('rfm_window_days') -%}
with

customer_days as {{ not_materialized() }} (
    select * from {{ ref('int_customer_days') }}
),

as_of_dates as (
    select * from {{ ref('int_as_of_dates') }}
    where is_current
),

newest_change as (
    select max(change_number) as change_number from customer_days
),

{% if is_incremental() -%}
standing_facts as {{ not_materialized() }} (
    select * from {{ this }}
),

watermarks as (
    select
        max(days_change_number) as change_number,
        max(as_of_date) as as_of_date,
        max(window_start_date) as window_start_date
    from standing_facts
),

-- An earlier date, a window of another length and days that were numbered anew leave
-- nothing to build on.
steps as (
    select
        as_of_dates.as_of_date,
        as_of_dates.window_start_date,
        watermarks.as_of_date as last_as_of_date,
        watermarks.window_start_date as last_window_start_date,
        watermarks.change_number,
        watermarks.as_of_date is null
        or as_of_dates.as_of_date < watermarks.as_of_date
        or newest_change.change_number < watermarks.change_number
        or cast(
            {{ dbt.dateadd('day', minus_window, 'watermarks.as_of_date') }} as date
        ) <> watermarks.window_start_date as is_anew
    from as_of_dates
    cross join newest_change
    cross join watermarks
),

touched_customers as (
    select customer_days.customer_id
    from customer_days
    cross join steps
    where
        steps.is_anew
        or customer_days.change_number > steps.change_number
        or (
            customer_days.activity_date >= steps.last_as_of_date
            and customer_days.activity_date < steps.as_of_date
        )
        or (
            customer_days.activity_date >= steps.last_window_start_date
            and customer_days.activity_date < steps.window_start_date
        )
        {%- for days in customer_fact_counts() | map(attribute=2) | select | unique %}
        or (
            customer_days.activity_date
            >= {{ dbt.dateadd('day', -days, 'steps.last_as_of_date') }}
            and customer_days.activity_date
            < {{ dbt.dateadd('day', -days, 'steps.as_of_date') }}
        )
        {%- endfor %}
    group by customer_days.customer_id
),

touched_days as (
    select * from customer_days
    where customer_id in ({{ few_values('touched_customers', 'customer_id') }})
),

active_customers as (
    select customer_days.customer_id
    from customer_days
    inner join as_of_dates
        on customer_days.activity_date < as_of_dates.as_of_date
    group by customer_days.customer_id
),

gone_customers as (
    select customer_id from standing_facts
    where
        first_active_date is not null
        and customer_id not in (
            select active_customers.customer_id from active_customers
        )
),

{% else -%}
touched_days as (
    select * from customer_days
),

{% endif -%}
summed as (
    {{ customer_fact_sums('touched_days', 'as_of_dates') }}
),

{% if is_incremental() -%}
written as (
    select
        coalesce(summed.customer_id, gone_customers.customer_id) as customer_id,
        summed.as_of_date,
        summed.window_start_date,
        {{ customer_fact_columns('summed') }}
    from summed
    full outer join gone_customers
        on summed.customer_id = gone_customers.customer_id
),

{% else -%}
written as (
    select * from summed
),

{% endif -%}
final as (
    select
        customer_id,
        as_of_date,
        window_start_date,
        {{ customer_fact_columns() }},
        (select newest_change.change_number from newest_change) as days_change_number
    from written
)

select * from final
