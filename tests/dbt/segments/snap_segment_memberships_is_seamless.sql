{{ config(meta={'dagster': {'ref': {'name': 'snap_segment_memberships'}}}) }}

-- Guards the history of each membership: periods that follow one another without gap or
-- overlap, none of no duration, each with another segment than the one before, and one
-- current row at the end.
with

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
    from {{ ref('snap_segment_memberships') }}
)

select * from history
where
    dbt_valid_from is null
    or dbt_valid_to <= dbt_valid_from
    or coalesce(dbt_valid_to, cast('9999-12-31' as timestamp))
    <> coalesce(next_valid_from, cast('9999-12-31' as timestamp))
    or segment = previous_segment
