with

history as {{ not_materialized() }} (
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
        lag(as_of_dates.as_of_date) over (order by as_of_dates.as_of_date)
            as previous_as_of_date
    from as_of_dates
    inner join first_snapshot
        on as_of_dates.as_of_date >= first_snapshot.first_snapshot_date
),

steps as (
    select * from points
    where previous_as_of_date is not null
),

-- Most memberships stay what they are, so periods are counted before they meet a step.
periods as (
    select
        segment_set,
        segment,
        dbt_valid_from,
        dbt_valid_to,
        count(*) as n_customers
    from history
    group by segment_set, segment, dbt_valid_from, dbt_valid_to
),

stays as (
    select
        steps.as_of_date,
        periods.segment_set,
        periods.segment as from_segment,
        periods.segment as to_segment,
        periods.n_customers,
        0 as n_entrants
    from steps
    inner join periods
        on
            steps.previous_as_of_date >= periods.dbt_valid_from
            and (
                periods.dbt_valid_to is null
                or steps.as_of_date < periods.dbt_valid_to
            )
),

-- Who has a row keeps it, so whoever began between two points was somewhere at the
-- first of them, or enters from `none`.
arrivals as (
    select
        steps.as_of_date,
        steps.previous_as_of_date,
        history.customer_id,
        history.segment_set,
        history.segment
    from steps
    inner join history
        on
            steps.previous_as_of_date < history.dbt_valid_from
            and steps.as_of_date >= history.dbt_valid_from
            and (
                history.dbt_valid_to is null
                or steps.as_of_date < history.dbt_valid_to
            )
),

departures as (
    select * from history
    where dbt_valid_to is not null
),

moves as (
    select
        arrivals.as_of_date,
        arrivals.segment_set,
        coalesce(departures.segment, 'none') as from_segment,
        arrivals.segment as to_segment,
        count(*) as n_customers,
        sum(case when departures.segment is null then 1 else 0 end) as n_entrants
    from arrivals
    left join departures
        on
            arrivals.customer_id = departures.customer_id
            and arrivals.segment_set = departures.segment_set
            and arrivals.previous_as_of_date >= departures.dbt_valid_from
            and arrivals.previous_as_of_date < departures.dbt_valid_to
    group by
        arrivals.as_of_date,
        arrivals.segment_set,
        coalesce(departures.segment, 'none'),
        arrivals.segment
),

stays_and_moves as (
    select * from stays
    union all
    select * from moves
),

counted as (
    select
        stays_and_moves.as_of_date,
        steps.activity_month,
        steps.is_month_end,
        stays_and_moves.segment_set,
        stays_and_moves.from_segment,
        stays_and_moves.to_segment,
        sum(stays_and_moves.n_customers) as n_customers,
        sum(stays_and_moves.n_entrants) as n_entrants
    from stays_and_moves
    inner join steps
        on stays_and_moves.as_of_date = steps.as_of_date
    group by
        stays_and_moves.as_of_date,
        steps.activity_month,
        steps.is_month_end,
        stays_and_moves.segment_set,
        stays_and_moves.from_segment,
        stays_and_moves.to_segment
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
