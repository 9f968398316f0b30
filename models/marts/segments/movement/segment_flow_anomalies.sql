-- A flow is held against what it was in the months before alone. Rates are compared by
-- the arcsine of their root, which chance spreads alike at every level: of n customers
-- by 1 / (2 √n) (Anscombe 1948). Medians throughout: one odd month doesn't spoil the
-- next ones.
with

segment_transitions as (
    select * from {{ ref('segment_transitions') }}
    where is_month_complete
),

-- Entrants came from nowhere, so they are no part of a segment's flows.
moves as (
    select
        segment_set,
        as_of_date,
        transition_month,
        from_segment,
        to_segment,
        n_customers - n_entrants as n_customers
    from segment_transitions
    where n_customers > n_entrants
),

origins as (
    select
        segment_set,
        as_of_date,
        transition_month,
        from_segment,
        sum(n_customers) as n_from_customers
    from moves
    group by segment_set, as_of_date, transition_month, from_segment
),

flows as (
    select
        segment_set,
        from_segment,
        to_segment
    from moves
    group by segment_set, from_segment, to_segment
),

-- A month in which nobody made a move has a rate, too: 0.
rates as (
    select
        origins.segment_set,
        origins.as_of_date,
        origins.transition_month,
        origins.from_segment,
        flows.to_segment,
        origins.n_from_customers,
        coalesce(moves.n_customers, 0) as n_customers,
        {{ safe_divide('coalesce(moves.n_customers, 0)', 'origins.n_from_customers') }}
            as transition_rate
    from origins
    inner join flows
        on
            origins.segment_set = flows.segment_set
            and origins.from_segment = flows.from_segment
    left join moves
        on
            origins.segment_set = moves.segment_set
            and origins.as_of_date = moves.as_of_date
            and origins.from_segment = moves.from_segment
            and flows.to_segment = moves.to_segment
),

scaled as (
    select
        *,
        asin(sqrt(transition_rate)) as scaled_rate
    from rates
),

levels as (
    select
        scaled.segment_set,
        scaled.as_of_date,
        scaled.from_segment,
        scaled.to_segment,
        {{ median('earlier.scaled_rate') }} as scaled_level,
        sum(earlier.n_from_customers) as n_earlier_customers,
        count(*) as n_history_months
    from scaled
    inner join scaled as earlier
        on
            scaled.segment_set = earlier.segment_set
            and scaled.from_segment = earlier.from_segment
            and scaled.to_segment = earlier.to_segment
            and scaled.as_of_date > earlier.as_of_date
    group by
        scaled.segment_set,
        scaled.as_of_date,
        scaled.from_segment,
        scaled.to_segment
    having count(*) >= {{ var('flow_min_history_months') }}
),

-- 1.4826 median absolute deviations are a standard deviation.
spreads as (
    select
        levels.segment_set,
        levels.as_of_date,
        levels.from_segment,
        levels.to_segment,
        1.4826 * {{ median('abs(scaled.scaled_rate - levels.scaled_level)') }}
            as scaled_spread
    from levels
    inner join scaled
        on
            levels.segment_set = scaled.segment_set
            and levels.from_segment = scaled.from_segment
            and levels.to_segment = scaled.to_segment
            and levels.as_of_date > scaled.as_of_date
    group by
        levels.segment_set,
        levels.as_of_date,
        levels.from_segment,
        levels.to_segment
),

expected as (
    select
        scaled.*,
        levels.n_history_months,
        levels.scaled_level,
        spreads.scaled_spread,
        sqrt(
            0.25 / scaled.n_from_customers + 0.25 / levels.n_earlier_customers
        ) as chance_spread,
        sin(levels.scaled_level) * sin(levels.scaled_level) as expected_rate,
        sin(levels.scaled_level) * sin(levels.scaled_level) * scaled.n_from_customers
            as expected_customers
    from scaled
    inner join levels
        on
            scaled.segment_set = levels.segment_set
            and scaled.as_of_date = levels.as_of_date
            and scaled.from_segment = levels.from_segment
            and scaled.to_segment = levels.to_segment
    inner join spreads
        on
            scaled.segment_set = spreads.segment_set
            and scaled.as_of_date = spreads.as_of_date
            and scaled.from_segment = spreads.from_segment
            and scaled.to_segment = spreads.to_segment
),

usual_spreads as (
    select
        as_of_date,
        {{ median('scaled_spread') }} as usual_spread
    from expected
    where expected_customers >= {{ var('flow_min_customers') }}
    group by as_of_date
),

-- So few months may look steadier than they are. No flow is taken to be steadier than
-- chance lets it be, nor than flows usually are.
scored as (
    select
        expected.*,
        (expected.scaled_rate - expected.scaled_level) / greatest(
            expected.scaled_spread,
            expected.chance_spread,
            coalesce(usual_spreads.usual_spread, 0)
        ) as deviation_score
    from expected
    left join usual_spreads
        on expected.as_of_date = usual_spreads.as_of_date
),

-- By what share a flow changed; of staying, by what share leaving did: a segment that
-- keeps 60% instead of 80% loses twice as many.
changed as (
    select
        *,
        case
            when from_segment = to_segment then 1 - expected_rate else expected_rate
        end as compared_rate
    from scored
),

final as (
    select
        -- keys
        {{ hash_key(['segment_set', 'as_of_date', 'from_segment', 'to_segment']) }}
            as transition_key,
        as_of_date,

        -- attributes
        transition_month,
        segment_set,
        from_segment,
        to_segment,
        case
            when
                abs(deviation_score) < {{ var('flow_max_deviation_score') }}
                or abs(transition_rate - expected_rate)
                < {{ var('flow_min_change_rate') }} * compared_rate
                or abs(n_customers - expected_customers)
                < {{ var('flow_min_customers') }}
                then 'none'
            when deviation_score > 0 then 'spike'
            else 'drop'
        end as anomaly_type,

        -- measures
        cast(n_history_months as bigint) as n_history_months,
        cast(n_from_customers as bigint) as n_from_customers,
        cast(n_customers as bigint) as n_customers,
        cast(round(expected_customers, 6) as {{ type_double() }}) as expected_customers,
        transition_rate,
        cast(round(expected_rate, 9) as {{ type_double() }}) as expected_rate,
        cast(round(deviation_score, 6) as {{ type_double() }}) as deviation_score
    from changed
)

select * from final
