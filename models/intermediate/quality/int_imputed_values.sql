-- Counted from the data: what the source left out, and what staging has there instead.
-- A column that is filled joins here, and in the seed `imputations`.
with

-- Of several copies one counts, so that a file landed twice changes nothing.
accepted as (
    select * from {{ ref('int_landed_records') }}
    where record_status in ('accepted', 'withheld')
),

order_lines as (
    select * from {{ ref('stg_pos__order_lines') }}
),

order_line_gaps as (
    select * from {{ ref('stg_pos__order_line_gaps') }}
),

products as (
    select * from {{ ref('stg_catalog__products') }}
),

product_gaps as (
    select * from {{ ref('stg_catalog__product_gaps') }}
),

shopify_orders as (
    select * from {{ ref('stg_shopify__orders') }}
),

shopify_order_gaps as (
    select * from {{ ref('stg_shopify__order_gaps') }}
),

shopify_order_lines as (
    select * from {{ ref('stg_shopify__order_lines') }}
),

shopify_order_line_gaps as (
    select * from {{ ref('stg_shopify__order_line_gaps') }}
),

shopify_order_lines_with_gaps as (
    select
        shopify_order_lines.*,
        shopify_order_line_gaps.is_discount_amount_missing,
        shopify_order_line_gaps.is_tax_amount_missing
    from shopify_order_lines
    inner join shopify_order_line_gaps
        on
            shopify_order_lines.load_id = shopify_order_line_gaps.load_id
            and shopify_order_lines.record_number
            = shopify_order_line_gaps.record_number
            and shopify_order_lines.line_number = shopify_order_line_gaps.line_number
    inner join accepted
        on
            shopify_order_lines.load_id = accepted.load_id
            and shopify_order_lines.record_number = accepted.record_number
),

order_lines_with_gaps as (
    select
        order_lines.*,
        order_line_gaps.is_currency_code_missing,
        order_line_gaps.is_line_status_missing,
        order_line_gaps.is_discount_amount_missing,
        order_line_gaps.is_tax_amount_missing
    from order_lines
    inner join order_line_gaps
        on
            order_lines.load_id = order_line_gaps.load_id
            and order_lines.record_number = order_line_gaps.record_number
    inner join accepted
        on
            order_lines.load_id = accepted.load_id
            and order_lines.record_number = accepted.record_number
),

columns_of_records as (
    select
        'stg_pos__order_lines' as model_name,
        'currency_code' as column_name,
        currency_code as column_value,
        is_currency_code_missing as is_missing
    from order_lines_with_gaps
    union all
    select
        'stg_pos__order_lines' as model_name,
        'line_status' as column_name,
        line_status as column_value,
        is_line_status_missing as is_missing
    from order_lines_with_gaps
    union all
    select
        'stg_pos__order_lines' as model_name,
        'discount_amount' as column_name,
        cast(discount_amount as {{ dbt.type_string() }}) as column_value,
        is_discount_amount_missing as is_missing
    from order_lines_with_gaps
    union all
    select
        'stg_pos__order_lines' as model_name,
        'tax_amount' as column_name,
        cast(tax_amount as {{ dbt.type_string() }}) as column_value,
        is_tax_amount_missing as is_missing
    from order_lines_with_gaps
    union all
    select
        'stg_catalog__products' as model_name,
        'currency_code' as column_name,
        products.currency_code as column_value,
        product_gaps.is_currency_code_missing as is_missing
    from products
    inner join product_gaps
        on
            products.load_id = product_gaps.load_id
            and products.record_number = product_gaps.record_number
    inner join accepted
        on
            products.load_id = accepted.load_id
            and products.record_number = accepted.record_number
    union all
    select
        'stg_shopify__orders' as model_name,
        'currency_code' as column_name,
        shopify_orders.currency_code as column_value,
        shopify_order_gaps.is_currency_code_missing as is_missing
    from shopify_orders
    inner join shopify_order_gaps
        on
            shopify_orders.load_id = shopify_order_gaps.load_id
            and shopify_orders.record_number = shopify_order_gaps.record_number
    inner join accepted
        on
            shopify_orders.load_id = accepted.load_id
            and shopify_orders.record_number = accepted.record_number
    union all
    select
        'stg_shopify__order_lines' as model_name,
        'discount_amount' as column_name,
        cast(discount_amount as {{ dbt.type_string() }}) as column_value,
        is_discount_amount_missing as is_missing
    from shopify_order_lines_with_gaps
    union all
    select
        'stg_shopify__order_lines' as model_name,
        'tax_amount' as column_name,
        cast(tax_amount as {{ dbt.type_string() }}) as column_value,
        is_tax_amount_missing as is_missing
    from shopify_order_lines_with_gaps
),

counted as (
    select
        model_name,
        column_name,
        case when is_missing then column_value end as imputed_value,
        count(*) as n_records
    from columns_of_records
    group by
        model_name,
        column_name,
        case when is_missing then column_value end
),

final as (
    select
        -- keys
        {{ hash_key(['model_name', 'column_name', 'imputed_value']) }}
            as imputed_value_key,

        -- attributes
        model_name,
        column_name,
        imputed_value,

        -- measures
        n_records
    from counted
)

select * from final
