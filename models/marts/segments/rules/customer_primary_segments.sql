{{ config(materialized='view') }}

with

customer_rule_segments as (
    select * from {{ ref('customer_rule_segments_by_date') }}
    where as_of_date = {{ as_of_date() }}
),

final as (
    select
        -- keys
        customer_id,
        as_of_date,

        -- attributes
        case
            {%- for rule, priority in rule_segment_priorities() %}
            when is_{{ rule }} then '{{ rule }}'
            {%- endfor %}
            else 'none'
        end as segment,

        -- measures
        cast(
            case
                {%- for rule, priority in rule_segment_priorities() %}
                when is_{{ rule }} then {{ priority }}
                {%- endfor %}
            end as bigint
        ) as priority_number,
        cast(
            0
            {%- for rule, priority in rule_segment_priorities() %}
            + case when is_{{ rule }} then 1 else 0 end
            {%- endfor %} as bigint
        ) as n_rule_segments
    from customer_rule_segments
)

select * from final
