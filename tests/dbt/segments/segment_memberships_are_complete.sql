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

sets as (
    select count(distinct segment_set) as n_sets
    from segment_memberships
),

-- No customer has two memberships in one set: the table's key is tested.
memberships_per_customer as (
    select
        customer_id,
        count(*) as n_memberships
    from segment_memberships
    group by customer_id
),

customers_outside_a_set as (
    select memberships_per_customer.customer_id
    from memberships_per_customer
    cross join sets
    where memberships_per_customer.n_memberships <> sets.n_sets
),

-- Without any membership there is no set to miss.
customers_without_set as (
    select customer_facts.customer_id
    from customer_facts
    left join memberships_per_customer
        on customer_facts.customer_id = memberships_per_customer.customer_id
    where memberships_per_customer.customer_id is null
),

final as (
    select customer_id from customers_outside_a_set
    union all
    select customer_id from customers_without_set
)

select * from final
