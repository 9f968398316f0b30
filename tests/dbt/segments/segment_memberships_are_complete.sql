{{ config(meta={'dagster': {'ref': {'name': 'segment_memberships'}}}) }}

-- Guards that every customer is counted once in every set: those of the facts, and
-- those who were there once. A customer who is missing from a set would vanish from its
-- shares. Only of a set that is no more newer customers have no row.
with

segment_memberships as {{ not_materialized() }} (
    select * from {{ ref('segment_memberships') }}
),

customer_facts as (
    select * from {{ ref('customer_facts_by_date') }}
    where as_of_date = {{ as_of_date() }}
),

sets as (
    {{ segment_sets(['rfm', 'lifecycle', 'cluster'] + rule_segments()) }}
),

-- No customer has two memberships in one set: the table's key is tested.
found as (
    select
        segment_set,
        count(*) as n_members,
        {{ checksum('customer_id') }} as members
    from segment_memberships
    group by segment_set
),

everybody as (
    select * from found
    where segment_set = 'lifecycle'
),

sets_without_a_customer as (
    select sets.segment_set
    from sets
    left join found
        on sets.segment_set = found.segment_set
    left join everybody
        on
            found.n_members = everybody.n_members
            and found.members = everybody.members
    where everybody.segment_set is null
),

stages as (
    select * from segment_memberships
    where segment_set = 'lifecycle'
),

-- Without any customer there is no set to miss.
customers_without_stage as (
    select customer_facts.customer_id
    from customer_facts
    left join stages
        on customer_facts.customer_id = stages.customer_id
    where stages.customer_id is null
),

final as (
    select
        segment_set,
        null as customer_id
    from sets_without_a_customer
    where exists (select 1 from customer_facts)
    union all
    select
        'lifecycle' as segment_set,
        customer_id
    from customers_without_stage
)

select * from final
