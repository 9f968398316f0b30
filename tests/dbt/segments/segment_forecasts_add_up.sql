{{ config(meta={'dagster': {'ref': {'name': 'segment_forecasts'}}}) }}

-- Guards that a forecast neither loses nor invents anybody: over a set it sums to the
-- members now and, for each month ahead, to the mean entrants of the months that it is
-- made from. Members are counted in the snapshot, entrants in `segment_transitions`.
-- Every set with members has every month ahead, and sizes are within their intervals.
{% set horizon = var('forecast_months_ahead') -%}
{% set min_months = var('forecast_min_history_months') -%}
with

segment_forecasts as (
    select * from {{ ref('segment_forecasts') }}
),

history as (
    select * from {{ ref('snap_segment_memberships') }}
    where dbt_valid_to is null
),

segment_transitions as (
    select * from {{ ref('segment_transitions') }}
    where is_month_complete
),

members as (
    select
        segment_set,
        count(*) as n_members
    from history
    group by segment_set
),

months as (
    select
        segment_set,
        as_of_date,
        sum(n_entrants) as n_entrants,
        row_number() over (
            partition by segment_set order by as_of_date desc
        ) as month_number
    from segment_transitions
    group by segment_set, as_of_date
    having sum(n_customers) > sum(n_entrants)
),

entrants as (
    select
        segment_set,
        count(*) as n_months,
        1.0 * sum(n_entrants) / count(*) as n_entrants
    from months
    where month_number <= {{ var('forecast_history_months') }}
    group by segment_set
),

sums as (
    select
        segment_set,
        n_months_ahead,
        sum(n_customers) as n_customers,
        sum(forecast_customers) as forecast_customers,
        sum(forecast_entrants) as forecast_entrants,
        sum(case when no_forecast_reason is null then 0 else 1 end) as n_reasons,
        count(*) as n_segments
    from segment_forecasts
    group by segment_set, n_months_ahead
),

months_ahead as (
    select
        segment_set,
        count(*) as n_months_ahead
    from sums
    group by segment_set
),

final as (
    select
        members.segment_set,
        sums.n_months_ahead,
        members.n_members,
        sums.forecast_customers,
        sums.forecast_entrants
    from members
    left join sums
        on members.segment_set = sums.segment_set
    left join months_ahead
        on members.segment_set = months_ahead.segment_set
    left join entrants
        on members.segment_set = entrants.segment_set
    where
        coalesce(sums.n_customers, -1) <> members.n_members
        or coalesce(months_ahead.n_months_ahead, -1) <> {{ horizon }}
        or case
            when
                coalesce(entrants.n_months, 0) < {{ min_months }}
                then
                    sums.n_reasons <> sums.n_segments
                    or sums.forecast_customers is not null
            else
                sums.n_reasons <> 0
                or abs(
                    sums.forecast_customers - sums.forecast_entrants - members.n_members
                ) > 0.001
                or abs(
                    sums.forecast_entrants - entrants.n_entrants * sums.n_months_ahead
                ) > 0.001
        end
    union all
    select
        segment_set,
        n_months_ahead,
        n_customers as n_members,
        forecast_customers,
        forecast_entrants
    from segment_forecasts
    where
        forecast_customers not between lower_customers and upper_customers
        or forecast_entrants > forecast_customers + 0.001
        or lower_customers < 0
)

select * from final
