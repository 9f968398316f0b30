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
-- Nothing lies before the first of them to move from.
points as (
    select
        as_of_dates.as_of_date,
        as_of_dates.activity_month,
        as_of_dates.is_month_end,
        row_number() over (order by as_of_dates.as_of_date) as point_number
    from as_of_dates
    inner join first_snapshot
        on as_of_dates.as_of_date >= first_snapshot.first_snapshot_date
),

states as (
    select
        points.as_of_date,
        points.activity_month,
        points.is_month_end,
        points.point_number,
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
        lag(segment) over (
            partition by membership_key
            order by as_of_date
        ) as previous_segment
    from states
),

counted as (
    select
        as_of_date,
        activity_month,
        is_month_end,
        segment_set,
        coalesce(previous_segment, 'none') as from_segment,
        segment as to_segment,
        count(*) as n_customers,
        sum(case when previous_segment is null then 1 else 0 end) as n_entrants
    from moves
    where point_number > 1
    group by
        as_of_date,
        activity_month,
        is_month_end,
        segment_set,
        coalesce(previous_segment, 'none'),
        segment
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
        cast(n_entrants as bigint) as n_entrants,
        cast(n_customers as {{ type_double() }}) / sum(n_customers) over (
            partition by as_of_date, segment_set, from_segment
        ) as transition_rate,

        -- flags
        is_month_end as is_month_complete
    from counted
)

select * from final
