{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='session_key',
        on_schema_change='fail',
    )
}}

-- A session that is none any more stays as a row without events and without a customer,
-- so that who sums sessions up sees whom it leaves.
-- depends_on: {{ ref('stg_landing__loads') }}
with

customer_keys as {{ not_materialized() }} (
    select * from {{ ref('int_customer_keys') }}
),

{% if is_incremental() -%}
standing_sessions as {{ not_materialized() }} (
    select * from {{ this }}
),

watermarks as (
    select
        coalesce(max(summed_at_load_id), 0) as load_id,
        coalesce(max(customer_change_number), 0) as change_number
    from standing_sessions
),

{% else -%}
standing_sessions as (
    select cast(0 as {{ dbt.type_bigint() }}) as change_number
),

{% endif -%}
newest as (
    select
        (
            select max(sessionized_at_load_id) from {{ ref('int_events_sessionized') }}
        ) as summed_at_load_id,
        (select max(change_number) from customer_keys) as customer_change_number,
        (select coalesce(max(change_number), 0) + 1 from standing_sessions)
            as change_number
),

events as {{ not_materialized() }} (
    select * from {{ ref('int_events_sessionized') }}
    {% if is_incremental() -%}
        where sessionized_at_load_id > (select watermarks.load_id from watermarks)
    {%- endif %}
),

-- Where a user is known, the last one of the session is also its only one.
aggregated as {{ materialized() }} (
    select
        session_key,
        min(device_key) as device_key,
        max(known_user_key) as user_key,
        min(session_number) as device_session_number,
        max(case when is_campaign_start then event_key end) as campaign_event_key,
        count(*) as n_events,
        sum(case when is_page_view then 1 else 0 end) as n_page_views,
        sum(case when is_product_view then 1 else 0 end) as n_product_views,
        sum(case when is_product_added then 1 else 0 end) as n_products_added,
        sum(case when is_checkout_started then 1 else 0 end)
            as n_checkouts_started,
        sum(case when is_order_completed then 1 else 0 end)
            as n_orders_completed,
        min(occurred_at) as started_at,
        max(occurred_at) as ended_at
    from events
    where session_key is not null
    group by session_key
),

{% if is_incremental() -%}
changed_keys as (
    select compact_identifier_key
    from customer_keys
    where change_number > (select watermarks.change_number from watermarks)
),

rebuilt_events as (
    select event_key from events
),

gone_loads as (
    select load_id from {{ ref('stg_landing__loads') }}
    where load_status <> 'loaded'
),

present_sessions as {{ not_materialized() }} (
    select
        session_key,
        device_key,
        user_key,
        customer_id,
        load_id
    from standing_sessions
    where n_events > 0
),

-- Sessions that stand as they are, but maybe for another customer; and those whose first
-- event is no first event any more.
revisited as {{ materialized() }} (
    select * from present_sessions
    where device_key in ({{ few_values('changed_keys', 'compact_identifier_key') }})
    union distinct
    select * from present_sessions
    where user_key in ({{ few_values('changed_keys', 'compact_identifier_key') }})
    union distinct
    select * from present_sessions
    where session_key in ({{ few_values('rebuilt_events', 'event_key') }})
    union distinct
    select * from present_sessions
    where load_id in (select gone_loads.load_id from gone_loads)
),

met_keys as (
    select device_key as compact_identifier_key from aggregated
    union distinct
    select user_key as compact_identifier_key from aggregated
    union distinct
    select device_key as compact_identifier_key from revisited
    union distinct
    select user_key as compact_identifier_key from revisited
),

-- Few of all keys, so that these are not all kept in memory to find them.
session_keys as {{ materialized() }} (
    select * from customer_keys
    where
        compact_identifier_key
        in ({{ few_values('met_keys', 'compact_identifier_key') }})
),

{% else -%}
session_keys as {{ not_materialized() }} (
    select * from customer_keys
),

{% endif -%}
-- The user seen in the session, else the last one before on the device, else the
-- device's own customer. Attributed before they are described, while they are narrow.
attributed as (
    select
        aggregated.*,
        coalesce(user_keys.customer_id, device_keys.customer_id) as customer_id
    from aggregated
    left join session_keys as user_keys
        on aggregated.user_key = user_keys.compact_identifier_key
    left join session_keys as device_keys
        on aggregated.device_key = device_keys.compact_identifier_key
),

