with

customer_days as (
    select * from {{ ref('int_customer_days') }}
    where activity_date < {{ as_of_date() }}
),

months as (
    select * from {{ ref('dim_as_of_dates') }}
    where is_month_end
),

aggregated as (
    select
        cast({{ dbt.date_trunc('month', 'activity_date') }} as date) as activity_month,
        customer_id,
        sum(n_sessions) as n_sessions,
        sum(n_orders) as n_orders,
        count(purchase_date) as n_purchase_days,
        sum(purchase_amount) as purchase_amount,
        sum(refund_amount) as refund_amount,
        sum(gross_amount - discount_amount - refund_amount) as net_amount
    from customer_days
    group by cast({{ dbt.date_trunc('month', 'activity_date') }} as date), customer_id
),

final as (
    select
        -- keys
        aggregated.activity_month,
        aggregated.customer_id,

        -- measures
        cast(aggregated.n_sessions as bigint) as n_sessions,
        cast(aggregated.n_orders as bigint) as n_orders,
        cast(aggregated.n_purchase_days as bigint) as n_purchase_days,
        cast(aggregated.purchase_amount as {{ type_amount() }}) as purchase_amount,
        cast(aggregated.refund_amount as {{ type_amount() }}) as refund_amount,
        cast(aggregated.net_amount as {{ type_amount() }}) as net_amount,

        -- flags
        aggregated.n_sessions > 0 as has_session,
        aggregated.n_orders > 0 as has_purchase,
        months.activity_month is not null as is_month_complete
    from aggregated
    left join months
        on aggregated.activity_month = months.activity_month
)

select * from final
