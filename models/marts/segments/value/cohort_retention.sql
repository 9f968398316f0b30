with

purchase_summary as (
    select * from {{ ref('customer_purchase_summary') }}
),

customer_months as (
    select * from {{ ref('customer_months') }}
),

months as (
    select * from {{ ref('dim_as_of_dates') }}
    where is_month_end
),

cohort_members as (
    select
        customer_id,
        cast({{ dbt.date_trunc('month', 'first_purchase_date') }} as date)
            as cohort_month
    from purchase_summary
),

cohorts as (
    select
        cohort_month,
        count(*) as n_customers
    from cohort_members
    group by cohort_month
),

-- What a customer returned before the first purchase is of no cohort.
activity as (
    select
        cohort_members.cohort_month,
        customer_months.activity_month,
        sum(case when customer_months.has_purchase then 1 else 0 end) as n_purchasers,
        sum(customer_months.n_orders) as n_orders,
        sum(customer_months.net_amount) as net_amount
    from customer_months
    inner join cohort_members
        on
            customer_months.customer_id = cohort_members.customer_id
            and customer_months.activity_month >= cohort_members.cohort_month
    group by cohort_members.cohort_month, customer_months.activity_month
),

-- Every finished month of every cohort, with purchases or without.
triangle as (
    select
        cohorts.cohort_month,
        months.activity_month,
        cohorts.n_customers,
        coalesce(activity.n_purchasers, 0) as n_purchasers,
        coalesce(activity.n_orders, 0) as n_orders,
        coalesce(activity.net_amount, 0) as net_amount
    from cohorts
    inner join months
        on cohorts.cohort_month <= months.activity_month
    left join activity
        on
            cohorts.cohort_month = activity.cohort_month
            and months.activity_month = activity.activity_month
),

cumulated as (
    select
        *,
        sum(net_amount) over (
            partition by cohort_month
            order by activity_month
        ) as cumulative_net_amount
    from triangle
),

final as (
    select
        -- keys
        {{ hash_key(['cohort_month', 'activity_month']) }} as cohort_month_key,
        cohort_month,
        activity_month,

        -- measures
        cast(
            {{ dbt.datediff(
                'cohort_month', 'activity_month', 'month'
            ) }} as bigint
        ) as months_since_first_purchase,
        cast(n_customers as bigint) as n_customers,
        cast(n_purchasers as bigint) as n_purchasers,
        cast(n_purchasers as {{ type_double() }}) / n_customers as retention_rate,
        cast(n_orders as bigint) as n_orders,
        cast(net_amount as {{ type_amount() }}) as net_amount,
        cast(cumulative_net_amount as {{ type_amount() }}) as cumulative_net_amount,
        cast(cumulative_net_amount / n_customers as {{ type_amount() }})
            as cumulative_net_amount_per_customer
    from cumulated
)

select * from final