first_events as {{ not_materialized() }} (
    select * from {{ ref('int_events_classified') }}
    where
        record_status = 'accepted'
    {% if is_incremental() -%}
        and occurred_at >= (select min(aggregated.started_at) from aggregated)
    {%- endif %}
),

campaign_events as {{ not_materialized() }} (
    select * from {{ ref('int_events_classified') }}
    where
        record_status = 'accepted'
        and campaign_source is not null
    {% if is_incremental() -%}
        and occurred_at >= (select min(aggregated.started_at) from aggregated)
    {%- endif %}
),

-- A session's key is its first event's.
described as (
    select
        attributed.session_key,
        attributed.device_key,
        attributed.user_key,
        attributed.customer_id,
        first_events.load_id,
        first_events.source_name,
        first_events.device_type,
        first_events.page_path as landing_page_path,
        first_events.page_referrer,
        campaign_events.campaign_source,
        campaign_events.campaign_medium,
        campaign_events.campaign_name,
        attributed.device_session_number,
        attributed.n_events,
        attributed.n_page_views,
        attributed.n_product_views,
        attributed.n_products_added,
        attributed.n_checkouts_started,
        attributed.n_orders_completed,
        attributed.started_at,
        attributed.ended_at,
        {{ to_business_date('attributed.started_at') }} as started_date
    from attributed
    inner join first_events
        on attributed.session_key = first_events.event_key
    left join campaign_events
        on attributed.campaign_event_key = campaign_events.event_key
),

{% if is_incremental() -%}
ended as (
    select event_key as session_key from rebuilt_events
    union distinct
    select session_key from standing_sessions
    where load_id in (select gone_loads.load_id from gone_loads)
),

revisited_sessions as (
    select
        standing_sessions.*,
        coalesce(user_keys.customer_id, device_keys.customer_id)
            as found_customer_id,
        case when ended.session_key is null then 1 else 0 end as is_standing
    from standing_sessions
    inner join revisited
        on standing_sessions.session_key = revisited.session_key
    left join ended
        on standing_sessions.session_key = ended.session_key
    left join session_keys as user_keys
        on standing_sessions.user_key = user_keys.compact_identifier_key
    left join session_keys as device_keys
        on standing_sessions.device_key = device_keys.compact_identifier_key
    where
        standing_sessions.session_key not in (
            select aggregated.session_key from aggregated
        )
),

{% endif -%}
{% set described_columns = [
    'session_key', 'device_key', 'user_key', 'load_id', 'source_name', 'device_type',
    'landing_page_path', 'page_referrer', 'campaign_source', 'campaign_medium',
    'campaign_name', 'device_session_number', 'n_page_views', 'n_product_views',
    'n_products_added', 'n_checkouts_started', 'n_orders_completed', 'started_at',
    'ended_at', 'started_date',
] -%}
sessions as (
    select
        {% for column in described_columns -%}
        described.{{ column }},
        {% endfor -%}
        described.customer_id,
        {% if is_incremental() -%}
        revisited.customer_id as previous_customer_id,
        {% else -%}
        cast(null as {{ dbt.type_string() }}) as previous_customer_id,
        {% endif -%}
        described.n_events
    from described
    {% if is_incremental() -%}
        left join revisited
            on described.session_key = revisited.session_key
        union all
        select
            {{ described_columns | join(', ') }},
            case when is_standing = 1 then found_customer_id end as customer_id,
            customer_id as previous_customer_id,
            n_events * is_standing as n_events
        from revisited_sessions
    {%- endif %}
),

final as (
    select
        -- keys
        session_key,
        device_key,
        user_key,
        customer_id,
        previous_customer_id,
        load_id,

        -- attributes
        source_name,
        device_type,
        landing_page_path,
        page_referrer,
        campaign_source,
        campaign_medium,
        campaign_name,

        -- measures
        device_session_number,
        n_events,
        n_page_views,
        n_product_views,
        n_products_added,
        n_checkouts_started,
        n_orders_completed,
        (select newest.summed_at_load_id from newest) as summed_at_load_id,
        (select newest.customer_change_number from newest) as customer_change_number,
        (select newest.change_number from newest) as change_number,

        -- times
        started_at,
        ended_at,
        started_date
    from sessions
)

select * from final
