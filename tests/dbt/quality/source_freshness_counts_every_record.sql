{{ config(meta={'dagster': {'ref': {'name': 'source_freshness'}}}) }}

-- Guards that every stream is watched with all its records: as many as the accounting
-- has accepted and withheld.
with

accounted as (
    select
        source_name,
        stream_name,
        sum(n_accepted + n_withheld) as n_records
    from {{ ref('row_accounting') }}
    group by source_name, stream_name
),

watched as (
    select * from {{ ref('source_freshness') }}
),

final as (
    select
        accounted.source_name,
        accounted.stream_name,
        accounted.n_records,
        watched.n_records as n_watched_records
    from accounted
    full outer join watched
        on
            accounted.source_name = watched.source_name
            and accounted.stream_name = watched.stream_name
    where coalesce(accounted.n_records, 0) <> coalesce(watched.n_records, 0)
)

select * from final
