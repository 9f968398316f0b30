{{ config(meta={'dagster': {'ref': {'name': 'tunable_thresholds'}}}) }}

-- Guards the seed of tunable thresholds: each names a threshold and measure of the
-- macro `tunable_measures` and a rule segment, and has a range in steps that the tuner
-- can walk; and each of the macro is in the seed. `problem` says what to mend.
with

tunable_thresholds as (
    select * from {{ ref('tunable_thresholds') }}
),

measures as (
    {%- for name, measure, value, condition in tunable_measures() %}
    select
        '{{ name }}' as threshold_name,
        '{{ measure }}' as measure_name
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

rules as (
    {{ segment_sets(rule_segments()) }}
),

final as (
    select
        coalesce(tunable_thresholds.threshold_name, measures.threshold_name)
            as threshold_name,
        case
            when tunable_thresholds.threshold_name is null
                then 'add a row to seeds/tunable_thresholds.csv'
            when measures.threshold_name is null
                then 'add the threshold and its measure to macros/tunable_measures.sql'
            when rules.segment_set is null
                then 'segment: expected the name of a rule segment'
            when tunable_thresholds.step_value <= 0
                then 'step_value: expected a number above 0'
            when tunable_thresholds.min_value >= tunable_thresholds.max_value
                then 'min_value: expected a number below max_value'
        end as problem
    from tunable_thresholds
    full outer join measures
        on
            tunable_thresholds.threshold_name = measures.threshold_name
            and tunable_thresholds.measure_name = measures.measure_name
    left join rules
        on tunable_thresholds.segment = rules.segment_set
)

select * from final
where problem is not null
