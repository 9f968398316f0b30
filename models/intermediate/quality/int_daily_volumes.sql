-- What happened, whether or not it may be used: withheld events count, since a consent
-- banner must not look like a loss of data.
with

loads as (
    select * from {{ ref('stg_landing__loads') }}
),

event_counts as (
    select * from {{ ref('int_records_counted') }}
    where record_type = 'event' and record_status in ('accepted', 'withheld')
),

orders as (
    select * from {{ ref('int_orders') }}
),

-- The spine ends the day before the as-of date, the last whole day.
days as (
    {{ dbt.date_spine(
        'day',
        dbt.dateadd('day', -1 * var('volume_days'), as_of_date()),
        as_of_date()
    ) }}
),

dated as (
    select
        loads.source_name,
        'events' as record_type,
        event_counts.event_name,
        event_counts.record_date as volume_date,
        event_counts.n_records
    from event_counts
    inner join loads
        on event_counts.load_id = loads.load_id
    union all
    select
        source_name,
        'orders' as record_type,
        cast(null as {{ dbt.type_string() }}) as event_name,
        ordered_date as volume_date,
        1 as n_records
    from orders
),

counted as (
    select
        source_name,
        record_type,
        event_name,
        volume_date,
        sum(n_records) as n_records
    from dated
    where
        volume_date < {{ as_of_date() }}
        and volume_date
        >= cast({{ dbt.dateadd('day', -1 * var('volume_days'), as_of_date()) }} as date)
    group by source_name, record_type, event_name, volume_date
),

-- All events of a source are a series too: where each kind is rare, only their sum
-- shows that a day is missing.
all_series as (
    select
        source_name,
        record_type,
        event_name,
        volume_date,
        n_records
    from counted
    where record_type = 'orders' or event_name is not null
    union all
    select
        source_name,
        record_type,
        cast(null as {{ dbt.type_string() }}) as event_name,
        volume_date,
        sum(n_records) as n_records
    from counted
    where record_type = 'events'
    group by source_name, record_type, volume_date
),

-- A series that never has enough records on a day can't be judged on any.
series as (
    select
        {{ hash_key(['source_name', 'record_type', 'event_name']) }} as series_key,
        source_name,
        record_type,
        event_name,
        min(volume_date) as first_volume_date
    from all_series
    group by source_name, record_type, event_name
    having max(n_records) >= {{ var('volume_min_records') }}
),

-- A day without records is a day with none, not a missing row.
final as (
    select
        -- keys
        series.series_key,

        -- attributes
        series.source_name,
        series.record_type,
        series.event_name,
        cast(days.date_day as date) as volume_date,

        -- measures
        coalesce(all_series.n_records, 0) as n_records
    from series
    inner join days
        on series.first_volume_date <= cast(days.date_day as date)
    left join all_series
        on
            series.source_name = all_series.source_name
            and series.record_type = all_series.record_type
            and coalesce(series.event_name, '') = coalesce(all_series.event_name, '')
            and all_series.volume_date = cast(days.date_day as date)
)

select * from final
