with

catalog_products as (
    select * from {{ ref('int_products_unioned') }}
),

order_lines as (
    select * from {{ ref('int_order_lines_valued') }}
    where product_id is not null
),

-- The name that most lines print; the first in the alphabet among equals.
name_counts as (
    select
        product_id,
        product_name,
        count(*) as n_lines
    from order_lines
    where product_name is not null
    group by product_id, product_name
),

numbered_names as (
    select
        *,
        row_number() over (
            partition by product_id
            order by n_lines desc, product_name asc
        ) as name_number
    from name_counts
),

sold_products as (
    select
        product_id,
        min(case when is_product then 1 else 0 end) = 1 as is_product,
        min(ordered_at) as first_sold_at,
        max(ordered_at) as last_sold_at
    from order_lines
    group by product_id
),

product_ids as (
    select product_id
    from catalog_products
    union distinct
    select product_id
    from sold_products
),

final as (
    select
        -- keys
        product_ids.product_id,

        -- attributes
        coalesce(catalog_products.product_name, numbered_names.product_name)
            as product_name,
        catalog_products.category,
        catalog_products.subcategory,
        catalog_products.brand,
        catalog_products.currency_code,

        -- measures
        catalog_products.list_price as list_price_amount,

        -- flags
        catalog_products.product_id is not null as is_in_catalog,
        coalesce(sold_products.is_product, true) as is_product,

        -- times
        sold_products.first_sold_at,
        sold_products.last_sold_at
    from product_ids
    left join catalog_products
        on product_ids.product_id = catalog_products.product_id
    left join sold_products
        on product_ids.product_id = sold_products.product_id
    left join numbered_names
        on
            product_ids.product_id = numbered_names.product_id
            and numbered_names.name_number = 1
)

select * from final
