-- The best that one hand-written DuckDB script can do: the same tables as the project's,
-- straight from the landing files. Keys are eight-byte integers, wide rows are written
-- once and never sorted, one window tells copies and sessions. What the script of one
-- more day (`script_day.sql`) does to fewer rows is a macro.
--
-- Variables: events, order_lines, products (globs), as_of (date).

-- Events, every record with what is wrong with it.
create or replace macro landed_events(files, after_id) as table
with

landed as (
    select
        filename,
        file_row_number,
        nullif(trim("messageId"), '') as message_id,
        nullif(trim("anonymousId"), '') as anonymous_id,
        nullif(trim("userId"), '') as user_id,
        nullif(lower(trim(context.traits.email)), '') as email,
        lower("type") as event_type,
        nullif(trim("event"), '') as track_name,
        nullif(trim("name"), '') as page_name,
        try_cast("timestamp" as timestamp) as occurred_at,
        try_cast("receivedAt" as timestamp) as received_at,
        context."userAgent" as user_agent,
        split_part(context.page.path, '?', 1) as page_path,
        split_part(context.page.referrer, '?', 1) as page_referrer,
        lower(context.campaign.source) as campaign_source,
        lower(context.campaign.medium) as campaign_medium,
        context.campaign.name as campaign_name,
        lower(context.device.type) as device_type,
        upper(context.location.country) as country_code,
        nullif(trim(properties.product_id), '') as product_id,
        properties.category as category,
        properties.currency as currency_code,
        cast(properties.price as decimal(18, 4)) as price_amount,
        cast(properties.quantity as decimal(18, 4)) as quantity,
        nullif(trim(properties.order_id), '') as order_id,
        cast(properties.revenue as decimal(18, 4)) as revenue_amount
    from read_parquet(
        files, filename = true, file_row_number = true
    )
),

-- Reads the one column again, so that wide rows are not kept meanwhile.
agents as (
    select distinct context."userAgent" as user_agent
    from read_parquet(files)
),

robots as (
    select user_agent
    from agents
    where regexp_matches(
        lower(user_agent),
        'bot|crawler|spider|slurp|headless|phantomjs|lighthouse|pingdom|uptimerobot'
        '|facebookexternalhit|python-requests|curl/|wget/'
    )
)

select
    after_id + row_number() over () as event_id,
    hash(message_id) as event_key,
    coalesce(hash(anonymous_id, 1), hash(user_id, 2)) as device_key,
    case when user_id is not null then hash(user_id, 2) end as user_key,
    case when email like '%_@_%._%' then hash(email, 3) end as email_key,
    case event_type when 'track' then track_name else coalesce(page_name, event_type) end
        as event_name,
    case
        when message_id is null then 'missing_id'
        when anonymous_id is null and user_id is null then 'missing_identity'
        when occurred_at is null then 'unparseable_timestamp'
        when occurred_at > coalesce(received_at, current_timestamp) + interval 24 hours
            then 'future_timestamp'
        when event_type not in ('track', 'page', 'screen', 'identify', 'alias', 'group')
            then 'unknown_type'
        when event_type = 'track' and track_name is null then 'missing_event_name'
        when user_agent in (select user_agent from robots) then 'bot'
    end as reject_reason,
    * exclude (track_name, page_name, email)
from landed;

create table events as from landed_events(getvariable('events'), 0);

create view stream_events as
select
    event_id, event_key, device_key, user_key, occurred_at, received_at,
    cast(null as ubigint) as known_before
from events
where reject_reason is null;

-- One window over narrow rows: a copy follows its original at the same time, a session
-- starts after a gap or with another user.
create or replace macro sessionized() as table
with

neighbours as (
    select
        event_id,
        device_key,
        occurred_at,
        user_key,
        known_before,
        event_key = lag(event_key) over stream
        and occurred_at = lag(occurred_at) over stream as is_copy,
        lag(occurred_at) over stream as previous_at,
        last_value(user_key ignore nulls) over (
            stream rows between unbounded preceding and 1 preceding
        ) as previous_user
    from stream_events
    window stream as (
        partition by device_key order by occurred_at, event_key, received_at
    )
),

marked as (
    select
        event_id,
        device_key,
        occurred_at,
        coalesce(user_key, previous_user, known_before) as known_user_key,
        coalesce(is_copy, false) as is_copy,
        case
            when
                previous_at is null
                or occurred_at > previous_at + interval 30 minutes
                or user_key <> coalesce(previous_user, known_before)
                then event_id
        end as started_by
    from neighbours
)

select
    event_id,
    device_key,
    known_user_key,
    is_copy,
    last_value(started_by ignore nulls) over (
        partition by device_key
        order by occurred_at, started_by is null
        rows between unbounded preceding and current row
    ) as session_id
from marked;

create table event_sessions as from sessionized();

create view sessionized_events as from event_sessions;

create or replace macro sessions_of() as table
with

joined as (
    select
        event_sessions.session_id,
        event_sessions.device_key,
        events.user_key,
        events.event_type,
        events.event_name,
        events.occurred_at,
        events.event_id,
        events.campaign_source
    from sessionized_events as event_sessions
    inner join events on event_sessions.event_id = events.event_id
    where not event_sessions.is_copy
),

