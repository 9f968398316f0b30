{% set sources_that_are_on = "'" ~ var('sources') | join("', '") ~ "'" -%}
with

source_cadences as (
    select * from {{ ref('source_cadences') }}
),

loads as (
    select * from {{ ref('stg_landing__loads') }}
),

-- What isn't accepted or withheld is no sign of life: a source that sends only broken
-- records is late.
records_counted as (
    select * from {{ ref('int_records_counted') }}
    where record_status in ('accepted', 'withheld')
),

per_load as (
    select
        load_id,
        sum(n_records) as n_records,
        max(case when record_date <= {{ as_of_date() }} then newest_record_at end)
            as newest_record_at
    from records_counted
    group by load_id
),

delivered as (
    select
        loads.source_name,
        loads.stream_name,
        sum(per_load.n_records) as n_records,
        max(per_load.newest_record_at) as newest_record_at
    from per_load
    inner join loads
        on per_load.load_id = loads.load_id
    group by loads.source_name, loads.stream_name
),

streams as (
    select
        source_name,
        stream_name
    from source_cadences
    union distinct
    select
        source_name,
        stream_name
    from delivered
),

measured as (
    select
        streams.source_name,
        streams.stream_name,
        delivered.newest_record_at,
        {{ to_business_date('delivered.newest_record_at') }} as newest_record_date,
        {{ as_of_date() }} as as_of_date,
        source_cadences.max_age_days,
        coalesce(delivered.n_records, 0) as n_records
    from streams
    left join delivered
        on
            streams.source_name = delivered.source_name
            and streams.stream_name = delivered.stream_name
    left join source_cadences
        on
            streams.source_name = source_cadences.source_name
            and streams.stream_name = source_cadences.stream_name
    where streams.source_name in ({{ sources_that_are_on }})
),

aged as (
    select
        *,
        cast(
            {{ dbt.datediff(
                'newest_record_date', 'as_of_date', 'day'
            ) }} as bigint
        ) as age_days
    from measured
),

final as (
    select
        -- keys
        {{ hash_key(['source_name', 'stream_name']) }} as source_stream_key,

        -- attributes
        source_name,
        stream_name,
        newest_record_at,
        newest_record_date,

        -- measures
        age_days,
        cast(max_age_days as bigint) as max_age_days,
        cast(n_records as bigint) as n_records,

        -- flags
        coalesce(age_days > max_age_days, false) as is_late
    from aged
)

select * from final
