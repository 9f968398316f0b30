{{ config(materialized='view') }}

-- What SQL alone assigns, for every as-of date, in the one shape of a membership.
with

prospects as (
    select * from {{ ref('customer_facts_by_date') }}
    where n_orders = 0
),

customer_rfm as (
    select * from {{ ref('customer_rfm_by_date') }}
),

customer_lifecycle as (
    select * from {{ ref('customer_lifecycle_by_date') }}
),

rfm_assignments as (
    select
        as_of_date,
        customer_id,
        'rfm' as segment_set,
        segment
    from customer_rfm
    union all
    select
        as_of_date,
        customer_id,
        'rfm' as segment_set,
        'none' as segment
    from prospects
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
