with

source as (
    select * from {{ source('shopify', 'products') }}
    where {{ source_is_on('shopify') }}
),

unnested as (
    {{ json_elements('source', 'record', 'variants') }}
),

final as (
    select
        -- keys
        _load_id as load_id,
        _record_number as record_number,
        cast(element_number as bigint) as variant_number,
        {{ clean_id(json_text('record', 'id')) }} as shopify_product_id,
        coalesce(
            {{ clean_id(json_text('element', 'sku')) }},
            {{ clean_id(json_text('element', 'id')) }},
            {{ clean_id(json_text('record', 'id')) }}
        ) as product_id,

        -- measures
        {{ dbt.safe_cast(json_text('element', 'price'), type_amount()) }} as list_price
    from unnested
)

select * from final
