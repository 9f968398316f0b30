{% set columns = [
    'event_timestamp', 'event_server_timestamp_offset', 'event_name', 'user_pseudo_id',
    'user_id', 'event_bundle_sequence_id', 'batch_page_id', 'batch_ordering_id',
    'batch_event_index', 'event_params', 'items', 'items_0_item_id',
    'items_0_item_category', 'items_0_quantity', 'items_0_price',
    'items_0_price_in_usd', 'device_category', 'geo_country',
    'collected_traffic_source_manual_source', 'collected_traffic_source_manual_medium',
    'collected_traffic_source_manual_campaign_name', 'privacy_info_analytics_storage',
    'privacy_info_ads_storage', 'ecommerce_transaction_id',
    'ecommerce_total_item_quantity', 'ecommerce_purchase_revenue',
    'ecommerce_purchase_revenue_in_usd',
] -%}
with

source as (
    select * from {{ source('ga4', 'events') }}
    where {{ source_is_on('ga4') }}
),

with_pairs as (
    select
        *,
        {{ json_pairs('event_params') }} as pairs
    from source
),

{% set in_dollars = "'" ~ var('reporting_currency') ~ "' = 'USD'" -%}
extracted as (
    select
        _load_id as load_id,
        _record_number as record_number,
        {{ clean_id('user_pseudo_id') }} as anonymous_id,
        {{ clean_id(ga4_text('user_id')) }} as user_id,
        {{ clean_id(ga4_text('ecommerce_transaction_id')) }} as transaction_id,
        {{ clean_id(ga4_text('items_0_item_id')) }} as item_id,
        -- The export has no event id. Two rows that differ in none of these are copies.
        {{ hash_key([
            'user_pseudo_id',
            'event_timestamp',
            'event_name',
            'event_bundle_sequence_id',
            'batch_page_id',
            'batch_ordering_id',
            'batch_event_index',
            'event_params',
            'items',
        ]) }} as message_id,
        {{ content_key(columns) }} as content_key,
        {{ clean_text('event_name') }} as ga4_name,
        lower({{ ga4_text('device_category') }}) as device_type,
        {{ ga4_text('geo_country') }} as country_text,
        {{ url_path(pair_value('pairs', 'page_location')) }} as page_path,
        {{ ga4_text(dbt.split_part(
            pair_value('pairs', 'page_referrer'), "'?'", 1
        )) }} as page_referrer,
        lower(coalesce(
            {{ ga4_text('collected_traffic_source_manual_source') }},
            {{ ga4_text(pair_value('pairs', 'source')) }}
        )) as campaign_source,
        lower(coalesce(
            {{ ga4_text('collected_traffic_source_manual_medium') }},
            {{ ga4_text(pair_value('pairs', 'medium')) }}
        )) as campaign_medium,
        coalesce(
            {{ ga4_text('collected_traffic_source_manual_campaign_name') }},
            {{ ga4_text(pair_value('pairs', 'campaign')) }}
        ) as campaign_name,
        {{ ga4_text('items_0_item_category') }} as item_category,
        upper({{ ga4_text(pair_value('pairs', 'currency')) }}) as currency_text,
        privacy_info_analytics_storage as analytics_storage,
        privacy_info_ads_storage as ads_storage,
        items_0_quantity as item_quantity_text,
        ecommerce_total_item_quantity as total_quantity_text,
        items_0_price_in_usd as price_in_usd_text,
        items_0_price as price_text,
        ecommerce_purchase_revenue_in_usd as revenue_in_usd_text,
        ecommerce_purchase_revenue as revenue_text,
        event_timestamp as occurred_text,
        event_server_timestamp_offset as offset_text,
        _loaded_at as loaded_at
    from with_pairs
),

typed as (
    select
        *,
        ga4_name in (
            'view_item', 'select_item', 'add_to_cart', 'remove_from_cart',
            'add_to_wishlist'
        ) as is_of_one_product,
        {{ dbt.safe_cast('item_quantity_text', type_amount()) }} as item_quantity,
        {{ dbt.safe_cast('total_quantity_text', type_amount()) }} as total_quantity,
        {{ dbt.safe_cast('price_in_usd_text', type_amount()) }} as price_in_usd,
        {{ dbt.safe_cast('price_text', type_amount()) }} as price,
        {{ dbt.safe_cast('revenue_in_usd_text', type_amount()) }} as revenue_in_usd,
        {{ dbt.safe_cast('revenue_text', type_amount()) }} as revenue,
        {{ timestamp_of_microseconds('occurred_text') }} as occurred_at,
        {{ timestamp_of_microseconds(
            dbt.safe_cast('occurred_text', 'bigint') ~ ' + '
            ~ dbt.safe_cast('offset_text', 'bigint')
        ) }} as received_at
    from extracted
),

-- The export converts to dollars itself. An event's amounts are in one currency.
priced as (
    select
        *,
        {{ in_dollars }} and coalesce(revenue_in_usd, price_in_usd) is not null
            as is_in_dollars
    from typed
),

final as (
    select
        -- keys
        load_id,
        record_number,
        message_id,
        anonymous_id,
        user_id,
        cast(null as {{ dbt.type_string() }}) as previous_id,
        cast(null as {{ dbt.type_string() }}) as email,
        cast(null as {{ dbt.type_string() }}) as phone,
        case when is_of_one_product then item_id end as product_id,
        transaction_id as order_id,
        content_key,

        -- attributes
        'ga4' as source_name,
        case ga4_name
            when 'page_view' then 'page'
            when 'screen_view' then 'screen'
            else 'track'
        end as event_type,
        {{ ga4_event_name('ga4_name') }} as event_name,
        cast(null as {{ dbt.type_string() }}) as user_agent,
        device_type,
        {{ country_code('country_text') }} as country_code,
        case when length(country_text) <> 2 then country_text end as country_name,
        page_path,
        page_referrer,
        campaign_source,
        campaign_medium,
        campaign_name,
        case when is_of_one_product then item_category end as category,
        case when is_in_dollars then 'USD' else currency_text end as currency_code,
        case analytics_storage
            when 'Yes' then 'granted'
            when 'No' then 'denied'
        end as analytics_consent,
        cast(null as {{ dbt.type_string() }}) as personalization_consent,
        case ads_storage
            when 'Yes' then 'granted'
            when 'No' then 'denied'
        end as advertising_consent,
        case
            when anonymous_id is null and user_id is null then 'missing_identity'
            when occurred_at is null then 'unparseable_timestamp'
            when
                occurred_at > {{ dbt.dateadd(
                    'hour',
                    var('future_tolerance_hours'),
                    'coalesce(received_at, loaded_at)'
                ) }}
                then 'future_timestamp'
            when ga4_name is null then 'missing_event_name'
        end as reject_reason,

        -- measures
        case
            when is_of_one_product then item_quantity
            else total_quantity
        end as quantity,
        case
            when not is_of_one_product then null
            when is_in_dollars then price_in_usd
            else price
        end as price_amount,
        case
            when is_in_dollars then revenue_in_usd
            else revenue
        end as revenue_amount,

        -- times
        occurred_at,
        received_at,
        loaded_at
    from priced
)

select * from final
