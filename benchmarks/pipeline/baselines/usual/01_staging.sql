-- What most dbt projects do, as one would write it without measuring: text keys by md5,
-- every step a table, everything rebuilt. Variables as in `../script.sql`.
create view stg_events as
select
    filename,
    nullif(trim("messageId"), '') as message_id,
    nullif(trim("anonymousId"), '') as anonymous_id,
    nullif(trim("userId"), '') as user_id,
    nullif(lower(trim(context.traits.email)), '') as email,
    lower("type") as event_type,
    case when lower("type") = 'track' then "event" else coalesce("name", "type") end
        as event_name,
    "event" as track_name,
    try_cast("timestamp" as timestamp) as occurred_at,
    try_cast("receivedAt" as timestamp) as received_at,
    context."userAgent" as user_agent,
    context.page.path as page_path,
    split_part(context.page.referrer, '?', 1) as page_referrer,
    lower(context.campaign.source) as campaign_source,
    lower(context.campaign.medium) as campaign_medium,
    context.campaign.name as campaign_name,
    context.device.type as device_type,
    context.location.country as country_code,
    properties.product_id as product_id,
    properties.category as category,
    cast(properties.price as decimal(18, 4)) as price_amount,
    cast(properties.quantity as decimal(18, 4)) as quantity,
    properties.order_id as order_id,
    cast(properties.revenue as decimal(18, 4)) as revenue_amount
from read_parquet(getvariable('events'), filename = true);

create table events_flagged as
select
    *,
    md5(coalesce(message_id, '')) as event_key,
    md5('anonymous_id:' || coalesce(anonymous_id, user_id)) as device_key,
    md5('user_id:' || user_id) as user_key,
    md5('email_hash:' || email) as email_key,
    case
        when message_id is null then 'missing_id'
        when anonymous_id is null and user_id is null then 'missing_identity'
        when occurred_at is null then 'unparseable_timestamp'
        when occurred_at > received_at + interval 24 hours then 'future_timestamp'
        when event_type = 'track' and track_name is null then 'missing_event_name'
        when regexp_matches(lower(user_agent), 'bot|crawler|spider|headless') then 'bot'
    end as reject_reason
from stg_events;

create table events_ranked as
select
    *,
    row_number() over (
        partition by event_key, reject_reason is null order by received_at
    ) as copy_number
from events_flagged;

create table events_deduplicated as
select * from events_ranked where reject_reason is null and copy_number = 1;

create table order_lines_ranked as
select
    filename,
    md5(order_id) as order_key,
    md5(order_id || '|' || line_id) as order_line_key,
    order_id,
    line_id,
    customer_id as user_id,
    md5('user_id:' || customer_id) as user_key,
    product_id,
    product_name,
    channel,
    line_status,
    cast(quantity as decimal(18, 4)) as quantity,
    cast(unit_price as decimal(18, 4)) as unit_price,
    cast(discount_amount as decimal(18, 4)) as discount_amount,
    try_cast(ordered_at as timestamp) as ordered_at,
    row_number() over (partition by order_id, line_id order by filename) as copy_number
from read_parquet(getvariable('order_lines'), filename = true);
