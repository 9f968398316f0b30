{{ config(meta={'dagster': {'ref': {'name': 'customer_months'}}}) }}

-- Guards that months hold every order, session and amount of a customer before the
-- as-of date, each in its month: counted in the facts themselves.
with

customer_months as (
    select * from {{ ref('customer_months') }}
),

orders as (
    select * from {{ ref('fct_orders') }}
    where
        is_purchase
        and customer_id is not null
        and ordered_date < {{ as_of_date() }}
),

order_lines as (
    select * from {{ ref('fct_order_lines') }}
    where customer_id is not null and ordered_date < {{ as_of_date() }}
),

sessions as (
    select * from {{ ref('fct_sessions') }}
    where customer_id is not null and started_date < {{ as_of_date() }}
),

facts as (
    select
        cast({{ dbt.date_trunc('month', 'ordered_date') }} as date) as activity_month,
        count(*) as n_orders,
        0 as n_sessions,
        0 as net_amount
    from orders
    group by cast({{ dbt.date_trunc('month', 'ordered_date') }} as date)
    union all
    select
        cast({{ dbt.date_trunc('month', 'started_date') }} as date) as activity_month,
        0 as n_orders,
        count(*) as n_sessions,
        0 as net_amount
    from sessions
    group by cast({{ dbt.date_trunc('month', 'started_date') }} as date)
    union all
    select
        cast({{ dbt.date_trunc('month', 'ordered_date') }} as date) as activity_month,
        0 as n_orders,
        0 as n_sessions,
        sum(net_amount) as net_amount
    from order_lines
    group by cast({{ dbt.date_trunc('month', 'ordered_date') }} as date)
),

expected as (
    select
        activity_month,
        sum(n_orders) as n_orders,
        sum(n_sessions) as n_sessions,
        sum(net_amount) as net_amount
    from facts
    group by activity_month
),

found as (
    select
        activity_month,
        sum(n_orders) as n_orders,
        sum(n_sessions) as n_sessions,
        sum(net_amount) as net_amount
    from customer_months
    group by activity_month
),

final as (
    select
        coalesce(expected.activity_month, found.activity_month) as activity_month,
        expected.n_orders,
        found.n_orders as n_orders_found,
        expected.n_sessions,
        found.n_sessions as n_sessions_found,
        expected.net_amount,
        found.net_amount as net_amount_found
    from expected
    full outer join found
        on expected.activity_month = found.activity_month
    where
        expected.activity_month is null
        or found.activity_month is null
        or expected.n_orders <> found.n_orders
        or expected.n_sessions <> found.n_sessions
        or expected.net_amount <> found.net_amount
)

select * from final
