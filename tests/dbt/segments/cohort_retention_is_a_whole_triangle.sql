{{ config(meta={'dagster': {'ref': {'name': 'cohort_retention'}}}) }}

-- Guards that a cohort has every finished month from its own on, that all of it bought
-- in the first, and that cohorts sum to the purchasers and orders of every month.
with

cohort_retention as (
    select * from {{ ref('cohort_retention') }}
),

customer_months as (
    select * from {{ ref('customer_months') }}
    where is_month_complete and has_purchase
),

as_of_dates as (
    select * from {{ ref('dim_as_of_dates') }}
    where is_month_end
),

-- Months are counted here from one to the other, where the model joins them.
newest as (
    select max(activity_month) as newest_month
    from as_of_dates
),

cohorts as (
    select
        cohort_month,
        count(*) as n_months,
        max(activity_month) as last_month,
        min(case when months_since_first_purchase = 0 then retention_rate end)
            as first_retention_rate
    from cohort_retention
    group by cohort_month
),

broken_cohorts as (
    select cohorts.cohort_month as wrong_month
    from cohorts
    cross join newest
    where
        cohorts.last_month <> newest.newest_month
        or cohorts.n_months
        <> {{ dbt.datediff(
            'cohorts.cohort_month', 'newest.newest_month', 'month'
        ) }} + 1
        or coalesce(cohorts.first_retention_rate, 0) <> 1
),

purchasers as (
    select
        activity_month,
        count(*) as n_purchasers,
        sum(n_orders) as n_orders
    from customer_months
    group by activity_month
),

summed as (
    select
        activity_month,
        sum(n_purchasers) as n_purchasers,
        sum(n_orders) as n_orders
    from cohort_retention
    group by activity_month
),

uncounted_months as (
    select coalesce(purchasers.activity_month, summed.activity_month) as wrong_month
    from purchasers
    full outer join summed
        on purchasers.activity_month = summed.activity_month
    where
        coalesce(purchasers.n_purchasers, 0) <> coalesce(summed.n_purchasers, 0)
        or coalesce(purchasers.n_orders, 0) <> coalesce(summed.n_orders, 0)
),

final as (
    select wrong_month from broken_cohorts
    union all
    select wrong_month from uncounted_months
)

select * from final
