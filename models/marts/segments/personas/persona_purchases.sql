with

customer_clusters as (
    select * from {{ ref('customer_clusters') }}
),

order_lines as (
    select * from {{ ref('fct_order_lines') }}
    where is_purchase and is_product
),

orders as (
    select * from {{ ref('fct_orders') }}
    where is_purchase
),

products as (
    select * from {{ ref('dim_products') }}
    where category is not null
),

as_of_dates as (
    select * from {{ ref('dim_as_of_dates') }}
    where as_of_date = {{ as_of_date() }}
),

-- Each line has one customer and one product at most, so nothing fans out, and there
-- are far fewer clusters and categories than customers and products.
categories as (
    select
        customer_clusters.model_id,
        customer_clusters.cluster_number,
        products.category as value_name,
        count(*) as n_purchases,
        sum(order_lines.gross_amount - order_lines.discount_amount) as purchase_amount
    from order_lines
    inner join as_of_dates
        on
            order_lines.ordered_date < as_of_dates.as_of_date
            and order_lines.ordered_date >= as_of_dates.window_start_date
    inner join customer_clusters
        on order_lines.customer_id = customer_clusters.customer_id
    inner join products
        on order_lines.product_id = products.product_id
    group by
        customer_clusters.model_id,
        customer_clusters.cluster_number,
        products.category
),

-- 1 January 1900 was a Monday.
timed_orders as (
    select
        customer_clusters.model_id,
        customer_clusters.cluster_number,
        orders.ordered_date,
        {{ to_business_time('orders.ordered_at') }} as ordered_business_time,
        mod({{ dbt.datediff(
            "cast('1900-01-01' as date)", 'orders.ordered_date', 'day'
        ) }}, 7) as day_of_week,
        orders.gross_amount - orders.discount_amount as purchase_amount
    from orders
    inner join as_of_dates
        on
            orders.ordered_date < as_of_dates.as_of_date
            and orders.ordered_date >= as_of_dates.window_start_date
    inner join customer_clusters
        on orders.customer_id = customer_clusters.customer_id
),

weekdays as (
    select
        model_id,
        cluster_number,
        day_of_week,
        count(*) as n_purchases,
        sum(purchase_amount) as purchase_amount
    from timed_orders
    group by model_id, cluster_number, day_of_week
),

-- A source that knows days only puts its orders at midnight: that is no hour.
hours as (
    select
        model_id,
        cluster_number,
        extract(hour from ordered_business_time) as hour_of_day,
        count(*) as n_purchases,
        sum(purchase_amount) as purchase_amount
    from timed_orders
    where ordered_business_time <> cast(ordered_date as {{ dbt.type_timestamp() }})
    group by model_id, cluster_number, extract(hour from ordered_business_time)
),

unioned as (
    select
        model_id,
        cluster_number,
        'category' as dimension_type,
        value_name,
        0 as sort_number,
        n_purchases,
        purchase_amount,
        purchase_amount as weight
    from categories
    union all
    select
        model_id,
        cluster_number,
        'weekday' as dimension_type,
        case day_of_week
            when 0 then 'Monday'
            when 1 then 'Tuesday'
            when 2 then 'Wednesday'
            when 3 then 'Thursday'
            when 4 then 'Friday'
            when 5 then 'Saturday'
            else 'Sunday'
        end as value_name,
        day_of_week as sort_number,
        n_purchases,
        purchase_amount,
        n_purchases as weight
    from weekdays
    union all
    select
        model_id,
        cluster_number,
        'hour' as dimension_type,
        case when hour_of_day < 10 then '0' else '' end
        || cast(hour_of_day as {{ dbt.type_string() }}) as value_name,
        hour_of_day as sort_number,
        n_purchases,
        purchase_amount,
        n_purchases as weight
    from hours
),

shared as (
    select
        *,
        sum(weight) over (
            partition by model_id, cluster_number, dimension_type
        ) as weight_of_cluster,
        sum(weight) over (partition by model_id, dimension_type, value_name)
            as weight_of_value,
        sum(weight) over (partition by model_id, dimension_type) as weight_of_all,
        row_number() over (
            partition by model_id, cluster_number, dimension_type
            order by weight desc, sort_number asc, value_name asc
        ) as rank_number
    from unioned
),

final as (
    select
        -- keys
        {{ hash_key(['model_id', 'cluster_number', 'dimension_type', 'value_name']) }}
            as persona_purchase_key,
        {{ hash_key(['model_id', 'cluster_number']) }} as persona_key,
        model_id,
        {{ as_of_date() }} as as_of_date,

        -- attributes
        cluster_number,
        dimension_type,
        value_name,
        cast(rank_number as bigint) as rank_number,

        -- measures
        cast(n_purchases as bigint) as n_purchases,
        cast(purchase_amount as {{ type_amount() }}) as purchase_amount,
        {{ safe_divide('weight', 'weight_of_cluster') }} as share_rate,
        {{ safe_divide('weight_of_value', 'weight_of_all') }} as everyone_share_rate
    from shared
)

select * from final
