{% set horizon = var('forecast_months_ahead') -%}
-- One forecast from each month-end and one from the as-of date, all made in the same
-- way from the months before: what the past ones missed tells how good the last one is.
with

segment_transitions as (
    select * from {{ ref('segment_transitions') }}
    where is_month_complete
),

history as {{ not_materialized() }} (
    select * from {{ ref('snap_segment_memberships') }}
    where dbt_valid_to is null and segment_set <> 'cluster'
),

-- The snapshot's current rows too, less whoever withdrew.
customer_clusters as (
    select * from {{ ref('customer_segments') }}
    where segment_set = 'cluster'
),

months_ahead as (
    select generated_number as n_months_ahead
    from ({{ dbt.generate_series(horizon) }}) as numbers
),

-- In the month in which a set begins, everybody enters it: that month tells nothing of
-- movement, nor of how many customers will come.
months as (
    select
        segment_set,
        as_of_date
    from segment_transitions
    group by segment_set, as_of_date
    having sum(n_customers - n_entrants) > 0
),

sizes_at_month_ends as (
    select
        segment_set,
        as_of_date,
        to_segment as segment,
        sum(n_customers) as n_customers
    from segment_transitions
    group by segment_set, as_of_date, to_segment
),

sizes as (
    select
        segment_set,
        as_of_date,
        segment,
        n_customers
    from sizes_at_month_ends
    where as_of_date < {{ as_of_date() }}
    union all
    select
        segment_set,
        {{ as_of_date() }} as as_of_date,
        segment,
        count(*) as n_customers
    from history
    group by segment_set, segment
    union all
    select
        segment_set,
        {{ as_of_date() }} as as_of_date,
        segment,
        count(*) as n_customers
    from customer_clusters
    group by segment_set, segment
),

origins as (
    select
        segment_set,
        as_of_date
    from sizes
    group by segment_set, as_of_date
),

months_before as (
    select
        origins.segment_set,
        origins.as_of_date,
        months.as_of_date as month_end_date,
        row_number() over (
            partition by origins.segment_set, origins.as_of_date
            order by months.as_of_date desc
        ) as month_number
    from origins
    inner join months
        on
            origins.segment_set = months.segment_set
            and origins.as_of_date >= months.as_of_date
),

months_used as (
    select
        *,
        count(*) over (partition by segment_set, as_of_date) as n_months
    from months_before
    where month_number <= {{ var('forecast_history_months') }}
),

flows as (
    select
        months_used.segment_set,
        months_used.as_of_date,
        months_used.n_months,
        segment_transitions.from_segment,
        segment_transitions.to_segment,
        sum(segment_transitions.n_customers - segment_transitions.n_entrants)
            as n_movers,
        sum(segment_transitions.n_entrants) as n_entrants
    from months_used
    inner join segment_transitions
        on
            months_used.segment_set = segment_transitions.segment_set
            and months_used.month_end_date = segment_transitions.as_of_date
    group by
        months_used.segment_set,
        months_used.as_of_date,
        months_used.n_months,
        segment_transitions.from_segment,
        segment_transitions.to_segment
),

histories as (
    select
        origins.segment_set,
        origins.as_of_date,
        count(months_used.month_end_date) as n_history_months
    from origins
    left join months_used
        on
            origins.segment_set = months_used.segment_set
            and origins.as_of_date = months_used.as_of_date
    group by origins.segment_set, origins.as_of_date
),

rates as (
    select
        segment_set,
        as_of_date,
        from_segment,
        to_segment,
        cast(n_movers as {{ type_double() }}) / sum(n_movers) over (
            partition by segment_set, as_of_date, from_segment
        ) as transition_rate
    from flows
    where n_movers > 0
),

entrants as (
    select
        segment_set,
        as_of_date,
        to_segment as segment,
        cast(sum(n_entrants) as {{ type_double() }}) / max(n_months) as n_entrants
    from flows
    group by segment_set, as_of_date, to_segment
    having sum(n_entrants) > 0
),

segments as (
    select
        segment_set,
        as_of_date,
        to_segment as segment
    from flows
    union distinct
    select
        segment_set,
        as_of_date,
        segment
    from sizes
),

-- Whoever is in a segment that nobody came from in those months is taken to stay.
complete_rates as (
    select * from rates
    union all
    select
        segments.segment_set,
        segments.as_of_date,
        segments.segment as from_segment,
        segments.segment as to_segment,
        1.0 as transition_rate
    from segments
    left join rates
        on
            segments.segment_set = rates.segment_set
            and segments.as_of_date = rates.as_of_date
            and segments.segment = rates.from_segment
    where rates.from_segment is null
),

-- Rates over so many months: the matrix of rates to the power of their number.
power_0 as (
    select
        segment_set,
        as_of_date,
        segment as from_segment,
        segment as to_segment,
        cast(1 as {{ type_double() }}) as transition_rate
    from segments
),

{% for n_months in range(1, horizon + 1) -%}
power_{{ n_months }} as (
    select
        power_{{ n_months - 1 }}.segment_set,
        power_{{ n_months - 1 }}.as_of_date,
        power_{{ n_months - 1 }}.from_segment,
        complete_rates.to_segment,
        sum(
            power_{{ n_months - 1 }}.transition_rate * complete_rates.transition_rate
        ) as transition_rate
    from power_{{ n_months - 1 }}
    inner join complete_rates
        on
            power_{{ n_months - 1 }}.segment_set = complete_rates.segment_set
            and power_{{ n_months - 1 }}.as_of_date = complete_rates.as_of_date
            and power_{{ n_months - 1 }}.to_segment = complete_rates.from_segment
    group by
        power_{{ n_months - 1 }}.segment_set,
        power_{{ n_months - 1 }}.as_of_date,
        power_{{ n_months - 1 }}.from_segment,
        complete_rates.to_segment
),

