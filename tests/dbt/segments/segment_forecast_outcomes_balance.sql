{{ config(meta={'dagster': {'ref': {'name': 'segment_forecast_outcomes'}}}) }}

-- Guards that every forecast that has come due is held against all that came: sizes
-- before and after are those of `segment_transitions`, and backtests sum outcomes.
with

outcomes as (
    select * from {{ ref('segment_forecast_outcomes') }}
),

backtests as (
    select * from {{ ref('segment_forecast_backtests') }}
),

segment_transitions as (
    select * from {{ ref('segment_transitions') }}
    where is_month_complete and to_segment <> 'merged'
),

sizes as (
    select
        segment_set,
        as_of_date,
        sum(n_customers) as n_customers
    from segment_transitions
    group by segment_set, as_of_date
),

sums as (
    select
        segment_set,
        as_of_date,
        n_months_ahead,
        forecast_date,
        sum(n_customers_before) as n_customers_before,
        sum(n_customers) as n_customers,
        sum(absolute_error) as absolute_error,
        sum(naive_absolute_error) as naive_absolute_error
    from outcomes
    group by segment_set, as_of_date, n_months_ahead, forecast_date
),

misfits as (
    select
        sums.segment_set,
        sums.as_of_date,
        sums.n_months_ahead
    from sums
    left join sizes as sizes_before
        on
            sums.segment_set = sizes_before.segment_set
            and sums.as_of_date = sizes_before.as_of_date
    left join sizes as sizes_after
        on
            sums.segment_set = sizes_after.segment_set
            and sums.forecast_date = sizes_after.as_of_date
    where
        sums.n_customers_before <> coalesce(sizes_before.n_customers, 0)
        or sums.n_customers <> coalesce(sizes_after.n_customers, 0)
),

one_month_ahead as (
    select * from sums
    where n_months_ahead = 1
),

backtest_misfits as (
    select
        coalesce(one_month_ahead.segment_set, backtests.segment_set) as segment_set,
        coalesce(one_month_ahead.as_of_date, backtests.as_of_date) as as_of_date,
        1 as n_months_ahead
    from one_month_ahead
    full outer join backtests
        on
            one_month_ahead.segment_set = backtests.segment_set
            and one_month_ahead.as_of_date = backtests.as_of_date
    where
        coalesce(one_month_ahead.n_customers, -1) <> coalesce(backtests.n_customers, -1)
        or abs(
            coalesce(one_month_ahead.absolute_error, -1)
            - coalesce(backtests.total_absolute_error, -1)
        ) > 0.001
        or abs(
            coalesce(one_month_ahead.naive_absolute_error, -1)
            - coalesce(backtests.naive_total_absolute_error, -1)
        ) > 0.001
),

final as (
    select * from misfits
    union all
    select * from backtest_misfits
)

select * from final
