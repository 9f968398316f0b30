create table event_orders as
select *, md5(order_id) as order_key
from events_deduplicated
where event_name = 'Order Completed';

create table order_lines_unioned as
select
    order_key, order_id, line_id, user_key, product_id, product_name, channel,
    line_status, quantity, cast(quantity * unit_price as decimal(18, 4)) as line_amount,
    discount_amount, ordered_at, false as is_from_event
from order_lines_ranked
where copy_number = 1
union all
select
    order_key, order_id, null, user_key, null, null,
    case when device_type in ('mobile', 'tablet') then 'mobile' else 'web' end,
    'completed', coalesce(quantity, 1), revenue_amount, 0, occurred_at, true
from event_orders
where order_key not in (select order_key from order_lines_ranked);

create table fct_order_lines as
select
    order_lines_unioned.*,
    identifiers.customer_id,
    case
        when identifiers.customer_id is null then 'no_customer'
        when line_status = 'returned' then 'return'
        when quantity <= 0 then 'non_positive_quantity'
        when line_amount <= 0 then 'non_positive_price'
        else 'purchase'
    end as line_type,
    case when line_status <> 'completed' or quantity < 0 then 0 else line_amount end
        as gross_amount,
    case when line_status <> 'completed' or quantity < 0 then 0
        else order_lines_unioned.discount_amount end as given_amount,
    case
        when line_status <> 'completed' or quantity < 0
            then abs(line_amount) - abs(order_lines_unioned.discount_amount)
        else 0
    end as refund_amount,
    cast(ordered_at as date) as ordered_date
from order_lines_unioned
left join identifiers on order_lines_unioned.user_key = identifiers.key;

create table orders_aggregated as
select
    order_key,
    min(order_id) as order_id,
    min(customer_id) as customer_id,
    min(channel) as channel,
    max(cast(is_from_event as integer)) = 1 as is_from_event,
    count(*) as n_lines,
    sum(case when line_type = 'purchase' then quantity else 0 end)
        as purchased_quantity,
    sum(gross_amount) as gross_amount,
    sum(given_amount) as discount_amount,
    sum(refund_amount) as refund_amount,
    max(case when line_type = 'purchase' then 1 else 0 end) = 1 as is_purchase,
    coalesce(
        min(case when line_type = 'purchase' then ordered_at end), min(ordered_at)
    ) as ordered_at
from fct_order_lines
group by order_key;

create table fct_orders as
select
    orders_aggregated.* exclude (channel),
    case
        when
            orders_aggregated.channel = 'web'
            and event_orders.device_type in ('mobile', 'tablet')
            then 'mobile'
        else orders_aggregated.channel
    end as channel,
    case
        when orders_aggregated.is_from_event then 'events'
        when event_orders.order_key is not null then 'both'
        else 'orders'
    end as order_evidence,
    case when is_purchase then row_number() over (
        partition by customer_id, is_purchase
        order by orders_aggregated.ordered_at, orders_aggregated.order_key
    ) end as customer_order_number,
    cast(orders_aggregated.ordered_at as date) as ordered_date
from orders_aggregated
left join event_orders on orders_aggregated.order_key = event_orders.order_key;

create table dim_products as
select
    listed.*, sold.product_name as sold_name, sold.first_sold_at, sold.last_sold_at
from read_parquet(getvariable('products')) as listed
left join (
    select
        product_id, mode(product_name) as product_name,
        min(ordered_at) as first_sold_at, max(ordered_at) as last_sold_at
    from fct_order_lines
    group by product_id
) as sold on listed.product_id = sold.product_id;

create table dim_customers as
select
    known.*,
    coalesce(bought.n_orders, 0) as n_orders,
    coalesce(bought.n_orders, 0) > 0 as is_purchaser,
    bought.first_ordered_at,
    bought.last_ordered_at,
    visited.campaign_source as first_campaign_source,
    visited.campaign_medium as first_campaign_medium,
    visited.device_type as first_device_type
from (
    select
        customer_id,
        count(*) as n_identifiers,
        sum(case when type = 'anonymous_id' then 1 else 0 end) as n_devices,
        max(case when type <> 'anonymous_id' then 1 else 0 end) = 1 as is_identified,
        arg_min(case when type = 'user_id' then value end,
            case when type = 'user_id' then first_seen_at end) as user_id,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at
    from identifiers
    group by customer_id
) as known
left join (
    select
        customer_id,
        sum(case when is_purchase then 1 else 0 end) as n_orders,
        min(case when is_purchase then ordered_at end) as first_ordered_at,
        max(case when is_purchase then ordered_at end) as last_ordered_at
    from fct_orders
    group by customer_id
) as bought on known.customer_id = bought.customer_id
left join (
    select * from (
        select
            *, row_number() over (partition by customer_id order by started_at)
                as visit_number
        from fct_sessions
    )
    where visit_number = 1
) as visited on known.customer_id = visited.customer_id;
