with

history as (
    select * from {{ ref('snap_segment_memberships') }}
),

as_of_dates as (
    select * from {{ ref('dim_as_of_dates') }}
),

first_snapshot as (
    select min(cast(dbt_valid_from as date)) as first_snapshot_date
    from history
),

-- The month-ends that history covers, and the unfinished month up to the as-of date.
points as (
    select
        as_of_dates.as_of_date,
        as_of_dates.activity_month,
        as_of_dates.is_month_end
    from as_of_dates
    inner join first_snapshot
        on as_of_dates.as_of_date >= first_snapshot.first_snapshot_date
),

states as (
    select
        points.as_of_date,
        points.activity_month,
        points.is_month_end,
        history.membership_key,
        history.segment_set,
        history.segment
    from points
    inner join history
        on
            points.as_of_date >= history.dbt_valid_from
            and (
                history.dbt_valid_to is null
                or points.as_of_date < history.dbt_valid_to
            )
),

-- Who has a row keeps it, so the row before is the point before; who has none before
-- enters from `none`.
moves as (
    select
        *,
        coalesce(
            lag(segment) over (partition by membership_key order by as_of_date), 'none'
        ) as from_segment
    from states
),

counted as (
    select
        moves.as_of_date,
        moves.activity_month,
        moves.is_month_end,
        moves.segment_set,
        moves.from_segment,
        moves.segment as to_segment,
        count(*) as n_customers
    from moves
    inner join first_snapshot
        on moves.as_of_date > first_snapshot.first_snapshot_date
    group by
        moves.as_of_date,
        moves.activity_month,
        moves.is_month_end,
        moves.segment_set,
        moves.from_segment,
        moves.segment
),

final as (
    select
        -- keys
        {{ hash_key(['as_of_date', 'segment_set', 'from_segment', 'to_segment']) }}
            as transition_key,
        as_of_date,

        -- attributes
        activity_month as transition_month,
        segment_set,
        from_segment,
        to_segment,

        -- measures
        cast(n_customers as bigint) as n_customers,
        cast(n_customers as {{ type_double() }}) / sum(n_customers) over (
            partition by as_of_date, segment_set, from_segment
        ) as transition_rate,

        -- flags
        is_month_end as is_complete_month
    from counted
)

select * from final
