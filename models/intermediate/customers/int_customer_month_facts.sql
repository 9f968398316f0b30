{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['as_of_date', 'customer_id'],
        on_schema_change='fail',
        post_hook="delete from {{ this }} where first_active_date is null",
    )
}}

-- A month that has ended stands as it is, but for customers with a changed day before
-- it: of most nothing is new there. A row that is no more is written once, without
-- dates, and deleted in the same transaction.
with

customer_days as {{ not_materialized() }} (
    select * from {{ ref('int_customer_days') }}
),

month_ends as (
    select * from {{ ref('int_as_of_dates') }}
    where is_month_end
),

all_current_facts as {{ not_materialized() }} (
    select * from {{ ref('int_customer_facts') }}
),

current_facts as {{ not_materialized() }} (
    select * from all_current_facts
    where first_active_date is not null
),

newest_change as (
    select max(change_number) as change_number from customer_days
),

{% if is_incremental() -%}
standing_facts as {{ not_materialized() }} (
    select * from {{ this }}
),

watermark as (
    select max(days_change_number) as change_number from standing_facts
),

all_standing_dates as {{ materialized() }} (
    select
        as_of_date,
        window_start_date
    from standing_facts
    group by as_of_date, window_start_date
),

-- Days that were numbered anew, and a window of another length, leave nothing to build
-- on.
standing_dates as (
    select * from all_standing_dates
    where
        (select watermark.change_number from watermark)
        <= (select newest_change.change_number from newest_change)
),

kept_dates as (
    select month_ends.*
    from month_ends
    inner join standing_dates
        on
            month_ends.as_of_date = standing_dates.as_of_date
            and month_ends.window_start_date = standing_dates.window_start_date
),

new_dates as (
    select * from month_ends
    where as_of_date not in (select kept_dates.as_of_date from kept_dates)
),

changed_customers as {{ materialized() }} (
    select
        customer_id,
        min(activity_date) as changed_since
    from customer_days
    where change_number > (select watermark.change_number from watermark)
    group by customer_id
),

late_customers as {{ materialized() }} (
    select * from changed_customers
    where changed_since < (select max(kept_dates.as_of_date) from kept_dates)
),

late_days as {{ materialized() }} (
    select * from customer_days
    where customer_id in ({{ few_values('late_customers', 'customer_id') }})
),

late_dates as (
    select * from kept_dates
    where
        as_of_date > (select min(late_customers.changed_since) from late_customers)
),

-- Whoever was there at one month-end is there at all later ones, and was at all since
-- the first day.
former_facts as (
    select
        customer_id,
        first_active_date
    from standing_facts
    where as_of_date = (select max(standing_dates.as_of_date) from standing_dates)
),

-- Who lost the first day, or every day, has no facts any more of the dates until the new
-- first day.
restarted_customers as (
    select
        former_facts.customer_id,
        former_facts.first_active_date as former_active_date,
        coalesce(all_current_facts.first_active_date, cast('9999-12-31' as date))
            as first_active_date
    from former_facts
    inner join all_current_facts
        on former_facts.customer_id = all_current_facts.customer_id
    where
        all_current_facts.days_change_number
        > (select watermark.change_number from watermark)
),

{% else -%}
new_dates as (
    select * from month_ends
),

{% endif -%}
past_dates as (
    select * from new_dates
    where not is_current
),

past_facts as (
    {{ customer_fact_sums_by_date('customer_days', 'past_dates') }}
),

{% if is_incremental() -%}
late_facts as (
    {{ customer_fact_sums_by_date('late_days', 'late_dates') }}
),

-- A day says something of later month-ends alone.
changed_facts as (
    select late_facts.*
    from late_facts
    inner join late_customers
        on
            late_facts.customer_id = late_customers.customer_id
            and late_facts.as_of_date > late_customers.changed_since
),

{% endif -%}
-- Facts of the as-of date are there already.
summed as (
    select
        customer_id,
        as_of_date,
        window_start_date,
        {{ customer_fact_columns() }}
    from past_facts
    union all
    select
        current_facts.customer_id,
        new_dates.as_of_date,
        new_dates.window_start_date,
        {{ customer_fact_columns('current_facts') }}
    from new_dates
    cross join current_facts
    where new_dates.is_current
    {% if is_incremental() -%}
        union all
        select
            customer_id,
            as_of_date,
            window_start_date,
            {{ customer_fact_columns() }}
        from changed_facts
    {%- endif %}
),

{% if is_incremental() -%}
dropped_dates as (
    select as_of_date from all_standing_dates
    where as_of_date not in (select kept_dates.as_of_date from kept_dates)
),

rivals as (
    select
        as_of_date,
        customer_id
    from standing_facts
    where as_of_date in ({{ few_values('dropped_dates', 'as_of_date') }})
    union distinct
    select
        kept_dates.as_of_date,
        restarted_customers.customer_id
    from restarted_customers
    inner join kept_dates
        on
            restarted_customers.former_active_date < kept_dates.as_of_date
            and restarted_customers.first_active_date >= kept_dates.as_of_date
),

written as (
    select
        coalesce(summed.customer_id, rivals.customer_id) as customer_id,
        coalesce(summed.as_of_date, rivals.as_of_date) as as_of_date,
        summed.window_start_date,
        {{ customer_fact_columns('summed') }}
    from summed
    full outer join rivals
        on
            summed.customer_id = rivals.customer_id
            and summed.as_of_date = rivals.as_of_date
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