aggregated as (
    select
        session_id,
        any_value(device_key) as device_key,
        max(user_key) as user_key,
        min(occurred_at) as started_at,
        max(occurred_at) as ended_at,
        arg_min(event_id, occurred_at) filter (campaign_source is not null)
            as campaign_event_id,
        count(*) as n_events,
        count(*) filter (event_type in ('page', 'screen')) as n_page_views,
        count(*) filter (event_name = 'Product Viewed') as n_product_views,
        count(*) filter (event_name = 'Product Added') as n_products_added,
        count(*) filter (event_name = 'Checkout Started') as n_checkouts_started,
        count(*) filter (event_name = 'Order Completed') as n_orders_completed
    from joined
    group by session_id
)

select
    aggregated.* exclude (user_key, campaign_event_id),
    coalesce(aggregated.user_key, first_ones.known_user_key) as user_key,
    events.device_type,
    events.page_path as landing_page_path,
    events.page_referrer,
    campaigns.campaign_source,
    campaigns.campaign_medium,
    campaigns.campaign_name,
    cast(aggregated.started_at as date) as started_date
from aggregated
inner join events on aggregated.session_id = events.event_id
inner join sessionized_events as first_ones on aggregated.session_id = first_ones.event_id
left join events as campaigns on aggregated.campaign_event_id = campaigns.event_id;

create table sessions as from sessions_of();

-- Order lines, and the orders that only events know.
create or replace macro landed_lines(files) as table
select
    filename,
    file_row_number,
    hash(order_id, 4) as order_key,
    order_id,
    line_id,
    case when nullif(trim(customer_id), '') is not null then hash(trim(customer_id), 2) end
        as user_key,
    nullif(trim(customer_id), '') as user_id,
    product_id,
    product_name,
    lower(channel) as channel,
    coalesce(lower(line_status), 'completed') as line_status,
    coalesce(currency_code, 'USD') as currency_code,
    cast(quantity as decimal(18, 4)) as quantity,
    cast(unit_price as decimal(18, 4)) as unit_price,
    coalesce(cast(discount_amount as decimal(18, 4)), 0) as discount_amount,
    try_cast(ordered_at as timestamp) as ordered_at,
    case
        when try_cast(ordered_at as timestamp) is null then 'unparseable_timestamp'
        when try_cast(quantity as decimal(18, 4)) is null then 'unparseable_quantity'
        when try_cast(unit_price as decimal(18, 4)) is null then 'missing_price'
    end as reject_reason,
    row_number() over (partition by order_id, line_id order by filename) as copy_number
from read_parquet(files, filename = true, file_row_number = true);

create table landed_order_lines as from landed_lines(getvariable('order_lines'));

-- Identity: what was met together.
create table met as
select
    device_key,
    user_key,
    email_key,
    any_value(anonymous_id) as anonymous_id,
    any_value(user_id) as user_id,
    count(*) as n_records,
    min(occurred_at) as first_seen_at,
    max(occurred_at) as last_seen_at
from events
where
    reject_reason is null
    and event_id not in (select event_id from event_sessions where is_copy)
group by device_key, user_key, email_key;

create table identifiers_seen as
with

sightings as (
    select device_key as key, 'anonymous_id' as type, anonymous_id as value,
        n_records, first_seen_at, last_seen_at
    from met where anonymous_id is not null
    union all
    select user_key, 'user_id', user_id, n_records, first_seen_at, last_seen_at
    from met where user_key is not null
    union all
    select email_key, 'email_hash', null, n_records, first_seen_at, last_seen_at
    from met where email_key is not null
    union all
    select user_key, 'user_id', user_id, 1, ordered_at, ordered_at
    from landed_order_lines
    where user_key is not null and reject_reason is null and copy_number = 1
)

select
    key,
    any_value(type) as type,
    any_value(value) as value,
    sum(n_records) as n_records,
    min(first_seen_at) as first_seen_at,
    max(last_seen_at) as last_seen_at
from sightings
group by key;

create table pairs as
select user_key as left_key, email_key as right_key, true as is_strong
from met where user_key is not null and email_key is not null group by all
union all
select device_key, user_key, false
from met where anonymous_id is not null and user_key is not null group by all
union all
select device_key, email_key, false
from met where anonymous_id is not null and email_key is not null group by all;

-- Who meets more than twenty strong identifiers, or has a value that names nobody,
-- links nothing.
create table blocked as
select key from (
    select left_key as key from pairs
    union all
    select right_key from pairs where is_strong
)
group by key having count(*) > 20
union
select key from identifiers_seen
where
    length(value) > 1024
    or lower(value) in (
        'null', 'none', 'nil', 'nan', 'undefined', 'unknown', 'anonymous', 'guest', 'test',
        '(not set)', '(data deleted)', '<other>', 'n/a', 'na', '-', '0', '00', '000',
        '0000', '00000000-0000-0000-0000-000000000000'
    );

create table edges as
select left_key, right_key from pairs
where
    is_strong
    and left_key not in (from blocked)
    and right_key not in (from blocked);

-- Smallest label over the edges, then over labels' own labels: each round at least
-- doubles the reach. The assertion below says whether the rounds were enough.
create table labels as
select key, min(label) as label
from (
    select left_key as key, least(left_key, right_key) as label from edges
    union all
    select right_key, least(left_key, right_key) from edges
)
group by key;

-- repeat 6
create or replace table labels as
with

hooked as (
    select key, min(label) as label
    from (
        from labels
        union all
        select edges.left_key, labels.label
        from edges inner join labels on edges.right_key = labels.key
        union all
        select edges.right_key, labels.label
        from edges inner join labels on edges.left_key = labels.key
    )
    group by key
)

