{{ config(meta={'dagster': {'ref': {'name': 'fct_events'}}}) }}

-- Guards the way from landed records to facts: as many accepted records as events, of
-- every type and day. Counts are enough beside the unique event key, and much
-- cheaper than meeting record by record. Of a changed event all copies count: the
-- accepted one may be what it was.
with

records as (
    select * from {{ ref('int_events_classified') }}
    where
        record_status = 'accepted'
        and {{ changed_rows(
            'classified_at_load_id', 'event_key', ref('int_events_classified')
        ) }}
),

events as (
    select * from {{ ref('fct_events') }}
    where {{ changed_rows(
        'classified_at_load_id',
        'event_key',
        ref('int_events_classified'),
        since='occurred_at'
    ) }}
),

counts as (
    select
        source_name,
        event_type,
        cast(occurred_at as date) as occurred_date,
        1 as n_records,
        0 as n_events
    from records
    union all
    select
        source_name,
        event_type,
        cast(occurred_at as date) as occurred_date,
        0 as n_records,
        1 as n_events
    from events
),

final as (
    select
        source_name,
        event_type,
        occurred_date,
        sum(n_records) as n_records,
        sum(n_events) as n_events
    from counts
    group by source_name, event_type, occurred_date
    having sum(n_records) <> sum(n_events)
)

select * from final
