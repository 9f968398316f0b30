with

source as (
    select * from {{ source('catalog', 'products') }}
    where {{ source_is_on('catalog') }}
),

typed as (
    select
        _load_id as load_id,
        _record_number as record_number,
        {{ clean_text('product_id') }} as product_id,
        {{ hash_key([
            'product_id', 'product_name', 'category', 'subcategory', 'brand',
            'list_price', 'currency_code', 'updated_at',
        ]) }} as content_key,
        {{ clean_text('product_name') }} as product_name,
        {{ clean_text('category') }} as category,
        {{ clean_text('subcategory') }} as subcategory,
        {{ clean_text('brand') }} as brand,
        upper({{ clean_text('currency_code') }}) as currency_code,
        {{ dbt.safe_cast('list_price', type_amount()) }} as list_price,
        {{ clean_text('list_price') }} is not null as has_list_price,
        {{ clean_text('updated_at') }} is not null as has_updated_at,
        {{ parse_timestamp(
            'updated_at', source_setting('source_time_zones', 'catalog')
        ) }} as updated_at,
        _loaded_at as loaded_at
    from source
),

final as (
    select
        -- keys
        load_id,
        record_number,
        product_id,
        content_key,

        -- attributes
        'catalog' as source_name,
        product_name,
        category,
        subcategory,
        brand,
        currency_code,
        case
            when product_id is null then 'missing_id'
            when has_list_price and list_price is null then 'unparseable_price'
            when has_updated_at and updated_at is null then 'unparseable_timestamp'
            when
                updated_at > {{ dbt.dateadd(
                    'hour', var('future_tolerance_hours'), 'loaded_at'
                ) }}
                then 'future_timestamp'
        end as reject_reason,

        -- measures
        list_price,

        -- times
        updated_at,
        loaded_at
    from typed
)

select * from final