select hooked.key, least(hooked.label, jumped.label) as label
from hooked inner join hooked as jumped on hooked.label = jumped.key;
-- end

select case
    when count(*) > 0 then error('components of identifiers need more rounds')
end
from edges
inner join labels as l on edges.left_key = l.key
inner join labels as r on edges.right_key = r.key
where l.label <> r.label;

create table identifiers as
with

devices as (
    select
        pairs.left_key as key,
        min(coalesce(labels.label, pairs.right_key)) as label,
        max(coalesce(labels.label, pairs.right_key)) as other_label
    from pairs
    left join labels on pairs.right_key = labels.key
    where
        not pairs.is_strong
        and pairs.left_key not in (from blocked)
        and pairs.right_key not in (from blocked)
    group by pairs.left_key
),

resolved as (
    select
        identifiers_seen.*,
        coalesce(
            labels.label,
            case when devices.label = devices.other_label then devices.label end,
            identifiers_seen.key
        ) as component
    from identifiers_seen
    left join labels on identifiers_seen.key = labels.key
    left join devices on identifiers_seen.key = devices.key
),

named as (
    select component, arg_min(key, (coalesce(first_seen_at, date '9999-12-31'), key))
        as customer_id
    from resolved
    group by component
)

select resolved.*, named.customer_id
from resolved
inner join named on resolved.component = named.component;

create or replace table sessions as
select
    sessions.*,
    coalesce(users.customer_id, devices.customer_id) as customer_id
from sessions
left join identifiers as users on sessions.user_key = users.key
left join identifiers as devices on sessions.device_key = devices.key;

create view fct_events as
select events.*, event_sessions.session_id, sessions.customer_id
from event_sessions
inner join events on event_sessions.event_id = events.event_id
inner join sessions on event_sessions.session_id = sessions.session_id
where not event_sessions.is_copy;

create view order_events as
select * from events
where
    event_name = 'Order Completed'
    and event_id not in (select event_id from event_sessions where is_copy);

create or replace macro event_orders_of() as table
select
    hash(order_id, 4) as order_key,
    order_id,
    user_key,
    device_type,
    coalesce(quantity, 1) as quantity,
    revenue_amount,
    occurred_at as ordered_at,
    country_code
from order_events
where
    event_name = 'Order Completed'
    and reject_reason is null
qualify row_number() over (
    partition by order_id order by revenue_amount desc, occurred_at, event_key
) = 1;

create table event_orders as from event_orders_of();

create view lines_to_value as from landed_order_lines;

create view orders_to_value as from event_orders;

create or replace macro valued_lines() as table
with

unioned as (
    select
        order_key, order_id, line_id, user_key, product_id, product_name, channel,
        line_status, currency_code, quantity, unit_price,
        cast(quantity * unit_price as decimal(18, 4)) as line_amount, discount_amount,
        false as is_from_event, ordered_at
    from lines_to_value
    where reject_reason is null and copy_number = 1
    union all
    select
        order_key, order_id, null, user_key, null, null,
        case when device_type in ('mobile', 'tablet') then 'mobile' else 'web' end,
        'completed', 'USD', quantity, null, revenue_amount, 0, true, ordered_at
    from orders_to_value
    where order_key not in (select order_key from landed_order_lines)
)

select
    unioned.* exclude (user_key, line_amount, discount_amount),
    identifiers.customer_id,
    case
        when identifiers.customer_id is null then 'no_customer'
        when line_status = 'cancelled' then 'cancellation'
        when line_status = 'returned' then 'return'
        when quantity <= 0 then 'non_positive_quantity'
        when line_amount <= 0 then 'non_positive_price'
        else 'purchase'
    end as line_type,
    case
        when line_amount < 0 or quantity < 0 or line_status <> 'completed' then 0
        else line_amount
    end as gross_amount,
    case
        when line_amount < 0 or quantity < 0 or line_status <> 'completed' then 0
        else discount_amount
    end as discount_amount,
    case
        when line_amount < 0 or quantity < 0 or line_status <> 'completed'
            then abs(line_amount) - abs(discount_amount)
        else 0
    end as refund_amount,
    cast(ordered_at as date) as ordered_date
from unioned
left join identifiers on unioned.user_key = identifiers.key;

create table order_lines as from valued_lines();

create view lines_of_orders as from order_lines;

create or replace macro orders_of() as table
with

aggregated as (
    select
        order_key,
        any_value(order_id) as order_id,
        min(customer_id) as customer_id,
        min(channel) as channel,
        bool_or(is_from_event) as is_from_event,
        count(*) as n_lines,
        coalesce(sum(quantity) filter (line_type = 'purchase'), 0)
            as purchased_quantity,
        sum(gross_amount) as gross_amount,
        sum(discount_amount) as discount_amount,
        sum(refund_amount) as refund_amount,
        bool_or(line_type = 'purchase') as is_purchase,
        coalesce(
            min(ordered_at) filter (line_type = 'purchase'), min(ordered_at)
        ) as ordered_at
    from lines_of_orders
    group by order_key
)

select
    aggregated.* replace (
        case
            when
                aggregated.channel = 'web'
                and event_orders.device_type in ('mobile', 'tablet')
                then 'mobile'
            else aggregated.channel
        end as channel
    ),
    case
        when aggregated.is_from_event then 'events'
        when event_orders.order_key is not null then 'both'
        else 'orders'
    end as order_evidence,
    case
        when aggregated.is_purchase
            then row_number() over (
                partition by aggregated.customer_id, aggregated.is_purchase
                order by aggregated.ordered_at, aggregated.order_key
            )
    end as customer_order_number,
    cast(aggregated.ordered_at as date) as ordered_date
