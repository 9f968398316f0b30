with

tunable_thresholds as (
    select * from {{ ref('tunable_thresholds') }}
),

all_accepted_thresholds as (
    select * from {{ ref('accepted_thresholds') }}
),

accepted_thresholds as (
    {{ newest_accepted_thresholds('all_accepted_thresholds') }}
),

defaults as (
    {{ threshold_defaults() }}
),

final as (
    select
        -- keys
        tunable_thresholds.threshold_name,

        -- attributes
        tunable_thresholds.segment,
        tunable_thresholds.measure_name,
        tunable_thresholds.outcome_name,
        tunable_thresholds.direction,
        accepted_thresholds.proposal_id,

        -- measures
        cast(
            coalesce(accepted_thresholds.threshold_value, defaults.default_value)
            as {{ type_double() }}
        ) as threshold_value,
        cast(defaults.default_value as {{ type_double() }}) as default_value,
        cast(tunable_thresholds.min_value as {{ type_double() }}) as min_value,
        cast(tunable_thresholds.max_value as {{ type_double() }}) as max_value,
        cast(tunable_thresholds.step_value as {{ type_double() }}) as step_value,

        -- flags
        accepted_thresholds.threshold_name is not null as is_accepted,

        -- times
        accepted_thresholds.accepted_date
    from tunable_thresholds
    left join defaults
        on
            tunable_thresholds.threshold_name = defaults.threshold_name
            and tunable_thresholds.measure_name = defaults.measure_name
    left join accepted_thresholds
        on tunable_thresholds.threshold_name = accepted_thresholds.threshold_name
)

select * from final
