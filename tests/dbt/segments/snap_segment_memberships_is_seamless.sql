{{ config(meta={'dagster': {'ref': {'name': 'snap_segment_memberships'}}}) }}

-- Guards the history of each membership: periods that follow one another without gap or
-- overlap, none of no duration, each with another segment than the one before, and one
-- current row at the end. A membership that never ended has one row, the key of
-- `customer_segments` says.
with

periods as {{ not_materialized() }} (
    select * from {{ ref('snap_segment_memberships') }}
),

ended_memberships as (
    select
        customer_id,
        segment_set
    from periods
    where dbt_valid_from is null or dbt_valid_to is not null
    group by customer_id, segment_set
),

periods_of_ended as (
    select periods.*
    from periods
    inner join ended_memberships
        on
            periods.customer_id = ended_memberships.customer_id
            and periods.segment_set = ended_memberships.segment_set
),

history as (
    select
        customer_id,
        segment_set,
        segment,
        dbt_valid_from,
        dbt_valid_to,
        lag(segment) over (
            partition by customer_id, segment_set
            order by dbt_valid_from, dbt_scd_id
        ) as previous_segment,
        lead(dbt_valid_from) over (
            partition by customer_id, segment_set
            order by dbt_valid_from, dbt_scd_id
        ) as next_valid_from
    from periods_of_ended
)

select * from history
where
    dbt_valid_from is null
    or dbt_valid_to <= dbt_valid_from
    or coalesce(dbt_valid_to, cast('9999-12-31' as timestamp))
    <> coalesce(next_valid_from, cast('9999-12-31' as timestamp))
    or segment = previous_segment