from aggregated
left join event_orders on aggregated.order_key = event_orders.order_key;

create table orders as from orders_of();

create table listed_products as from read_parquet(getvariable('products'));

-- Names are counted by product, so that one more day only adds to them.
create table product_names as
select
    product_id,
    product_name,
    count(*) as n_lines,
    min(ordered_at) as first_sold_at,
    max(ordered_at) as last_sold_at
from order_lines
where product_id is not null
group by product_id, product_name;

create view products as
with

sold as (
    select
        product_id,
        arg_max(product_name, (n_lines, product_name)) as product_name,
        min(first_sold_at) as first_sold_at,
        max(last_sold_at) as last_sold_at
    from product_names
    group by product_id
)

select
    coalesce(listed.product_id, sold.product_id) as product_id,
    coalesce(listed.product_name, sold.product_name) as product_name,
    listed.category,
    listed.subcategory,
    listed.brand,
    listed.list_price,
    sold.first_sold_at,
    sold.last_sold_at
from listed_products as listed
full join sold on listed.product_id = sold.product_id;

create view day_sessions as from sessions;

create view day_lines as from order_lines;

create view day_orders as from orders;

create or replace macro days_of() as table
with

activity as (
    select
        customer_id, ordered_date as activity_date,
        0 as n_orders, 0 as n_mobile_orders,
        sum(quantity) filter (line_type = 'purchase') as purchased_quantity,
        sum(gross_amount - discount_amount) filter (line_type = 'purchase')
            as purchase_amount,
        sum(gross_amount) as gross_amount, sum(discount_amount) as discount_amount,
        sum(refund_amount) as refund_amount,
        0 as n_sessions, 0 as n_product_views, 0 as n_products_added
    from day_lines
    where customer_id is not null
    group by customer_id, ordered_date
    union all
    select
        customer_id, ordered_date, count(*), count(*) filter (channel = 'mobile'),
        0, 0, 0, 0, 0, 0, 0, 0
    from day_orders
    where is_purchase and customer_id is not null
    group by customer_id, ordered_date
    union all
    select
        customer_id, started_date, 0, 0, 0, 0, 0, 0, 0,
        count(*), sum(n_product_views), sum(n_products_added)
    from day_sessions
    group by customer_id, started_date
),

days as (
    select
        customer_id,
        activity_date,
        cast(sum(n_orders) as integer) as n_orders,
        cast(sum(n_mobile_orders) as integer) as n_mobile_orders,
        cast(coalesce(sum(purchased_quantity), 0) as decimal(18, 4))
            as purchased_quantity,
        cast(coalesce(sum(purchase_amount), 0) as decimal(18, 4)) as purchase_amount,
        cast(sum(gross_amount) as decimal(18, 4)) as gross_amount,
        cast(sum(discount_amount) as decimal(18, 4)) as discount_amount,
        cast(sum(refund_amount) as decimal(18, 4)) as refund_amount,
        cast(sum(n_sessions) as integer) as n_sessions,
        cast(sum(n_product_views) as integer) as n_product_views,
        cast(sum(n_products_added) as integer) as n_products_added
    from activity
    group by customer_id, activity_date
),

purchase_days as (
    select
        customer_id,
        activity_date,
        lag(activity_date) over (partition by customer_id order by activity_date)
            as previous_purchase_date
    from days
    where n_orders > 0
)

select
    days.*,
    purchase_days.activity_date as purchase_date,
    purchase_days.previous_purchase_date
from days
left join purchase_days
    on
        days.customer_id = purchase_days.customer_id
        and days.activity_date = purchase_days.activity_date;

create table customer_days as from days_of();

create table as_of_dates as
select as_of_date, as_of_date - 365 as window_start_date
from (
    select cast(unnest(generate_series(
        cast(date_trunc('month', min(activity_date)) + interval 1 month as timestamp),
        cast(getvariable('as_of') as timestamp),
        interval 1 month
    )) as date) as as_of_date
    from customer_days
    union
    select cast(getvariable('as_of') as date)
);

-- Month-ends are kept apart from the as-of date, where most rows only get a day older.
create view facts_days as from customer_days;

create view facts_dates as select * from as_of_dates where day(as_of_date) = 1;

-- Facts, but for what follows from the date: of one date, or of few days.
create or replace macro facts_of() as table
with

