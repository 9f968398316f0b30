-- Customers are counted in one pass; only then are pairs looked at.
with

customer_rule_segments as (
    select * from {{ ref('customer_rule_segments_by_date') }}
    where as_of_date = {{ as_of_date() }}
),

counted as (
    select
        {%- for rule, priority in rule_segment_priorities() %}
        coalesce(sum(case when is_{{ rule }} then 1 else 0 end), 0) as n_{{ rule }},
        {%- endfor %}
        {%- for rule, priority, other_rule, other_priority in rule_segment_pairs() %}
        coalesce(
            sum(case when is_{{ rule }} and is_{{ other_rule }} then 1 else 0 end), 0
        ) as n_pair_{{ loop.index }},
        {%- endfor %}
        count(*) as n_all
    from customer_rule_segments
),

pairs as (
    {{ unpivot_rule_segment_pairs('counted') }}
),

final as (
    select
        -- keys
        {{ hash_key(['segment', 'other_segment']) }} as overlap_key,
        {{ as_of_date() }} as as_of_date,

        -- attributes
        segment,
        other_segment,
        cast(priority_number as bigint) as priority_number,
        cast(other_priority_number as bigint) as other_priority_number,

        -- measures
        cast(n_customers as bigint) as n_customers,
        cast(n_other_customers as bigint) as n_other_customers,
        cast(n_shared_customers as bigint) as n_shared_customers,
        {{ safe_divide('n_shared_customers', 'n_customers') }} as shared_rate,
        {{ safe_divide('n_shared_customers', 'n_other_customers') }}
            as other_shared_rate,
        {{ safe_divide(
            'n_shared_customers', 'n_customers + n_other_customers - n_shared_customers'
        ) }} as jaccard_rate,
        case
            when n_customers > 0 and n_other_customers > 0
                then
                    cast(n_shared_customers as {{ type_double() }}) * n_all
                    / n_customers / n_other_customers
        end as lift
    from pairs
)

select * from final
