with

source as (
    select * from {{ source('shopify', 'products') }}
    where {{ source_is_on('shopify') }}
),

typed as (
    select
        _load_id as load_id,
        _record_number as record_number,
        {{ clean_id(json_text('record', 'id')) }} as shopify_product_id,
        {{ hash_key(['record']) }} as content_key,
        {{ clean_text(json_text('record', 'title')) }} as product_name,
        {{ clean_text(json_text('record', 'product_type')) }} as category,
        {{ clean_text(json_text('record', 'vendor')) }} as brand,
        {{ json_sum('record', 'variants[*].price') }} as price_sum,
        {{ clean_text(json_text('record', 'updated_at')) }} as updated_text,
        {{ parse_timestamp(json_text('record', 'updated_at'), 'UTC') }} as updated_at,
        _loaded_at as loaded_at
    from source
),

final as (
    select
        -- keys
        load_id,
        record_number,
        shopify_product_id,
        content_key,

        -- attributes
        'shopify' as source_name,
        product_name,
        category,
        brand,
        case
            when shopify_product_id is null then 'missing_id'
            when price_sum is null then 'unparseable_price'
            when updated_text is not null and updated_at is null
                then 'unparseable_timestamp'
            when
                updated_at > {{ dbt.dateadd(
                    'hour', var('future_tolerance_hours'), 'loaded_at'
                ) }}
                then 'future_timestamp'
        end as reject_reason,

        -- times
        updated_at,
        loaded_at
    from typed
)

select * from final