aggregated as (
    select
        as_of_date,
        customer_id,
        min(activity_date) as first_active_date,
        max(activity_date) as last_active_date,
        min(purchase_date) as first_purchase_date,
        max(purchase_date) as last_purchase_date,
        max(previous_purchase_date) as previous_purchase_date,
        cast(count(purchase_date) as integer) as n_purchase_days,
        cast(sum(n_orders) as integer) as n_orders,
        cast(sum(purchased_quantity) as decimal(18, 4)) as purchased_quantity,
        cast(sum(gross_amount) as decimal(18, 4)) as gross_amount,
        cast(sum(discount_amount) as decimal(18, 4)) as discount_amount,
        cast(sum(refund_amount) as decimal(18, 4)) as refund_amount,
        cast(sum(case when in_window then n_orders else 0 end) as integer)
            as n_orders_window,
        cast(sum(case when in_window then purchased_quantity else 0 end)
            as decimal(18, 4)) as purchased_quantity_window,
        cast(sum(case when in_window then n_mobile_orders else 0 end) as integer)
            as n_mobile_orders_window,
        cast(sum(case when in_window then purchase_amount else 0 end)
            as decimal(18, 4)) as purchase_amount_window,
        cast(sum(case when in_window then gross_amount else 0 end) as decimal(18, 4))
            as gross_amount_window,
        cast(sum(case when in_window then discount_amount else 0 end)
            as decimal(18, 4)) as discount_amount_window,
        cast(sum(case when in_window then refund_amount else 0 end) as decimal(18, 4))
            as refund_amount_window,
        cast(sum(case when days_before <= 30 then n_orders else 0 end) as integer)
            as n_orders_30d,
        cast(sum(case when days_before <= 30 then n_mobile_orders else 0 end)
            as integer) as n_mobile_orders_30d,
        cast(sum(case when days_before <= 7 then n_sessions else 0 end) as integer)
            as n_sessions_7d,
        cast(sum(case when days_before <= 30 then n_sessions else 0 end) as integer)
            as n_sessions_30d,
        cast(sum(case when days_before <= 90 then n_sessions else 0 end) as integer)
            as n_sessions_90d,
        cast(sum(case when days_before <= 90 then n_product_views else 0 end)
            as integer) as n_product_views_90d,
        cast(sum(case when days_before <= 30 then n_products_added else 0 end)
            as integer) as n_products_added_30d
    from (
        select
            as_of_dates.as_of_date,
            customer_days.activity_date >= as_of_dates.window_start_date as in_window,
            as_of_dates.as_of_date - customer_days.activity_date as days_before,
            customer_days.*
        from facts_dates as as_of_dates
        inner join facts_days as customer_days
            on as_of_dates.as_of_date > customer_days.activity_date
    )
    group by as_of_date, customer_id
)

select * from aggregated;

-- Month-ends, of which there are many in a long history: a day is met where it comes in
-- sight and where it leaves the window, and sums stand in between.
create or replace macro month_facts_of() as table
with

spans as (
    select
        as_of_date,
        window_start_date,
        lag(as_of_date, 1, date '0001-01-01') over dates as last_as_of_date,
        lag(window_start_date, 1, date '0001-01-01') over dates as last_start_date
    from facts_dates
    window dates as (order by as_of_date)
),

steps as (
    select
        customer_id,
        as_of_date,
        min(activity_date) as first_active_date,
        max(activity_date) as last_active_date,
        min(purchase_date) as first_purchase_date,
        max(purchase_date) as last_purchase_date,
        max(previous_purchase_date) as previous_purchase_date,
        count(purchase_date) filter (sign = 1) as n_purchase_days,
        sum(n_orders) filter (sign = 1) as n_orders,
        sum(purchased_quantity) filter (sign = 1) as purchased_quantity,
        sum(gross_amount) filter (sign = 1) as gross_amount,
        sum(discount_amount) filter (sign = 1) as discount_amount,
        sum(refund_amount) filter (sign = 1) as refund_amount,
        sum(sign * n_orders) as n_orders_window,
        sum(sign * purchased_quantity) as purchased_quantity_window,
        sum(sign * n_mobile_orders) as n_mobile_orders_window,
        sum(sign * purchase_amount) as purchase_amount_window,
        sum(sign * gross_amount) as gross_amount_window,
        sum(sign * discount_amount) as discount_amount_window,
        sum(sign * refund_amount) as refund_amount_window
    from (
        select facts_days.*, spans.as_of_date, 1 as sign
        from facts_days
        inner join spans
            on
                facts_days.activity_date < spans.as_of_date
                and facts_days.activity_date >= spans.last_as_of_date
        union all
        select facts_days.*, spans.as_of_date, -1 as sign
        from facts_days
        inner join spans
            on
                facts_days.activity_date < spans.window_start_date
                and facts_days.activity_date >= spans.last_start_date
    )
    group by customer_id, as_of_date
),

standing as (
    select
        customer_id,
        as_of_date as since_date,
        lead(as_of_date, 1, date '9999-12-31') over stream as until_date,
        min(first_active_date) over so_far as first_active_date,
        max(last_active_date) over so_far as last_active_date,
        min(first_purchase_date) over so_far as first_purchase_date,
        max(last_purchase_date) over so_far as last_purchase_date,
        max(previous_purchase_date) over so_far as previous_purchase_date,
        cast(sum(n_purchase_days) over so_far as integer) as n_purchase_days,
        cast(sum(n_orders) over so_far as integer) as n_orders,
        cast(sum(purchased_quantity) over so_far as decimal(18, 4))
            as purchased_quantity,
        cast(sum(gross_amount) over so_far as decimal(18, 4)) as gross_amount,
        cast(sum(discount_amount) over so_far as decimal(18, 4)) as discount_amount,
        cast(sum(refund_amount) over so_far as decimal(18, 4)) as refund_amount,
        cast(sum(n_orders_window) over so_far as integer) as n_orders_window,
        cast(sum(purchased_quantity_window) over so_far as decimal(18, 4))
            as purchased_quantity_window,
        cast(sum(n_mobile_orders_window) over so_far as integer)
            as n_mobile_orders_window,
        cast(sum(purchase_amount_window) over so_far as decimal(18, 4))
            as purchase_amount_window,
        cast(sum(gross_amount_window) over so_far as decimal(18, 4))
            as gross_amount_window,
        cast(sum(discount_amount_window) over so_far as decimal(18, 4))
            as discount_amount_window,
        cast(sum(refund_amount_window) over so_far as decimal(18, 4))
            as refund_amount_window
    from steps
    window
        stream as (partition by customer_id order by as_of_date),
        so_far as (
            partition by customer_id order by as_of_date
            rows between unbounded preceding and current row
        )
),

