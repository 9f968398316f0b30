{{ config(meta={'dagster': {'ref': {'name': 'segment_transitions'}}}) }}

-- Guards that nobody is lost or invented on the way from one month-end to the next:
-- moves from a segment, without entrants, are its size before; moves to it are its size
-- after; the rates of one origin sum to 1. Sizes are counted in the snapshot itself.
with

segment_transitions as (
    select * from {{ ref('segment_transitions') }}
),

history as (
    select * from {{ ref('snap_segment_memberships') }}
),

as_of_dates as (
    select * from {{ ref('dim_as_of_dates') }}
),

sizes as (
    select
        as_of_dates.as_of_date,
        history.segment_set,
        history.segment,
        count(*) as n_members
    from as_of_dates
    inner join history
        on
            as_of_dates.as_of_date >= history.dbt_valid_from
            and as_of_dates.as_of_date
            < coalesce(history.dbt_valid_to, cast('9999-12-31' as timestamp))
    group by as_of_dates.as_of_date, history.segment_set, history.segment
),

covered_dates as (
    select
        as_of_date,
        lag(as_of_date) over (order by as_of_date) as previous_as_of_date
    from sizes
    group by as_of_date
),

reached as (
    select
        as_of_date,
        segment_set,
        to_segment as segment,
        sum(n_customers) as n_moved
    from segment_transitions
    group by as_of_date, segment_set, to_segment
),

-- A segment that nobody was in has no size, so its moves must all be entrants'.
left_behind as (
    select
        as_of_date,
        segment_set,
        from_segment as segment,
        sum(n_customers - n_entrants) as n_moved,
        sum(transition_rate) as transition_rate
    from segment_transitions
    group by as_of_date, segment_set, from_segment
),

sizes_after as (
    select sizes.*
    from sizes
    inner join covered_dates
        on sizes.as_of_date = covered_dates.as_of_date
    where covered_dates.previous_as_of_date is not null
),

sizes_before as (
    select
        covered_dates.as_of_date,
        sizes.segment_set,
        sizes.segment,
        sizes.n_members
    from sizes
    inner join covered_dates
        on sizes.as_of_date = covered_dates.previous_as_of_date
),

final as (
    select
        coalesce(sizes_after.as_of_date, reached.as_of_date) as as_of_date,
        coalesce(sizes_after.segment_set, reached.segment_set) as segment_set,
        coalesce(sizes_after.segment, reached.segment) as segment,
        'to' as direction
    from sizes_after
    full outer join reached
        on
            sizes_after.as_of_date = reached.as_of_date
            and sizes_after.segment_set = reached.segment_set
            and sizes_after.segment = reached.segment
    where coalesce(sizes_after.n_members, 0) <> coalesce(reached.n_moved, 0)
    union all
    select
        coalesce(sizes_before.as_of_date, left_behind.as_of_date) as as_of_date,
        coalesce(sizes_before.segment_set, left_behind.segment_set) as segment_set,
        coalesce(sizes_before.segment, left_behind.segment) as segment,
        'from' as direction
    from sizes_before
    full outer join left_behind
        on
            sizes_before.as_of_date = left_behind.as_of_date
            and sizes_before.segment_set = left_behind.segment_set
            and sizes_before.segment = left_behind.segment
    where
        coalesce(sizes_before.n_members, 0) <> coalesce(left_behind.n_moved, 0)
        or abs(left_behind.transition_rate - 1) > 1e-9
)

select * from final
