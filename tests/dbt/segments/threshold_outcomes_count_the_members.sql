{{ config(meta={'dagster': {'ref': {'name': 'threshold_outcomes'}}}) }}

-- Guards that the tuner looks at the rules as they are: at each month-end the members
-- that it counts, by its own measure and condition, are those of the rule segment. A
-- rule that is changed here and not in `tunable_measures`, or a threshold that one of
-- the two lists lacks, would be tuned for what it is not.
with

threshold_outcomes as (
    select * from {{ ref('threshold_outcomes') }}
    where {{ changed_rows('as_of_date') }}
),

customer_rule_segments as (
    select * from {{ ref('customer_rule_segments_by_date') }}
    where {{ changed_rows('as_of_date') }}
),

month_ends as (
    select as_of_date
    from threshold_outcomes
    group by as_of_date
),

thresholds as (
    select * from {{ ref('dim_thresholds') }}
),

counted as (
    select
        threshold_name,
        as_of_date,
        sum(case when is_member then n_customers else 0 end) as n_found
    from threshold_outcomes
    group by threshold_name, as_of_date
),

sizes as (
    select
        {%- for rule in rule_segments() %}
        sum(case when customer_rule_segments.is_{{ rule }} then 1 else 0 end)
            as n_{{ rule }},
        {%- endfor %}
        customer_rule_segments.as_of_date
    from customer_rule_segments
    inner join month_ends
        on customer_rule_segments.as_of_date = month_ends.as_of_date
    group by customer_rule_segments.as_of_date
),

expected as (
    select
        thresholds.threshold_name,
        sizes.as_of_date,
        case thresholds.segment
            {%- for rule in rule_segments() %}
            when '{{ rule }}' then sizes.n_{{ rule }}
            {%- endfor %}
        end as n_expected
    from sizes
    cross join thresholds
),

final as (
    select
        expected.threshold_name,
        expected.as_of_date,
        expected.n_expected,
        counted.n_found
    from expected
    left join counted
        on
            expected.threshold_name = counted.threshold_name
            and expected.as_of_date = counted.as_of_date
    where coalesce(expected.n_expected, -1) <> coalesce(counted.n_found, 0)
)

select * from final