recent as (
    select
        customer_id,
        as_of_date,
        cast(sum(n_orders) filter (days_before <= 30) as integer) as n_orders_30d,
        cast(sum(n_mobile_orders) filter (days_before <= 30) as integer)
            as n_mobile_orders_30d,
        cast(sum(n_sessions) filter (days_before <= 7) as integer) as n_sessions_7d,
        cast(sum(n_sessions) filter (days_before <= 30) as integer) as n_sessions_30d,
        cast(sum(n_sessions) as integer) as n_sessions_90d,
        cast(sum(n_product_views) as integer) as n_product_views_90d,
        cast(sum(n_products_added) filter (days_before <= 30) as integer)
            as n_products_added_30d
    from (
        select
            facts_days.*,
            facts_dates.as_of_date,
            facts_dates.as_of_date - facts_days.activity_date as days_before
        from facts_days
        inner join facts_dates
            on
                facts_days.activity_date < facts_dates.as_of_date
                and facts_days.activity_date >= facts_dates.as_of_date - 90
    )
    group by customer_id, as_of_date
)

select
    facts_dates.as_of_date,
    standing.* exclude (since_date, until_date),
    coalesce(recent.n_orders_30d, 0) as n_orders_30d,
    coalesce(recent.n_mobile_orders_30d, 0) as n_mobile_orders_30d,
    coalesce(recent.n_sessions_7d, 0) as n_sessions_7d,
    coalesce(recent.n_sessions_30d, 0) as n_sessions_30d,
    coalesce(recent.n_sessions_90d, 0) as n_sessions_90d,
    coalesce(recent.n_product_views_90d, 0) as n_product_views_90d,
    coalesce(recent.n_products_added_30d, 0) as n_products_added_30d
from standing
inner join facts_dates
    on
        standing.since_date <= facts_dates.as_of_date
        and standing.until_date > facts_dates.as_of_date
left join recent
    on
        standing.customer_id = recent.customer_id
        and facts_dates.as_of_date = recent.as_of_date;

create table facts_months as from month_facts_of();

create or replace view facts_dates as
select * from as_of_dates where day(as_of_date) <> 1;

create table facts_current as
select * exclude (as_of_date) from facts_months
where as_of_date = cast(getvariable('as_of') as date)
union all by name
select * exclude (as_of_date) from facts_of();

create table current_date_table as select cast(getvariable('as_of') as date) as as_of_date;

create view customer_facts_by_date as
select
    *,
    as_of_date - first_active_date as tenure_days,
    as_of_date - last_purchase_date as recency_days,
    gross_amount - discount_amount - refund_amount as net_amount,
    gross_amount_window - discount_amount_window - refund_amount_window
        as net_amount_window
from (
    select * from facts_months
    union all by name
    select current_date_table.as_of_date, facts_current.*
    from facts_current
    cross join current_date_table
    where day(current_date_table.as_of_date) <> 1
);

create view dated_facts as from customer_facts_by_date;

create or replace macro rfm_of() as table
with

measured as (
    select as_of_date, customer_id, recency_days, n_orders_window, net_amount_window
    from dated_facts
    where n_orders > 0
),

-- Ranks of few values are cheaper by value than by row.
per_recency as (
    select
        as_of_date,
        recency_days,
        5 - cast(floor(5.0 * (sum(count(*)) over before - count(*))
            / sum(count(*)) over (partition by as_of_date)) as integer) as score
    from measured
    where n_orders_window > 0
    group by as_of_date, recency_days
    window before as (partition by as_of_date order by recency_days)
),

per_frequency as (
    select
        as_of_date,
        n_orders_window,
        1 + cast(floor(5.0 * (sum(count(*)) over before - count(*))
            / sum(count(*)) over (partition by as_of_date)) as integer) as score
    from measured
    where n_orders_window > 0
    group by as_of_date, n_orders_window
    window before as (partition by as_of_date order by n_orders_window)
),

per_amount as (
    select
        as_of_date,
        net_amount_window,
        1 + cast(floor(5.0 * (sum(count(*)) over before - count(*))
            / sum(count(*)) over (partition by as_of_date)) as integer) as score
    from measured
    where n_orders_window > 0
    group by as_of_date, net_amount_window
    window before as (partition by as_of_date order by net_amount_window)
)

select
    measured.*,
    per_recency.score as recency_score,
    per_frequency.score as frequency_score,
    per_amount.score as monetary_score,
    coalesce(
        case
            when recency_score = 5
                then ([
                    'new_customers', 'potential_loyalists', 'potential_loyalists',
                    'champions', 'champions'
                ])[frequency_score]
            when recency_score = 4
                then ([
                    'promising', 'potential_loyalists', 'potential_loyalists',
                    'loyal_customers', 'champions'
                ])[frequency_score]
            when recency_score = 3
                then ([
                    'about_to_sleep', 'about_to_sleep', 'need_attention',
                    'loyal_customers', 'loyal_customers'
                ])[frequency_score]
            when recency_score = 2
                then ([
                    'hibernating', 'hibernating', 'at_risk', 'at_risk', 'at_risk'
                ])[frequency_score]
            when recency_score = 1
                then ([
                    'hibernating', 'hibernating', 'at_risk', 'cant_lose_them',
                    'cant_lose_them'
                ])[frequency_score]
        end,
        'inactive'
    ) as segment
