create table customer_days as
select
    customer_id,
    activity_date,
    sum(n_orders) as n_orders,
    sum(n_mobile_orders) as n_mobile_orders,
    sum(purchased_quantity) as purchased_quantity,
    sum(purchase_amount) as purchase_amount,
    sum(gross_amount) as gross_amount,
    sum(discount_amount) as discount_amount,
    sum(refund_amount) as refund_amount,
    sum(n_sessions) as n_sessions,
    sum(n_product_views) as n_product_views,
    sum(n_products_added) as n_products_added
from (
    select
        customer_id, ordered_date as activity_date, 0 as n_orders,
        0 as n_mobile_orders,
        case when line_type = 'purchase' then quantity else 0 end as purchased_quantity,
        case when line_type = 'purchase' then gross_amount - given_amount else 0 end
            as purchase_amount,
        gross_amount, given_amount as discount_amount, refund_amount,
        0 as n_sessions, 0 as n_product_views, 0 as n_products_added
    from fct_order_lines where customer_id is not null
    union all
    select
        customer_id, ordered_date, 1, case when channel = 'mobile' then 1 else 0 end,
        0, 0, 0, 0, 0, 0, 0, 0
    from fct_orders where is_purchase and customer_id is not null
    union all
    select
        customer_id, started_date, 0, 0, 0, 0, 0, 0, 0, 1,
        n_product_views, n_products_added
    from fct_sessions
)
group by customer_id, activity_date;

create table customer_days_lagged as
select
    *,
    case when n_orders > 0 then activity_date end as purchase_date,
    case when n_orders > 0 then lag(activity_date) over (
        partition by customer_id, n_orders > 0 order by activity_date
    ) end as previous_purchase_date
from customer_days;

create table dim_as_of_dates as
select as_of_date, as_of_date - 365 as window_start_date
from (
    select cast(unnest(generate_series(
        cast(date_trunc('month', min(activity_date)) + interval 1 month as timestamp),
        cast(getvariable('as_of') as timestamp), interval 1 month
    )) as date) as as_of_date
    from customer_days
    union
    select cast(getvariable('as_of') as date)
);

create table customer_facts_by_date as
select
    md5(as_of_date || '|' || customer_id) as customer_date_key,
    *,
    as_of_date - first_active_date as tenure_days,
    as_of_date - last_purchase_date as recency_days,
    gross_amount - discount_amount - refund_amount as net_amount,
    gross_amount_window - discount_amount_window - refund_amount_window
        as net_amount_window
from (
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
        sum(case when in_window then n_orders else 0 end) as n_orders_window,
        sum(case when in_window then purchased_quantity else 0 end)
            as purchased_quantity_window,
        sum(case when in_window then n_mobile_orders else 0 end)
            as n_mobile_orders_window,
        sum(case when in_window then purchase_amount else 0 end)
            as purchase_amount_window,
        sum(case when in_window then gross_amount else 0 end) as gross_amount_window,
        sum(case when in_window then discount_amount else 0 end)
            as discount_amount_window,
        sum(case when in_window then refund_amount else 0 end) as refund_amount_window,
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
    from (
        select
            dim_as_of_dates.as_of_date,
            customer_days_lagged.activity_date >= dim_as_of_dates.window_start_date
                as in_window,
            dim_as_of_dates.as_of_date - customer_days_lagged.activity_date
                as days_before,
            customer_days_lagged.*
        from dim_as_of_dates
        inner join customer_days_lagged
            on dim_as_of_dates.as_of_date > customer_days_lagged.activity_date
    )
    group by as_of_date, customer_id
);

create table customer_features_by_date as
select
    facts.customer_date_key,
    facts.as_of_date,
    facts.customer_id,
    facts.recency_days,
    facts.n_orders_window as n_orders,
    facts.net_amount_window as monetary_amount,
    cast(facts.purchase_amount_window as double) / facts.n_orders_window
        as average_order_amount,
    cast(facts.purchased_quantity_window as double) / facts.n_orders_window
        as units_per_order,
    coalesce(categories.n_categories, 0) as n_categories,
    coalesce(
        cast(facts.discount_amount_window as double)
        / nullif(cast(facts.gross_amount_window as double), 0), 0
    ) as discount_rate,
    least(coalesce(
        cast(facts.refund_amount_window as double) / nullif(cast(
            facts.gross_amount_window - facts.discount_amount_window as double
        ), 0), 0
    ), 1) as refund_rate,
    cast(facts.n_mobile_orders_window as double) / facts.n_orders_window
        as mobile_order_rate,
    facts.n_sessions_90d as n_sessions,
    facts.n_product_views_90d as n_product_views,
    facts.tenure_days
from customer_facts_by_date as facts
left join (
    select
        dim_as_of_dates.as_of_date, fct_order_lines.customer_id,
        count(distinct dim_products.category) as n_categories
    from fct_order_lines
    inner join dim_products on fct_order_lines.product_id = dim_products.product_id
    inner join dim_as_of_dates
        on
            fct_order_lines.ordered_date < dim_as_of_dates.as_of_date
            and fct_order_lines.ordered_date >= dim_as_of_dates.window_start_date
    where fct_order_lines.line_type = 'purchase'
    group by dim_as_of_dates.as_of_date, fct_order_lines.customer_id
) as categories
    on
        facts.as_of_date = categories.as_of_date
        and facts.customer_id = categories.customer_id
where facts.n_orders_window > 0;
