-- A new catalogue joins here. Where two have a product, the first counts: `catalog`,
-- then the shop system's.
with

catalog_products as (
    select * from {{ ref('int_catalog_products_classified') }}
    where record_status = 'accepted'
),

shopify_products as (
    select * from {{ ref('int_shopify_products_classified') }}
    where record_status = 'accepted'
),

shopify_variants as (
    select * from {{ ref('stg_shopify__product_variants') }}
),

products as (
    select
        product_id,
        1 as source_rank,
        source_name,
        content_key,
        1 as variant_number,
        product_name,
        category,
        subcategory,
        brand,
        currency_code,
        list_price
    from catalog_products
    union all
    select
        {{ pseudonymous_id('shopify_variants.product_id') }} as product_id,
        2 as source_rank,
        shopify_products.source_name,
        shopify_products.content_key,
        shopify_variants.variant_number,
        shopify_products.product_name,
        shopify_products.category,
        cast(null as {{ dbt.type_string() }}) as subcategory,
        shopify_products.brand,
        {{ imputed(
            'stg_shopify__product_variants', 'currency_code',
            expression='cast(null as ' ~ dbt.type_string() ~ ')'
        ) }} as currency_code,
        shopify_variants.list_price
    from shopify_products
    inner join shopify_variants
        on
            shopify_products.load_id = shopify_variants.load_id
            and shopify_products.record_number = shopify_variants.record_number
    where shopify_variants.product_id is not null
),

numbered as (
    select
        *,
        row_number() over (
            partition by product_id
            order by source_rank, content_key, variant_number
        ) as product_number
    from products
),

final as (
    select
        -- keys
        product_id,

        -- attributes
        source_name,
        product_name,
        category,
        subcategory,
        brand,
        currency_code,

        -- measures
        list_price
    from numbered
    where product_number = 1
)

select * from final