from measured
left join per_recency
    on
        measured.as_of_date = per_recency.as_of_date
        and measured.recency_days = per_recency.recency_days
        and measured.n_orders_window > 0
left join per_frequency
    on
        measured.as_of_date = per_frequency.as_of_date
        and measured.n_orders_window = per_frequency.n_orders_window
left join per_amount
    on
        measured.as_of_date = per_amount.as_of_date
        and measured.net_amount_window = per_amount.net_amount_window
        and measured.n_orders_window > 0;

create table customer_rfm_by_date as from rfm_of();

create view dated_rfm as from customer_rfm_by_date;

-- Lifecycle and rules, wide: one row for each customer and date.
create or replace macro segments_of() as table
with

paced as (
    select
        *,
        last_purchase_date - first_purchase_date as purchase_span_days,
        previous_purchase_date - first_purchase_date as previous_span_days,
        last_purchase_date - previous_purchase_date as last_gap_days,
        as_of_date - first_purchase_date as first_purchase_days
    from dated_facts
),

expected as (
    select
        *,
        case
            when n_purchase_days >= 3
                then least(greatest(
                    1.0 * purchase_span_days / (n_purchase_days - 1), 7
                ), 90)
            else 45
        end as interval_days,
        case
            when n_purchase_days >= 4
                then least(greatest(
                    1.0 * previous_span_days / (n_purchase_days - 2), 7
                ), 90)
            else 45
        end as previous_interval_days
    from paced
)

select
    expected.as_of_date,
    expected.customer_id,
    coalesce(rfm.segment, 'none') as rfm,
    case
        when expected.n_purchase_days = 0 then 'prospect'
        when expected.first_purchase_days <= 30 then 'new'
        when expected.recency_days > 4 * expected.interval_days then 'lapsed'
        when expected.recency_days > 2 * expected.interval_days then 'lapsing'
        when expected.last_gap_days > 4 * expected.previous_interval_days
            then 'reactivated'
        else 'active'
    end as lifecycle,
    expected.n_sessions_7d >= 6 as engaged,
    coalesce(rfm.monetary_score, 0) = 5 and expected.n_mobile_orders_30d > 0
        as high_value_mobile,
    coalesce(rfm.monetary_score, 0) = 5 and coalesce(rfm.frequency_score, 0) = 5 as vip,
    expected.n_orders = 1 as one_time_buyer,
    expected.n_orders_window >= 2
    and coalesce(
        cast(expected.discount_amount_window as double)
        / nullif(cast(expected.gross_amount_window as double), 0), 0
    ) >= 0.25 as discount_driven,
    expected.n_orders_window >= 2
    and coalesce(
        cast(expected.refund_amount_window as double)
        / nullif(cast(
            expected.gross_amount_window - expected.discount_amount_window as double
        ), 0), 0
    ) >= 0.2 as frequent_returner,
    expected.n_products_added_30d > 0 and expected.n_orders_30d = 0 as cart_abandoner
from expected
left join dated_rfm as rfm
    on
        expected.as_of_date = rfm.as_of_date
        and expected.customer_id = rfm.customer_id;

create table customer_segments_by_date as from segments_of();

create view segment_assignments as
select as_of_date, customer_id, 'rfm' as segment_set, rfm as segment
from customer_segments_by_date
union all
select as_of_date, customer_id, 'lifecycle', lifecycle from customer_segments_by_date
union all
select
    as_of_date, customer_id, segment_set,
    case when is_in then segment_set else 'none' end
from (
    unpivot (select * exclude (rfm, lifecycle) from customer_segments_by_date)
    on columns(* exclude (as_of_date, customer_id))
    into name segment_set value is_in
);

create view customer_segment_months as
select * from segment_assignments where day(as_of_date) = 1;

-- Nobody needs a long copy of a wide table: memberships are a view, history is kept.
create view segment_memberships as
select segment_assignments.*
from segment_assignments
inner join current_date_table
    on segment_assignments.as_of_date = current_date_table.as_of_date
union all
select segments.as_of_date, segments.customer_id, 'cluster', 'none'
from customer_segments_by_date as segments
inner join current_date_table on segments.as_of_date = current_date_table.as_of_date;

create table membership_history as
select customer_id, segment_set, segment, as_of_date as valid_from
from segment_memberships;

-- What ended is told by a table that only grows: no row of history is written again.
create table membership_ends (
    customer_id ubigint, segment_set varchar, valid_from date, valid_to date
);

create view customer_segments as
select
    history.customer_id, history.segment_set, history.segment,
    history.valid_from as since_date
from membership_history as history
anti join membership_ends as ends
    on
        history.customer_id = ends.customer_id
        and history.segment_set = ends.segment_set
        and history.valid_from = ends.valid_from;

create view feature_lines as from order_lines;

create or replace view facts_dates as from as_of_dates;

create or replace macro features_of() as table
with

category_days as (
    select distinct order_lines.customer_id, order_lines.ordered_date, products.category
    from feature_lines as order_lines
    inner join products on order_lines.product_id = products.product_id
    where order_lines.line_type = 'purchase' and products.category is not null
),

categories as (
    select
        as_of_dates.as_of_date,
        category_days.customer_id,
        count(distinct category_days.category) as n_categories
    from category_days
    inner join facts_dates as as_of_dates
        on
            category_days.ordered_date < as_of_dates.as_of_date
            and category_days.ordered_date >= as_of_dates.window_start_date
    group by as_of_dates.as_of_date, category_days.customer_id
)

