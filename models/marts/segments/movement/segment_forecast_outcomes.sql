with

segment_forecasts as (
    select * from {{ ref('segment_forecasts_by_date') }}
    where forecast_customers is not null and segment <> 'merged'
),

segment_transitions as (
    select * from {{ ref('segment_transitions') }}
    where is_month_complete and to_segment <> 'merged'
),

found_segments as (
    select
        segment_set,
        as_of_date,
        to_segment as segment,
        sum(n_customers) as n_customers
    from segment_transitions
    group by segment_set, as_of_date, to_segment
),

found_dates as (
    select
        segment_set,
        as_of_date
    from found_segments
    group by segment_set, as_of_date
),

due_forecasts as (
    select segment_forecasts.*
    from segment_forecasts
    inner join found_dates
        on
            segment_forecasts.segment_set = found_dates.segment_set
            and segment_forecasts.forecast_date = found_dates.as_of_date
),

due_dates as (
    select
        segment_set,
        as_of_date,
        n_months_ahead,
        forecast_date,
        n_history_months
    from due_forecasts
    group by
        segment_set,
        as_of_date,
        n_months_ahead,
        forecast_date,
        n_history_months
),

-- A segment that nobody foresaw was missed as a whole.
due_segments as (
    select
        segment_set,
        as_of_date,
        n_months_ahead,
        segment
    from due_forecasts
    union distinct
    select
        due_dates.segment_set,
        due_dates.as_of_date,
        due_dates.n_months_ahead,
        found_segments.segment
    from due_dates
    inner join found_segments
        on
            due_dates.segment_set = found_segments.segment_set
            and due_dates.forecast_date = found_segments.as_of_date
),

compared as (
    select
        due_segments.*,
        due_dates.forecast_date,
        due_dates.n_history_months,
        coalesce(due_forecasts.n_customers, 0) as n_customers_before,
        coalesce(found_segments.n_customers, 0) as n_customers,
        coalesce(due_forecasts.forecast_customers, 0) as forecast_customers,
        coalesce(due_forecasts.steady_share_customers, 0) as steady_share_customers,
        coalesce(due_forecasts.chance_deviation, 1) as chance_deviation
    from due_segments
    inner join due_dates
        on
            due_segments.segment_set = due_dates.segment_set
            and due_segments.as_of_date = due_dates.as_of_date
            and due_segments.n_months_ahead = due_dates.n_months_ahead
    left join due_forecasts
        on
            due_segments.segment_set = due_forecasts.segment_set
            and due_segments.as_of_date = due_forecasts.as_of_date
            and due_segments.n_months_ahead = due_forecasts.n_months_ahead
            and due_segments.segment = due_forecasts.segment
    left join found_segments
        on
            due_segments.segment_set = found_segments.segment_set
            and due_dates.forecast_date = found_segments.as_of_date
            and due_segments.segment = found_segments.segment
),

final as (
    select
        -- keys
        {{ hash_key([
            'segment_set', 'as_of_date', 'n_months_ahead', 'segment'
        ]) }} as forecast_key,
        as_of_date,

        -- attributes
        segment_set,
        segment,
        n_months_ahead,
        forecast_date,

        -- measures
        n_history_months,
        cast(n_customers_before as bigint) as n_customers_before,
        cast(n_customers as bigint) as n_customers,
        forecast_customers,
        steady_share_customers,
        round(abs(forecast_customers - n_customers), 6) as absolute_error,
        cast(abs(n_customers_before - n_customers) as {{ type_double() }})
            as naive_absolute_error,
        round(abs(steady_share_customers - n_customers), 6)
            as steady_share_absolute_error,
        cast(
            round(abs(forecast_customers - n_customers) / chance_deviation, 6)
            as {{ type_double() }}
        ) as deviation_score
    from compared
)

select * from final
