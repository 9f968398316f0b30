{{ config(meta={'dagster': {'ref': {'name': 'segment_memberships'}}}) }}

-- Guards that every customer is counted once in every set: those of the facts, and
-- those who were there once. A customer who is missing from a set would vanish from its
-- shares.
with

segment_memberships as (
    select * from {{ ref('segment_memberships') }}
),

customer_facts as (
    select * from {{ ref('customer_facts_by_date') }}
    where as_of_date = {{ as_of_date() }}
),

segment_sets as (
    select segment_set
    from segment_memberships
    group by segment_set
),

customers as (
    select customer_id
    from customer_facts
    union distinct
    select customer_id
    from segment_memberships
),

memberships_per_customer_and_set as (
    select
        customer_id,
        segment_set,
        count(*) as n_memberships
    from segment_memberships
    group by customer_id, segment_set
),

-- Without any membership there is no set to miss.
customers_without_set as (
    select customer_facts.customer_id
    from customer_facts
    left join segment_memberships
        on customer_facts.customer_id = segment_memberships.customer_id
    where segment_memberships.customer_id is null
),

final as (
    select
        customers.customer_id,
        segment_sets.segment_set
    from customers
    cross join segment_sets
    left join memberships_per_customer_and_set
        on
            customers.customer_id = memberships_per_customer_and_set.customer_id
            and segment_sets.segment_set = memberships_per_customer_and_set.segment_set
    where coalesce(memberships_per_customer_and_set.n_memberships, 0) <> 1
    union all
    select
        customer_id,
        'any' as segment_set
    from customers_without_set
)

select * from final
