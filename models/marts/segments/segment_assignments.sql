-- What SQL alone assigns, for every as-of date, in the one shape of a membership.
with

customer_facts as (
    select * from {{ ref('customer_facts_by_date') }}
),

customer_rfm as (
    select * from {{ ref('customer_rfm_by_date') }}
),

customer_lifecycle as (
    select * from {{ ref('customer_lifecycle_by_date') }}
),

rfm_assignments as (
    select
        customer_facts.as_of_date,
        customer_facts.customer_id,
        'rfm' as segment_set,
        coalesce(customer_rfm.segment, 'none') as segment
    from customer_facts
    left join customer_rfm
        on customer_facts.customer_date_key = customer_rfm.customer_date_key
),

lifecycle_assignments as (
    select
        as_of_date,
        customer_id,
        'lifecycle' as segment_set,
        segment
    from customer_lifecycle
),

rule_assignments as (
    {{ unpivot_rule_segments(ref('customer_rule_segments_by_date')) }}
),

final as (
    select * from rfm_assignments
    union all
    select * from lifecycle_assignments
    union all
    select * from rule_assignments
)

select * from final
