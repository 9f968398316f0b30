{{ config(meta={'dagster': {'ref': {'name': 'segment_flow_anomalies'}}}) }}

-- Guards that all customers of a segment that is judged are in its flows, as many as
-- `segment_transitions` has less entrants, and that expected rates are rates.
with

anomalies as (
    select * from {{ ref('segment_flow_anomalies') }}
),

segment_transitions as (
    select * from {{ ref('segment_transitions') }}
),

moved as (
    select
        segment_set,
        as_of_date,
        from_segment,
        sum(n_customers - n_entrants) as n_customers
    from segment_transitions
    group by segment_set, as_of_date, from_segment
),

judged as (
    select
        segment_set,
        as_of_date,
        from_segment,
        max(n_from_customers) as n_from_customers,
        sum(n_customers) as n_customers,
        min(expected_rate) as min_expected_rate,
        max(expected_rate) as max_expected_rate
    from anomalies
    group by segment_set, as_of_date, from_segment
),

final as (
    select
        judged.segment_set,
        judged.as_of_date,
        judged.from_segment
    from judged
    left join moved
        on
            judged.segment_set = moved.segment_set
            and judged.as_of_date = moved.as_of_date
            and judged.from_segment = moved.from_segment
    where
        judged.n_customers <> coalesce(moved.n_customers, 0)
        or judged.n_customers <> judged.n_from_customers
        or judged.min_expected_rate < 0
        or judged.max_expected_rate > 1
)

select * from final
