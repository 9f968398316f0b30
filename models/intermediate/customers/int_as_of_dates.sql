with

customer_days as (
    select * from {{ ref('int_customer_days') }}
),

-- The spine stops one month short of the one that its end lies in.
months as (
    {{ dbt.date_spine(
        'month', "cast('1970-01-01' as date)", dbt.dateadd('month', 1, as_of_date())
    ) }}
),

first_activity as (
    select min(activity_date) as first_activity_date
    from customer_days
),

-- A month-end is the day after the month, whose midnight bounds it.
month_ends as (
    select cast(months.date_month as date) as as_of_date
    from months
    inner join first_activity
        on months.date_month > first_activity.first_activity_date
),

as_of_dates as (
    select as_of_date
    from month_ends
    union distinct
    select {{ as_of_date() }} as as_of_date
),

final as (
    select
        -- keys
        as_of_date,

        -- attributes
        cast(
            {{ dbt.date_trunc('month', dbt.dateadd('day', -1, 'as_of_date')) }} as date
        ) as activity_month,
        cast(
            {{ dbt.dateadd('day', -1 * var('rfm_window_days'), 'as_of_date') }} as date
        ) as window_start_date,

        -- flags
        as_of_date = cast({{ dbt.date_trunc('month', 'as_of_date') }} as date)
            as is_month_end,
        as_of_date = {{ as_of_date() }} as is_current
    from as_of_dates
)

select * from final
