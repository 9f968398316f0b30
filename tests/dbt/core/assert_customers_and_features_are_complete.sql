{{ config(meta={'dagster': {'ref': {'name': 'customer_features'}}}) }}

-- Guards who is in a mart: dim_customers counts each customer's orders, holds every
-- customer that identity knows, and says of each what customer_consents says of
-- personalization; customer_features holds exactly the purchasers of the
-- window who may be personalised for.
with

identifiers as (
    select * from {{ ref('int_customer_identifiers') }}
),

orders as (
    select * from {{ ref('fct_orders') }}
    where is_purchase
),

customers as {{ not_materialized() }} (
    select * from {{ ref('dim_customers') }}
),

-- Whoever isn't here may be: both marts have a row of everybody.
refusing_customers as (
    select * from {{ ref('customer_consents') }}
    where purpose = 'personalization' and not is_allowed
),

window_purchasers as (
    select * from {{ ref('customer_facts') }}
    where
        n_orders_window > 0
        and customer_id in (
            select customers.customer_id from customers
            where customers.is_personalization_allowed
        )
),

features as (
    select * from {{ ref('customer_features') }}
),

differences as (
    select
        customer_id,
        'dim_customers' as model_name,
        1 as n_expected,
        0 as n_found
    from identifiers
    group by customer_id
    union all
    select
        customer_id,
        'dim_customers' as model_name,
        0 as n_expected,
        1 as n_found
    from customers
    union all
    select
        customer_id,
        'dim_customers.n_orders' as model_name,
        1 as n_expected,
        0 as n_found
    from orders
    union all
    select
        customer_id,
        'dim_customers.n_orders' as model_name,
        0 as n_expected,
        n_orders as n_found
    from customers
    union all
    select
        customer_id,
        'dim_customers.is_personalization_allowed' as model_name,
        1 as n_expected,
        0 as n_found
    from refusing_customers
    union all
    select
        customer_id,
        'dim_customers.is_personalization_allowed' as model_name,
        0 as n_expected,
        1 as n_found
    from customers
    where not is_personalization_allowed
    union all
    select
        customer_id,
        'customer_features' as model_name,
        1 as n_expected,
        0 as n_found
    from window_purchasers
    union all
    select
        customer_id,
        'customer_features' as model_name,
        0 as n_expected,
        1 as n_found
    from features
),

final as (
    select
        model_name,
        customer_id,
        sum(n_expected) as n_expected,
        sum(n_found) as n_found
    from differences
    group by model_name, customer_id
    having sum(n_expected) <> sum(n_found)
)

select * from final