{% endfor -%}
powers as (
    select
        0 as n_months,
        power_0.*
    from power_0
    {% for n_months in range(1, horizon + 1) -%}
    union all
    select
        {{ n_months }} as n_months,
        power_{{ n_months }}.*
    from power_{{ n_months }}
    {% endfor %}
),

-- Each member goes where they go without regard to the others, so that chance alone
-- lets the number who arrive vary by the variance of a binomial.
members_ahead as (
    select
        powers.segment_set,
        powers.as_of_date,
        powers.n_months as n_months_ahead,
        powers.to_segment as segment,
        sum(sizes.n_customers * powers.transition_rate) as n_customers,
        sum(
            sizes.n_customers * powers.transition_rate * (1 - powers.transition_rate)
        ) as variance
    from powers
    inner join sizes
        on
            powers.segment_set = sizes.segment_set
            and powers.as_of_date = sizes.as_of_date
            and powers.from_segment = sizes.segment
    group by
        powers.segment_set,
        powers.as_of_date,
        powers.n_months,
        powers.to_segment
),

-- Who enters in the last month ahead has not moved yet, who enters in the first has
-- moved all the others.
entrants_ahead as (
    select
        powers.segment_set,
        powers.as_of_date,
        months_ahead.n_months_ahead,
        powers.to_segment as segment,
        sum(entrants.n_entrants * powers.transition_rate) as n_entrants
    from powers
    inner join months_ahead
        on powers.n_months < months_ahead.n_months_ahead
    inner join entrants
        on
            powers.segment_set = entrants.segment_set
            and powers.as_of_date = entrants.as_of_date
            and powers.from_segment = entrants.segment
    group by
        powers.segment_set,
        powers.as_of_date,
        months_ahead.n_months_ahead,
        powers.to_segment
),

segments_ahead as (
    select
        segments.segment_set,
        segments.as_of_date,
        segments.segment,
        histories.n_history_months,
        months_ahead.n_months_ahead,
        cast({{ dbt.dateadd(
            'month', 'months_ahead.n_months_ahead', 'segments.as_of_date'
        ) }} as date) as forecast_date
    from segments
    inner join histories
        on
            segments.segment_set = histories.segment_set
            and segments.as_of_date = histories.as_of_date
    cross join months_ahead
),

counted as (
    select
        segments_ahead.*,
        segments_ahead.n_history_months >= {{ var('forecast_min_history_months') }}
            as has_forecast,
        coalesce(sizes.n_customers, 0) as n_customers,
        coalesce(members_ahead.n_customers, 0) as n_members_ahead,
        coalesce(members_ahead.variance, 0) as member_variance,
        coalesce(entrants_ahead.n_entrants, 0) as n_entrants_ahead
    from segments_ahead
    left join sizes
        on
            segments_ahead.segment_set = sizes.segment_set
            and segments_ahead.as_of_date = sizes.as_of_date
            and segments_ahead.segment = sizes.segment
    left join members_ahead
        on
            segments_ahead.segment_set = members_ahead.segment_set
            and segments_ahead.as_of_date = members_ahead.as_of_date
            and segments_ahead.segment = members_ahead.segment
            and segments_ahead.n_months_ahead = members_ahead.n_months_ahead
    left join entrants_ahead
        on
            segments_ahead.segment_set = entrants_ahead.segment_set
            and segments_ahead.as_of_date = entrants_ahead.as_of_date
            and segments_ahead.segment = entrants_ahead.segment
            and segments_ahead.n_months_ahead = entrants_ahead.n_months_ahead
),

-- What stands in for a month's news where there is none: each segment keeps its share.
summed as (
    select
        *,
        sum(n_customers) over (
            partition by segment_set, as_of_date, n_months_ahead
        ) as n_customers_all,
        sum(n_entrants_ahead) over (
            partition by segment_set, as_of_date, n_months_ahead
        ) as n_entrants_all
    from counted
),

-- Entrants vary by chance as a count does, by the variance of a Poisson number; and no
-- forecast is surer than one customer.
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
        cast(n_months_ahead as bigint) as n_months_ahead,
        forecast_date,

        -- measures
        cast(n_history_months as bigint) as n_history_months,
        cast(n_customers as bigint) as n_customers,
        case
            when has_forecast
                then cast(
                    round(n_members_ahead + n_entrants_ahead, 6) as {{ type_double() }}
                )
        end as forecast_customers,
        case
            when has_forecast
                then cast(round(n_entrants_ahead, 6) as {{ type_double() }})
        end as forecast_entrants,
        case
            when has_forecast
                then cast(
                    round(
                        n_customers
                        + {{ safe_divide(
                            'n_customers * n_entrants_all', 'n_customers_all'
                        ) }},
                        6
                    ) as {{ type_double() }}
                )
        end as steady_share_customers,
        case
            when has_forecast
                then cast(
                    round(sqrt(greatest(member_variance + n_entrants_ahead, 1)), 6)
                    as {{ type_double() }}
                )
        end as chance_deviation
    from summed
)

select * from final
