with

products as (
    select * from {{ ref('stg_catalog__products') }}
),

-- Every file is a full extract: the latest record of a product wins.
numbered as (
    select
        *,
        row_number() over (
            partition by
                product_id,
                case when reject_reason is null then 1 else 0 end
            order by
                coalesce(updated_at, cast('1970-01-01' as timestamp)) desc,
                case when updated_at is null then load_id end desc,
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
        {{ pseudonymous_id('product_id') }} as product_id,
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
        {{ mask_contacts('subcategory') }} as subcategory,
        {{ mask_contacts('brand') }} as brand,
        {{ imputed(
            'stg_catalog__products', 'currency_code',
            expression=mask_contacts('currency_code')
        ) }} as currency_code,

        -- measures
        list_price,

        -- times
        updated_at
    from numbered
)

select * from final
