with

products as (
    select * from {{ ref('stg_shopify__products') }}
),

numbered as (
    select
        *,
        row_number() over (
            partition by
                shopify_product_id,
                case when reject_reason is null then 1 else 0 end
            order by
                coalesce(updated_at, cast('1970-01-01' as timestamp)) desc,
                content_key asc,
                load_id asc,
                record_number asc
        ) as version_number
    from products
),

final as (
    select
        -- keys
        load_id,
        record_number,
        shopify_product_id,
        content_key,

        -- attributes
        source_name,
        case
            when reject_reason is not null then 'rejected'
            when version_number > 1 then 'duplicate'
            else 'accepted'
        end as record_status,
        reject_reason,
        {{ mask_contacts('product_name') }} as product_name,
        {{ mask_contacts('category') }} as category,
        {{ mask_contacts('brand') }} as brand,

        -- times
        updated_at
    from numbered
)

select * from final
