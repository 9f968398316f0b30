{{ config(meta={'dagster': {'ref': {'name': 'segment_performance'}}}) }}

-- Guards that the segments of a set are a partition of a month: they sum to its orders,
-- purchasers, visitors and money, and, without newcomers, to the customers known at its
-- start.
with

segment_performance as (
    select * from {{ ref('segment_performance') }}
),

customer_months as (
    select * from {{ ref('customer_months') }}
),

customer_facts as (
    select * from {{ ref('customer_facts_by_date') }}
),

months as (
    select
        activity_month,
        sum(n_orders) as n_orders,
        sum(case when has_purchase then 1 else 0 end) as n_purchasers,
        sum(case when has_session then 1 else 0 end) as n_visitors,
        sum(net_amount) as net_amount
    from customer_months
    where is_month_complete
    group by activity_month
),

known as (
    select
        as_of_date,
        count(*) as n_known
    from customer_facts
    group by as_of_date
),

summed as (
    select
        performance_month,
        segment_set,
        sum(case when is_known_at_start then n_customers else 0 end) as n_known,
        sum(n_orders) as n_orders,
        sum(n_purchasers) as n_purchasers,
        sum(n_visitors) as n_visitors,
        sum(net_amount) as net_amount
    from segment_performance
    group by performance_month, segment_set
),

compared as (
    select
        summed.*,
        known.n_known as n_known_there,
        coalesce(months.n_orders, 0) as n_orders_there,
        coalesce(months.n_purchasers, 0) as n_purchasers_there,
        coalesce(months.n_visitors, 0) as n_visitors_there,
        coalesce(months.net_amount, 0) as net_amount_there
    from summed
    left join months
        on summed.performance_month = months.activity_month
    left join known
        on summed.performance_month = known.as_of_date
),

wrong_sums as (
    select
        performance_month,
        segment_set
    from compared
    where
        n_known_there is null
        or n_known <> n_known_there
        or n_orders <> n_orders_there
        or n_purchasers <> n_purchasers_there
        or n_visitors <> n_visitors_there
        or net_amount <> net_amount_there
),

-- A finished month at whose start somebody was known has a row.
missing_months as (
    select
        months.activity_month as performance_month,
        'all' as segment_set
    from months
    inner join known
        on months.activity_month = known.as_of_date
    left join summed
        on months.activity_month = summed.performance_month
    where summed.performance_month is null
),

final as (
    select * from wrong_sums
    union all
    select * from missing_months
)

select * from final
