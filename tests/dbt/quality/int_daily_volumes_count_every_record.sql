{{ config(meta={'dagster': {'ref': {'name': 'int_daily_volumes'}}}) }}

-- Guards that the days of a source's events add up to its events, and those of its
-- orders to its orders, wherever the source has so many that it is looked at.
with

record_counts as (
    select * from {{ ref('int_records_counted') }}
    where record_type = 'event' and record_status in ('accepted', 'withheld')
),

loads as (
    select * from {{ ref('stg_landing__loads') }}
),

records as (
    select
        loads.source_name,
        'events' as record_type,
        record_counts.record_date as volume_date,
        record_counts.n_records
    from record_counts
    inner join loads
        on record_counts.load_id = loads.load_id
    union all
    select
        source_name,
        'orders' as record_type,
        ordered_date as volume_date,
        1 as n_records
    from {{ ref('int_orders') }}
),

counted as (
    select
        source_name,
        record_type,
        sum(n_records) as n_records
    from records
    where
        volume_date < {{ as_of_date() }}
        and volume_date
        >= cast({{ dbt.dateadd('day', -1 * var('volume_days'), as_of_date()) }} as date)
    group by source_name, record_type
),

daily as (
    select
        source_name,
        record_type,
        sum(n_records) as n_records
    from {{ ref('int_daily_volumes') }}
    where event_name is null
    group by source_name, record_type
),

final as (
    select
        daily.source_name,
        daily.record_type,
        daily.n_records,
        counted.n_records as n_counted_records
    from daily
    left join counted
        on
            daily.source_name = counted.source_name
            and daily.record_type = counted.record_type
    where daily.n_records <> coalesce(counted.n_records, 0)
)

select * from final
