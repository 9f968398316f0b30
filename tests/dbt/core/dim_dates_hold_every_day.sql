{{ config(meta={'dagster': {'ref': {'name': 'dim_dates'}}}) }}

-- Guards that no day of an order line, a session or an as-of date is missing, and that
-- there is no gap between the first day and the last.
with

dates as (
    select * from {{ ref('dim_dates') }}
),

order_lines as (
    select * from {{ ref('fct_order_lines') }}
),

sessions as (
    select * from {{ ref('fct_sessions') }}
),

as_of_dates as (
    select * from {{ ref('dim_as_of_dates') }}
),

days_of_records as (
    select ordered_date as calendar_date
    from order_lines
    union distinct
    select started_date as calendar_date
    from sessions
    union distinct
    select as_of_date as calendar_date
    from as_of_dates
),

bounds as (
    select
        max(calendar_date) as last_date,
        count(*) as n_days,
        {{ dbt.datediff(
            'min(calendar_date)', 'max(calendar_date)', 'day'
        ) }} + 1 as n_days_expected
    from dates
),

final as (
    select
        days_of_records.calendar_date,
        'no such day' as what
    from days_of_records
    left join dates
        on days_of_records.calendar_date = dates.calendar_date
    where dates.calendar_date is null
    union all
    select
        last_date as calendar_date,
        'a gap before it' as what
    from bounds
    where n_days <> n_days_expected
)

select * from final
