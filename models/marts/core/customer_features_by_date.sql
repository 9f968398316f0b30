with

customers as (
    select * from {{ ref('dim_customers') }}
    where is_personalization_allowed
),

-- What is learned from customers is used to personalise, so it takes their consent.
customer_facts as (
    select * from {{ ref('customer_facts_by_date') }}
    where
        n_orders_window > 0
        and customer_id in (select customers.customer_id from customers)
),

order_lines as (
    select * from {{ ref('fct_order_lines') }}
    where line_type = 'purchase' and is_product
),

products as (
    select * from {{ ref('dim_products') }}
),

as_of_dates as (
    select * from {{ ref('dim_as_of_dates') }}
),

-- Of a category only its last day before a date counts, so that customers' categories
-- can be counted without telling them apart.
category_days as (
    select
        order_lines.customer_id,
        products.category,
        order_lines.ordered_date,
        coalesce(
            lead(order_lines.ordered_date) over (
                partition by order_lines.customer_id, products.category
                order by order_lines.ordered_date
            ),
            cast('9999-12-31' as date)
        ) as next_ordered_date
    from order_lines
    inner join products
        on order_lines.product_id = products.product_id
    where products.category is not null
    group by order_lines.customer_id, products.category, order_lines.ordered_date
),

categories_per_customer as (
    select
        as_of_dates.as_of_date,
        category_days.customer_id,
        count(*) as n_categories
    from category_days
    inner join as_of_dates
        on
            category_days.ordered_date < as_of_dates.as_of_date
            and category_days.next_ordered_date >= as_of_dates.as_of_date
            and category_days.ordered_date >= as_of_dates.window_start_date
    group by as_of_dates.as_of_date, category_days.customer_id
),

final as (
    select
        -- keys
        customer_facts.customer_date_key,
        customer_facts.as_of_date,
        customer_facts.customer_id,

        -- measures
        cast(customer_facts.recency_days as {{ type_double() }}) as recency_days,
        cast(customer_facts.n_orders_window as {{ type_double() }}) as n_orders,
        cast(customer_facts.net_amount_window as {{ type_double() }})
            as monetary_amount,
        cast(
            customer_facts.purchase_amount_window as {{ type_double() }}
        ) / customer_facts.n_orders_window as average_order_amount,
        cast(
            customer_facts.purchased_quantity_window as {{ type_double() }}
        ) / customer_facts.n_orders_window as units_per_order,
        cast(
            coalesce(categories_per_customer.n_categories, 0) as {{ type_double() }}
        ) as n_categories,
        {{ safe_divide(
            'customer_facts.discount_amount_window', 'customer_facts.gross_amount_window'
        ) }} as discount_rate,
        least({{ safe_divide(
            'customer_facts.refund_amount_window',
            'customer_facts.gross_amount_window - customer_facts.discount_amount_window'
        ) }}, 1) as refund_rate,
        cast(
            customer_facts.n_mobile_orders_window as {{ type_double() }}
        ) / customer_facts.n_orders_window as mobile_order_rate,
        cast(customer_facts.n_sessions_90d as {{ type_double() }}) as n_sessions,
        cast(customer_facts.n_product_views_90d as {{ type_double() }})
            as n_product_views,
        cast(customer_facts.tenure_days as {{ type_double() }}) as tenure_days
    from customer_facts
    left join categories_per_customer
        on
            customer_facts.as_of_date = categories_per_customer.as_of_date
            and customer_facts.customer_id = categories_per_customer.customer_id
)

select * from final
