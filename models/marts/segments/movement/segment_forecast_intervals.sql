-- How far forecasts missed before tells how far one may miss now: split conformal
-- prediction, with misses measured in what chance alone would have them be.
with

segment_forecasts as (
    select * from {{ ref('segment_forecasts_by_date') }}
    where forecast_customers is not null
),

segment_forecast_outcomes as (
    select * from {{ ref('segment_forecast_outcomes') }}
),

forecasts as (
    select
        segment_set,
        as_of_date,
        n_months_ahead
    from segment_forecasts
    group by segment_set, as_of_date, n_months_ahead
),

-- Known when the forecast was made.
known_scores as (
    select
        forecasts.segment_set,
        forecasts.as_of_date,
        forecasts.n_months_ahead,
        segment_forecast_outcomes.as_of_date as scored_as_of_date,
        segment_forecast_outcomes.deviation_score,
        row_number() over (
            partition by
                forecasts.segment_set, forecasts.as_of_date, forecasts.n_months_ahead
            order by
                segment_forecast_outcomes.deviation_score,
                segment_forecast_outcomes.forecast_key
        ) as score_number
    from forecasts
    inner join segment_forecast_outcomes
        on
            forecasts.segment_set = segment_forecast_outcomes.segment_set
            and forecasts.n_months_ahead = segment_forecast_outcomes.n_months_ahead
            and forecasts.as_of_date >= segment_forecast_outcomes.forecast_date
),

counted as (
    select
        segment_set,
        as_of_date,
        n_months_ahead,
        count(distinct scored_as_of_date) as n_scored_months,
        count(*) as n_scores
    from known_scores
    group by segment_set, as_of_date, n_months_ahead
),

-- Of n scores the one of rank ⌈(n + 1) · rate⌉ holds for the next with that rate at
-- least. Segments of a month miss together, so months have to be enough for it too.
final as (
    select
        -- keys
        {{ hash_key([
            'known_scores.segment_set',
            'known_scores.as_of_date',
            'known_scores.n_months_ahead',
        ]) }} as interval_key,
        known_scores.as_of_date,

        -- attributes
        known_scores.segment_set,
        known_scores.n_months_ahead,

        -- measures
        cast(counted.n_scored_months as bigint) as n_scored_months,
        known_scores.deviation_score as width_score
    from known_scores
    inner join counted
        on
            known_scores.segment_set = counted.segment_set
            and known_scores.as_of_date = counted.as_of_date
            and known_scores.n_months_ahead = counted.n_months_ahead
            and known_scores.score_number
            = ceil((counted.n_scores + 1) * {{ var('forecast_interval_rate') }})
    where
        ceil((counted.n_scored_months + 1) * {{ var('forecast_interval_rate') }})
        <= counted.n_scored_months
)

select * from final
