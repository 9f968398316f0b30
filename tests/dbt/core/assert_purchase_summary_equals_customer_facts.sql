{{ config(meta={'dagster': {'ref': {'name': 'customer_purchase_summary'}}}) }}

-- Guards the two views of a purchase history against each other: who bought before the
-- as-of date is in both, with the same days.
with

purchase_summary as (
    select * from {{ ref('customer_purchase_summary') }}
),

customer_facts as (
    select * from {{ ref('customer_facts') }}
    where n_purchase_days > 0
),

final as (
    select
        purchase_summary.customer_id,
        customer_facts.customer_id as facts_customer_id
    from purchase_summary
    full outer join customer_facts
        on purchase_summary.customer_id = customer_facts.customer_id
    where
        purchase_summary.customer_id is null
        or customer_facts.customer_id is null
        or purchase_summary.n_repeat_purchase_days + 1 <> customer_facts.n_purchase_days
        or purchase_summary.first_purchase_date <> customer_facts.first_purchase_date
        or purchase_summary.last_purchase_date <> customer_facts.last_purchase_date
        or purchase_summary.age_days
        <> purchase_summary.first_to_last_purchase_days
        + customer_facts.recency_days - 1
)

select * from final