select
    facts.as_of_date,
    facts.customer_id,
    cast(facts.recency_days as double) as recency_days,
    cast(facts.n_orders_window as double) as n_orders,
    cast(facts.net_amount_window as double) as monetary_amount,
    cast(facts.purchase_amount_window as double) / facts.n_orders_window
        as average_order_amount,
    cast(facts.purchased_quantity_window as double) / facts.n_orders_window
        as units_per_order,
    cast(coalesce(categories.n_categories, 0) as double) as n_categories,
    coalesce(
        cast(facts.discount_amount_window as double)
        / nullif(cast(facts.gross_amount_window as double), 0), 0
    ) as discount_rate,
    least(coalesce(
        cast(facts.refund_amount_window as double)
        / nullif(cast(
            facts.gross_amount_window - facts.discount_amount_window as double
        ), 0), 0
    ), 1) as refund_rate,
    cast(facts.n_mobile_orders_window as double) / facts.n_orders_window
        as mobile_order_rate,
    cast(facts.n_sessions_90d as double) as n_sessions,
    cast(facts.n_product_views_90d as double) as n_product_views,
    cast(facts.tenure_days as double) as tenure_days
from dated_facts as facts
left join categories
    on
        facts.as_of_date = categories.as_of_date
        and facts.customer_id = categories.customer_id
where facts.n_orders_window > 0;

create table customer_features_by_date as from features_of();

create or replace macro purchases_of() as table
select
    customer_id,
    count(*) - 1 as n_repeat_purchase_days,
    sum(purchase_amount) - arg_min(purchase_amount, purchase_date)
        as repeat_purchase_amount,
    min(purchase_date) as first_purchase_date,
    max(purchase_date) as last_purchase_date
from facts_days
where purchase_date is not null
group by customer_id;

create table purchase_summary as from purchases_of();

create view customer_purchase_summary as
select
    purchase_summary.*,
    last_purchase_date - first_purchase_date as first_to_last_purchase_days,
    current_date_table.as_of_date - first_purchase_date - 1 as age_days
from purchase_summary
cross join current_date_table;

create view known_identifiers as from identifiers;

create or replace macro customers_of() as table
with

known as (
    select
        customer_id,
        count(*) as n_identifiers,
        count(*) filter (type = 'anonymous_id') as n_devices,
        count(*) filter (type <> 'anonymous_id') > 0 as is_identified,
        arg_min(value, (first_seen_at, key)) filter (type = 'user_id') as user_id,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at
    from known_identifiers
    group by customer_id
),

bought as (
    select
        customer_id,
        count(*) filter (is_purchase) as n_orders,
        min(ordered_at) filter (is_purchase) as first_ordered_at,
        max(ordered_at) filter (is_purchase) as last_ordered_at
    from day_orders
    where customer_id is not null
    group by customer_id
),

first_sessions as (
    select
        customer_id,
        arg_min(
            struct_pack(campaign_source, campaign_medium, device_type), started_at
        ) as visit
    from day_sessions
    group by customer_id
)

select
    known.*,
    coalesce(bought.n_orders, 0) as n_orders,
    coalesce(bought.n_orders, 0) > 0 as is_purchaser,
    bought.first_ordered_at,
    bought.last_ordered_at,
    first_sessions.visit.campaign_source as first_campaign_source,
    first_sessions.visit.campaign_medium as first_campaign_medium,
    first_sessions.visit.device_type as first_device_type
from known
left join bought on known.customer_id = bought.customer_id
left join first_sessions on known.customer_id = first_sessions.customer_id;

create table customers as from customers_of();

create table customer_consents as
select customers.customer_id, purposes.purpose, 'unknown' as status, true as is_allowed
from customers
cross join (values ('analytics'), ('personalization'), ('advertising')) as purposes (purpose);

create or replace macro summary_of() as table
select
    m.segment_set,
    m.segment,
    count(*) as n_customers,
    count(*) filter (f.n_orders > 0) as n_purchasers,
    sum(f.n_orders_window) as n_orders,
    sum(f.net_amount_window) as net_amount,
    sum(f.refund_amount_window) as refund_amount,
    median(f.recency_days) as median_recency_days
from segment_memberships as m
left join (
    select customer_facts_by_date.*
    from customer_facts_by_date
    inner join current_date_table
        on customer_facts_by_date.as_of_date = current_date_table.as_of_date
) as f on m.customer_id = f.customer_id
group by m.segment_set, m.segment;

create table segment_summary as from summary_of();

-- What became of every record, by file.
create table row_accounting as
select
    filename,
    count(*) as n_landed,
    count(*) filter (status = 'accepted') as n_accepted,
    count(*) filter (status = 'duplicate') as n_duplicate,
    count(*) filter (status = 'rejected') as n_rejected
from (
    select
        events.filename,
        case
            when events.reject_reason is not null then 'rejected'
            when event_sessions.is_copy then 'duplicate'
            else 'accepted'
        end as status
    from events
    left join event_sessions on events.event_id = event_sessions.event_id
    union all
    select
        filename,
        case
            when reject_reason is not null then 'rejected'
            when copy_number > 1 then 'duplicate'
            else 'accepted'
        end
    from landed_order_lines
)
group by filename;

create table rejected_rows as
select filename, file_row_number, reject_reason
from events
where reject_reason is not null
union all
select filename, file_row_number, reject_reason
from landed_order_lines
where reject_reason is not null;
