with

order_lines as (
    select * from {{ ref('int_order_lines_classified') }}
    where record_status = 'accepted'
),

charge_products as (
    select * from {{ ref('charge_products') }}
),

customer_identifiers as (
    select * from {{ ref('int_customer_identifiers') }}
    where identifier_type = 'user_id'
),

valued as (
    select
        *,
        coalesce(
            gross_amount, cast(quantity * unit_price as {{ type_amount() }})
        ) as line_amount
    from order_lines
),

-- A line gives money or takes it back, each at its own time.
directed as (
    select
        *,
        line_amount < 0 or quantity < 0 or line_status <> 'completed' as is_refund
    from valued
),

final as (
    select
        -- keys
        directed.order_line_key,
        directed.order_key,
        directed.order_id,
        directed.line_id,
        customer_identifiers.customer_id,
        directed.product_id,

        -- attributes
        directed.source_name,
        case
            when directed.customer_id is null then 'no_customer'
            when directed.line_status = 'cancelled' then 'cancellation'
            when directed.line_status = 'returned' then 'return'
            when directed.quantity <= 0 then 'non_positive_quantity'
            when directed.line_amount = 0 and directed.zero_is_purchase then 'purchase'
            when directed.line_amount <= 0 then 'non_positive_price'
            else 'purchase'
        end as line_type,
        directed.product_name,
        directed.country,
        directed.channel,
        directed.currency_code,

        -- measures
        directed.quantity,
        directed.unit_price,
        case when directed.is_refund then 0 else directed.line_amount end
            as gross_amount,
        case when directed.is_refund then 0 else directed.discount_amount end
            as discount_amount,
        case
            when directed.is_refund
                then abs(directed.line_amount) - abs(directed.discount_amount)
            else 0
        end as refund_amount,
        directed.tax_amount,

        -- flags
        directed.is_repeated_line,
        charge_products.product_id is null as is_product,

        -- times
        directed.ordered_at,
        {{ to_business_date('directed.ordered_at') }} as ordered_date
    from directed
    left join customer_identifiers
        on directed.customer_id = customer_identifiers.identifier_value
    left join charge_products
        on upper(directed.product_id) = charge_products.product_id
)

select * from final
