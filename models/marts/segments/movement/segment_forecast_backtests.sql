with

outcomes as (
    select * from {{ ref('segment_forecast_outcomes') }}
    where n_months_ahead = 1
),

intervals as (
    select * from {{ ref('segment_forecast_intervals') }}
),

judged as (
    select
        outcomes.*,
        case when intervals.width_score is not null then 1 else 0 end as is_bounded,
        case when outcomes.deviation_score <= intervals.width_score then 1 else 0 end
            as is_within
    from outcomes
    left join intervals
        on
            outcomes.segment_set = intervals.segment_set
            and outcomes.as_of_date = intervals.as_of_date
            and outcomes.n_months_ahead = intervals.n_months_ahead
),

aggregated as (
    select
        segment_set,
        as_of_date,
        forecast_date,
        n_history_months,
        count(*) as n_segments,
        sum(n_customers) as n_customers,
        sum(absolute_error) as total_absolute_error,
        sum(naive_absolute_error) as naive_total_absolute_error,
        sum(steady_share_absolute_error) as steady_share_total_absolute_error,
        sum(is_bounded) as n_bounded_segments,
        sum(is_within) as n_segments_within
    from judged
    group by segment_set, as_of_date, forecast_date, n_history_months
),

final as (
    select
        -- keys
        {{ hash_key(['segment_set', 'as_of_date']) }} as backtest_key,
        as_of_date,

        -- attributes
        segment_set,
        cast(
            {{ dbt.date_trunc('month', dbt.dateadd('day', -1, 'forecast_date')) }}
            as date
        ) as forecast_month,

        -- measures
        n_history_months,
        cast(n_segments as bigint) as n_segments,
        cast(n_customers as bigint) as n_customers,
        round(total_absolute_error / n_segments, 6) as mean_absolute_error,
        round(naive_total_absolute_error / n_segments, 6) as naive_mean_absolute_error,
        round(steady_share_total_absolute_error / n_segments, 6)
            as steady_share_mean_absolute_error,
        round(total_absolute_error, 6) as total_absolute_error,
        round(naive_total_absolute_error, 6) as naive_total_absolute_error,
        round({{ safe_divide('total_absolute_error', 'n_customers') }}, 6)
            as relative_error,
        round({{ safe_divide('naive_total_absolute_error', 'n_customers') }}, 6)
            as naive_relative_error,
        cast(n_bounded_segments as bigint) as n_bounded_segments,
        cast(n_segments_within as bigint) as n_segments_within_bounds,

        -- flags
        total_absolute_error < naive_total_absolute_error as is_better_than_naive
    from aggregated
)

select * from final
