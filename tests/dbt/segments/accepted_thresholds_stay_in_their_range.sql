{{ config(meta={'dagster': {'ref': {'name': 'accepted_thresholds'}}}) }}

-- Guards the seed of accepted thresholds: each value is within the range that the seed
-- `tunable_thresholds` allows. `problem` says what was expected.
with

accepted_thresholds as (
    select * from {{ ref('accepted_thresholds') }}
),

tunable_thresholds as (
    select * from {{ ref('tunable_thresholds') }}
),

final as (
    select
        accepted_thresholds.threshold_name,
        accepted_thresholds.accepted_date,
        accepted_thresholds.threshold_value,
        'expected a number from '
        || cast(tunable_thresholds.min_value as {{ dbt.type_string() }}) || ' to '
        || cast(tunable_thresholds.max_value as {{ dbt.type_string() }}) as problem
    from accepted_thresholds
    inner join tunable_thresholds
        on accepted_thresholds.threshold_name = tunable_thresholds.threshold_name
    where
        accepted_thresholds.threshold_value < tunable_thresholds.min_value
        or accepted_thresholds.threshold_value > tunable_thresholds.max_value
)

select * from final
