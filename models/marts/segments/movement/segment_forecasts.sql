{% set min_months = var('forecast_min_history_months') -%}
with

forecasts as (
    select * from {{ ref('segment_forecasts_by_date') }}
    where as_of_date = {{ as_of_date() }}
),

intervals as (
    select * from {{ ref('segment_forecast_intervals') }}
),

widened as (
    select
        forecasts.*,
        intervals.n_scored_months,
        forecasts.chance_deviation * intervals.width_score as half_width
    from forecasts
    left join intervals
        on
            forecasts.segment_set = intervals.segment_set
            and forecasts.as_of_date = intervals.as_of_date
            and forecasts.n_months_ahead = intervals.n_months_ahead
),

final as (
    select
        -- keys
        forecast_key,
        as_of_date,

        -- attributes
        segment_set,
        segment,
        n_months_ahead,
        forecast_date,
        case
            when forecast_customers is null
                then
                    'complete months of movement: '
                    || cast(n_history_months as {{ dbt.type_string() }})
                    || ', needed: {{ min_months }}'
        end as no_forecast_reason,

        -- measures
        n_history_months,
        n_customers,
        forecast_customers,
        forecast_entrants,
        case
            when half_width is not null
                then round(greatest(forecast_customers - half_width, 0), 6)
        end as lower_customers,
        round(forecast_customers + half_width, 6) as upper_customers
    from widened
)

select * from final
