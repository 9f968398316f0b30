with

order_lines as (
    select * from {{ ref('fct_order_lines') }}
),

sessions as (
    select * from {{ ref('fct_sessions') }}
),

as_of_dates as (
    select * from {{ ref('dim_as_of_dates') }}
),

-- Records may be younger than the as-of date, and months begin before their first
-- record.
spans as (
    select
        min(activity_month) as first_date,
        max(as_of_date) as last_date
    from as_of_dates
    union all
    select
        cast({{ dbt.date_trunc('month', 'min(ordered_date)') }} as date) as first_date,
        max(ordered_date) as last_date
    from order_lines
    union all
    select
        cast({{ dbt.date_trunc('month', 'min(started_date)') }} as date) as first_date,
        max(started_date) as last_date
    from sessions
),

span as (
    select
        min(first_date) as first_date,
        {{ dbt.datediff(
            'min(first_date)', 'max(last_date)', 'day'
        ) }} + 1 as n_days
    from spans
),

-- A hundred years of days; what is beyond them is a test's to find.
numbers as (
    {{ dbt.generate_series(36525) }}
),

days as (
    select
        cast(
            {{ dbt.dateadd(
                'day', 'cast(numbers.generated_number as integer) - 1', 'span.first_date'
            ) }} as date
        ) as calendar_date
    from span
    inner join numbers
        on span.n_days >= numbers.generated_number
),

final as (
    select
        -- keys
        calendar_date,

        -- attributes
        cast({{ dbt.date_trunc('week', 'calendar_date') }} as date) as week_start_date,
        cast({{ dbt.date_trunc('month', 'calendar_date') }} as date) as calendar_month,
        cast({{ dbt.date_trunc('quarter', 'calendar_date') }} as date)
            as quarter_start_date,
        cast({{ dbt.date_trunc('year', 'calendar_date') }} as date) as year_start_date
    from days
)

select * from final
