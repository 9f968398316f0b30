with

customer_days as (
    select * from {{ ref('int_customer_days') }}
),

as_of_dates as (
    select * from {{ ref('dim_as_of_dates') }}
),

aged as (
    select
        as_of_dates.as_of_date,
        customer_days.*,
        customer_days.activity_date >= as_of_dates.window_start_date as is_in_window,
        {{ dbt.datediff(
            'customer_days.activity_date', 'as_of_dates.as_of_date', 'day'
        ) }} as days_before
    from as_of_dates
    inner join customer_days
        on as_of_dates.as_of_date > customer_days.activity_date
),

aggregated as (
    select
        as_of_date,
        customer_id,
        min(activity_date) as first_active_date,
        max(activity_date) as last_active_date,
        min(purchase_date) as first_purchase_date,
        max(purchase_date) as last_purchase_date,
        max(previous_purchase_date) as previous_purchase_date,
        count(purchase_date) as n_purchase_days,
        sum(n_orders) as n_orders,
        sum(purchased_quantity) as purchased_quantity,
        sum(gross_amount) as gross_amount,
        sum(discount_amount) as discount_amount,
        sum(refund_amount) as refund_amount,
        sum(case when is_in_window then n_orders else 0 end) as n_orders_window,
        sum(case when is_in_window then purchased_quantity else 0 end)
            as purchased_quantity_window,
        sum(case when is_in_window then n_mobile_orders else 0 end)
            as n_mobile_orders_window,
        sum(case when is_in_window then purchase_amount else 0 end)
            as purchase_amount_window,
        sum(case when is_in_window then gross_amount else 0 end)
            as gross_amount_window,
        sum(case when is_in_window then discount_amount else 0 end)
            as discount_amount_window,
        sum(case when is_in_window then refund_amount else 0 end)
            as refund_amount_window,
        sum(case when days_before <= 30 then n_orders else 0 end) as n_orders_30d,
        sum(case when days_before <= 30 then n_mobile_orders else 0 end)
            as n_mobile_orders_30d,
        sum(case when days_before <= 7 then n_sessions else 0 end) as n_sessions_7d,
        sum(case when days_before <= 30 then n_sessions else 0 end) as n_sessions_30d,
        sum(case when days_before <= 90 then n_sessions else 0 end) as n_sessions_90d,
        sum(case when days_before <= 90 then n_product_views else 0 end)
            as n_product_views_90d,
        sum(case when days_before <= 30 then n_products_added else 0 end)
            as n_products_added_30d
    from aged
    group by as_of_date, customer_id
),

final as (
    select
        -- keys
        {{ hash_key(['as_of_date', 'customer_id']) }} as customer_date_key,
        as_of_date,
        customer_id,

        -- measures
        cast(
            {{ dbt.datediff(
                'first_active_date', 'as_of_date', 'day'
            ) }} as bigint
        ) as tenure_days,
        cast(
            {{ dbt.datediff(
                'last_purchase_date', 'as_of_date', 'day'
            ) }} as bigint
        ) as recency_days,
        cast(n_purchase_days as bigint) as n_purchase_days,
        cast(n_orders as bigint) as n_orders,
        cast(purchased_quantity as {{ type_amount() }}) as purchased_quantity,
        cast(gross_amount as {{ type_amount() }}) as gross_amount,
        cast(discount_amount as {{ type_amount() }}) as discount_amount,
        cast(refund_amount as {{ type_amount() }}) as refund_amount,
        cast(gross_amount - discount_amount - refund_amount as {{ type_amount() }})
            as net_amount,
        cast(n_orders_window as bigint) as n_orders_window,
        cast(purchased_quantity_window as {{ type_amount() }})
            as purchased_quantity_window,
        cast(n_mobile_orders_window as bigint) as n_mobile_orders_window,
        cast(purchase_amount_window as {{ type_amount() }}) as purchase_amount_window,
        cast(gross_amount_window as {{ type_amount() }}) as gross_amount_window,
        cast(discount_amount_window as {{ type_amount() }}) as discount_amount_window,
        cast(refund_amount_window as {{ type_amount() }}) as refund_amount_window,
        cast(
            gross_amount_window - discount_amount_window - refund_amount_window
            as {{ type_amount() }}
        ) as net_amount_window,
        cast(n_orders_30d as bigint) as n_orders_30d,
        cast(n_mobile_orders_30d as bigint) as n_mobile_orders_30d,
        cast(n_sessions_7d as bigint) as n_sessions_7d,
        cast(n_sessions_30d as bigint) as n_sessions_30d,
        cast(n_sessions_90d as bigint) as n_sessions_90d,
        cast(n_product_views_90d as bigint) as n_product_views_90d,
        cast(n_products_added_30d as bigint) as n_products_added_30d,

        -- times
        first_active_date,
        last_active_date,
        first_purchase_date,
        previous_purchase_date,
        last_purchase_date
    from aggregated
)

select * from final
