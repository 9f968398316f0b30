{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['customer_id', 'category', 'ordered_date'],
        on_schema_change='fail',
    )
}}

-- Of a category only its last day before a date counts, so that customers' categories
-- can be counted without telling them apart. A day that is no more stays as a row
-- without its next, so that who reads changes sees whose it was.
with

order_lines as (
    select * from {{ ref('int_order_lines_valued') }}
    where line_type = 'purchase' and is_product
),

products as (
    select * from {{ ref('int_products_unioned') }}
    where category is not null
),

category_days as (
    select
        order_lines.customer_id,
        products.category,
        order_lines.ordered_date,
        coalesce(
            lead(order_lines.ordered_date) over (
                partition by order_lines.customer_id, products.category
                order by order_lines.ordered_date
            ),
            cast('9999-12-31' as date)
        ) as next_ordered_date
    from order_lines
    inner join products
        on order_lines.product_id = products.product_id
    group by order_lines.customer_id, products.category, order_lines.ordered_date
),

{% if is_incremental() -%}
standing_days as {{ not_materialized() }} (
    select * from {{ this }}
),

present_days as (
    select * from standing_days
    where next_ordered_date is not null
),

changed_days as (
    select
        coalesce(category_days.customer_id, present_days.customer_id) as customer_id,
        coalesce(category_days.category, present_days.category) as category,
        coalesce(category_days.ordered_date, present_days.ordered_date)
            as ordered_date,
        category_days.next_ordered_date
    from category_days
    full outer join present_days
        on
            category_days.customer_id = present_days.customer_id
            and category_days.category = present_days.category
            and category_days.ordered_date = present_days.ordered_date
    where
        category_days.customer_id is null
        or present_days.customer_id is null
        or category_days.next_ordered_date <> present_days.next_ordered_date
),

{% else -%}
changed_days as (
    select * from category_days
),

standing_days as (
    select cast(0 as {{ dbt.type_bigint() }}) as change_number
),

{% endif -%}
final as (
    select
        -- keys
        customer_id,

        -- attributes
        category,

        -- measures
        (select coalesce(max(standing_days.change_number), 0) + 1 from standing_days)
            as change_number,

        -- times
        ordered_date,
        next_ordered_date
    from changed_days
)

select * from final
