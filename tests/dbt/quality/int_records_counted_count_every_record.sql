{{ config(meta={'dagster': {'ref': {'name': 'int_records_counted'}}}) }}

-- Guards that loads are counted again whenever a record of theirs got another status:
-- as many records of each status and event as there are, load by load.
with

landed_records as (
    select
        load_id,
        record_type,
        record_status,
        event_name,
        1 as n_records,
        0 as n_counted_records
    from {{ ref('int_landed_records') }}
    where {{ changed_rows('load_id') }}
),

records_counted as (
    select
        load_id,
        record_type,
        record_status,
        event_name,
        0 as n_records,
        n_records as n_counted_records
    from {{ ref('int_records_counted') }}
    where {{ changed_rows('load_id') }}
),

records as (
    select * from landed_records
    union all
    select * from records_counted
),

final as (
    select
        load_id,
        record_type,
        record_status,
        event_name,
        sum(n_records) as n_records,
        sum(n_counted_records) as n_counted_records
    from records
    group by load_id, record_type, record_status, event_name
    having sum(n_records) <> sum(n_counted_records)
)

select * from final
