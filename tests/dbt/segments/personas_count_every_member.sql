{{ config(meta={'dagster': {'ref': {'name': 'personas'}}}) }}

-- Guards that personas are of all clustered customers and their money, each once.
with

customer_clusters as (
    select * from {{ ref('customer_clusters') }}
),

customer_facts as (
    select * from {{ ref('customer_facts') }}
),

personas as (
    select * from {{ ref('personas') }}
),

members as (
    select
        count(*) as n_customers,
        coalesce(sum(customer_facts.net_amount_window), 0) as net_amount,
        coalesce(sum(customer_facts.n_orders_window), 0) as n_orders
    from customer_clusters
    left join customer_facts
        on customer_clusters.customer_id = customer_facts.customer_id
),

counted as (
    select
        coalesce(sum(n_customers), 0) as n_customers,
        coalesce(sum(net_amount), 0) as net_amount,
        coalesce(sum(n_orders), 0) as n_orders
    from personas
),

final as (
    select
        members.n_customers as n_members,
        counted.n_customers,
        members.net_amount as member_net_amount,
        counted.net_amount,
        members.n_orders as n_member_orders,
        counted.n_orders
    from members
    cross join counted
    where
        members.n_customers <> counted.n_customers
        or members.net_amount <> counted.net_amount
        or members.n_orders <> counted.n_orders
)

select * from final
