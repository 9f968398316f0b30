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
-- that; and of theirs only rows are written that differ. A row that is no more is
-- written once, without dates, and deleted in the same transaction.
{% set fact_columns = customer_fact_columns().split(', ') -%}
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

-- Whoever was there at one month-end is there at all later ones.
known_customers as (
    select customer_id from standing_facts
    where as_of_date = (select max(standing_dates.as_of_date) from standing_dates)
),

gone_customers as (
    select customer_id from all_current_facts
    where
        first_active_date is null
        and days_change_number > (select watermark.change_number from watermark)
),

-- Of customers who lost a day all others count as changed, so that one whose first day
-- changed may have had days before it. The first customer is always looked at, since a
-- row that was summed tells how far the table has come.
whole_customers as {{ materialized() }} (
    select changed_customers.customer_id
    from changed_customers
    inner join current_facts
        on
            changed_customers.customer_id = current_facts.customer_id
            and changed_customers.changed_since = current_facts.first_active_date
    where
        changed_customers.customer_id in (
            select known_customers.customer_id from known_customers
        )
    union distinct
    select customer_id from gone_customers
    union distinct
    select min(customer_id) as customer_id from known_customers
    where exists (select 1 from changed_customers)
),

-- Of all others a day says something of later month-ends alone: of most of none.
late_customers as (
    select * from changed_customers
    where
        changed_since < (select max(kept_dates.as_of_date) from kept_dates)
        and customer_id not in (
            select whole_customers.customer_id from whole_customers
        )
),

changed_since as (
    select min(changed_since) as changed_since from late_customers
),

revised_customers as {{ materialized() }} (
    select customer_id from whole_customers
    union distinct
    select customer_id from late_customers
),

changed_days as {{ materialized() }} (
    select * from customer_days
    where customer_id in ({{ few_values('revised_customers', 'customer_id') }})
),

later_dates as (
    select kept_dates.*
    from kept_dates
    inner join changed_since
        on kept_dates.as_of_date > changed_since.changed_since
),

earlier_dates as (
    select * from kept_dates
    where as_of_date not in (select later_dates.as_of_date from later_dates)
),

whole_days as (
    select * from changed_days
    where customer_id in (select whole_customers.customer_id from whole_customers)
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
later_facts as (
    {{ customer_fact_sums_by_date('changed_days', 'later_dates') }}
),

earlier_facts as (
    {{ customer_fact_sums_by_date('whole_days', 'earlier_dates') }}
),

changed_facts as (
    select * from later_facts
    union all
    select * from earlier_facts
),

{% endif -%}
-- Facts of the as-of date are there already.
summed as {% if is_incremental() %}{{ materialized() }} {% endif %}(
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
    select * from standing_facts
    where as_of_date in ({{ few_values('dropped_dates', 'as_of_date') }})
    union all
    select * from standing_facts
    where
        customer_id in ({{ few_values('revised_customers', 'customer_id') }})
        and as_of_date in (select later_dates.as_of_date from later_dates)
    union all
    select * from standing_facts
    where
        customer_id in ({{ few_values('whole_customers', 'customer_id') }})
        and as_of_date in (select earlier_dates.as_of_date from earlier_dates)
),

compared as (
    select
        coalesce(summed.customer_id, rivals.customer_id) as customer_id,
        coalesce(summed.as_of_date, rivals.as_of_date) as as_of_date,
        summed.window_start_date,
        {{ customer_fact_columns('summed') }},
        {% for column in fact_columns -%}
        summed.{{ column }} is distinct from rivals.{{ column }}
        or {% endfor -%}
        summed.window_start_date is distinct from rivals.window_start_date
            as is_changed
    from summed
    full outer join rivals
        on
            summed.customer_id = rivals.customer_id
            and summed.as_of_date = rivals.as_of_date
),

-- The first row that was summed again is written even if it is the same, so that its
-- number tells how far the table has come.
first_row as (
    select
        as_of_date,
        min(customer_id) as customer_id
    from summed
    where as_of_date = (select min(earliest.as_of_date) from summed as earliest)
    group by as_of_date
),

written as (
    select compared.*
    from compared
    left join first_row
        on
            compared.as_of_date = first_row.as_of_date
            and compared.customer_id = first_row.customer_id
    where compared.is_changed or first_row.customer_id is not null
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
