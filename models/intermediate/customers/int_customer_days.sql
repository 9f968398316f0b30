with

order_lines as (
    select * from {{ ref('int_order_lines_valued') }}
    where customer_id is not null
),

orders as (
    select * from {{ ref('int_orders') }}
    where is_purchase
),

sessions as (
    select * from {{ ref('int_sessions') }}
    where customer_id is not null
),

order_days as (
    select
        customer_id,
        ordered_date as activity_date,
        count(*) as n_orders,
        sum(case when channel = 'mobile' then 1 else 0 end) as n_mobile_orders
    from orders
    group by customer_id, ordered_date
),

line_days as (
    select
        customer_id,
        ordered_date as activity_date,
        sum(case when line_type = 'purchase' then quantity else 0 end)
            as purchased_quantity,
        sum(
            case
                when line_type = 'purchase' then gross_amount - discount_amount
                else 0
            end
        ) as purchase_amount,
        sum(gross_amount) as gross_amount,
        sum(discount_amount) as discount_amount,
        sum(refund_amount) as refund_amount
    from order_lines
    group by customer_id, ordered_date
),

session_days as (
    select
        customer_id,
        started_date as activity_date,
        count(*) as n_sessions,
        sum(n_product_views) as n_product_views,
        sum(n_products_added) as n_products_added
    from sessions
    group by customer_id, started_date
),

activity_days as (
    select
        customer_id,
        activity_date
    from line_days
    union distinct
    select
        customer_id,
        activity_date
    from order_days
    union distinct
    select
        customer_id,
        activity_date
    from session_days
),

joined as (
    select
        activity_days.customer_id,
        activity_days.activity_date,
        coalesce(order_days.n_orders, 0) as n_orders,
        coalesce(order_days.n_mobile_orders, 0) as n_mobile_orders,
        coalesce(line_days.purchased_quantity, 0) as purchased_quantity,
        coalesce(line_days.purchase_amount, 0) as purchase_amount,
        coalesce(line_days.gross_amount, 0) as gross_amount,
        coalesce(line_days.discount_amount, 0) as discount_amount,
        coalesce(line_days.refund_amount, 0) as refund_amount,
        coalesce(session_days.n_sessions, 0) as n_sessions,
        coalesce(session_days.n_product_views, 0) as n_product_views,
        coalesce(session_days.n_products_added, 0) as n_products_added
    from activity_days
    left join order_days
        on
            activity_days.customer_id = order_days.customer_id
            and activity_days.activity_date = order_days.activity_date
    left join line_days
        on
            activity_days.customer_id = line_days.customer_id
            and activity_days.activity_date = line_days.activity_date
    left join session_days
        on
            activity_days.customer_id = session_days.customer_id
            and activity_days.activity_date = session_days.activity_date
),

-- Purchase days know the one before, whatever happened between them.
final as (
    select
        *,
        case when n_orders > 0 then activity_date end as purchase_date,
        case
            when n_orders > 0
                then lag(activity_date) over (
                    partition by customer_id, case when n_orders > 0 then 1 else 0 end
                    order by activity_date
                )
        end as previous_purchase_date
    from joined
)

select * from final
