{% set min_months = var('forecast_min_history_months') -%}
with

backtests as (
    select * from {{ ref('segment_forecast_backtests') }}
),

segment_forecasts as (
    select * from {{ ref('segment_forecasts') }}
),

sets as (
    select
        segment_set,
        max(as_of_date) as as_of_date,
        max(n_history_months) as n_history_months
    from segment_forecasts
    group by segment_set
),

aggregated as (
    select
        segment_set,
        count(*) as n_backtested_months,
        sum(case when is_better_than_naive then 1 else 0 end) as n_better_months,
        avg(mean_absolute_error) as mean_absolute_error,
        avg(naive_mean_absolute_error) as naive_mean_absolute_error,
        avg(steady_share_mean_absolute_error) as steady_share_mean_absolute_error,
        sum(total_absolute_error) as total_absolute_error,
        sum(naive_total_absolute_error) as naive_total_absolute_error,
        sum(n_customers) as n_customers,
        sum(n_bounded_segments) as n_bounded_segments,
        sum(n_segments_within_bounds) as n_segments_within_bounds
    from backtests
    group by segment_set
),

final as (
    select
        -- keys
        sets.segment_set,
        sets.as_of_date,

        -- attributes
        case
            when aggregated.segment_set is null
                then
                    'no complete month has {{ min_months }} complete months of '
                    || 'movement before it'
        end as no_backtest_reason,

        -- measures
        cast(coalesce(aggregated.n_backtested_months, 0) as bigint)
            as n_backtested_months,
        cast(coalesce(aggregated.n_better_months, 0) as bigint) as n_better_months,
        round(aggregated.mean_absolute_error, 6) as mean_absolute_error,
        round(aggregated.naive_mean_absolute_error, 6) as naive_mean_absolute_error,
        round(aggregated.steady_share_mean_absolute_error, 6)
            as steady_share_mean_absolute_error,
        case
            when aggregated.naive_mean_absolute_error > 0
                then round(
                    1
                    - aggregated.mean_absolute_error
                    / aggregated.naive_mean_absolute_error,
                    6
                )
        end as skill_score,
        round(
            aggregated.total_absolute_error / nullif(aggregated.n_customers, 0), 6
        ) as relative_error,
        round(
            aggregated.naive_total_absolute_error / nullif(aggregated.n_customers, 0), 6
        ) as naive_relative_error,
        cast(
            aggregated.n_segments_within_bounds as {{ type_double() }}
        ) / nullif(aggregated.n_bounded_segments, 0) as interval_coverage_rate,

        -- flags
        coalesce(
            aggregated.mean_absolute_error < aggregated.naive_mean_absolute_error, false
        ) as is_better_than_naive,
        coalesce(
            aggregated.mean_absolute_error
            < aggregated.steady_share_mean_absolute_error,
            false
        ) as is_better_than_steady_shares
    from sets
    left join aggregated
        on sets.segment_set = aggregated.segment_set
)

select * from final
