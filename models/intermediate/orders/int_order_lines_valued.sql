with

order_lines as (
    select * from {{ ref('int_order_lines_unioned') }}
),

event_orders as (
    select * from {{ ref('int_event_orders_matched') }}
    where is_order
),

charge_products as (
    select * from {{ ref('charge_products') }}
),

customer_identifiers as (
    select * from {{ ref('int_customer_identifiers') }}
),

-- What only events know is an order of one line.
unioned as (
    select
        order_line_key,
        order_key,
        order_id,
        line_id,
        identifier_key,
        product_id,
        source_name,
        product_name,
        country,
        channel,
        line_status,
        currency_code,
        exchange_rate,
        quantity,
        unit_price,
        gross_amount,
        discount_amount,
        tax_amount,
        zero_is_purchase,
        is_repeated_line,
        false as is_from_event,
        ordered_at
    from order_lines
    union all
    select
        {{ hash_key(['order_key', "'event'"]) }} as order_line_key,
        order_key,
        order_id,
        cast(null as {{ dbt.type_string() }}) as line_id,
        identifier_key,
        cast(null as {{ dbt.type_string() }}) as product_id,
        source_name,
        cast(null as {{ dbt.type_string() }}) as product_name,
        country,
        channel,
        'completed' as line_status,
        currency_code,
        exchange_rate,
        quantity,
        cast(null as {{ type_amount() }}) as unit_price,
        gross_amount,
        cast(0 as {{ type_amount() }}) as discount_amount,
        cast(0 as {{ type_amount() }}) as tax_amount,
        false as zero_is_purchase,
        false as is_repeated_line,
        true as is_from_event,
        ordered_at
    from event_orders
),

valued as (
    select
        *,
        coalesce(
            gross_amount, cast(quantity * unit_price as {{ type_amount() }})
        ) as line_amount
    from unioned
),

-- A line gives money or takes it back, each at its own time.
directed as (
    select
        *,
        line_amount < 0 or quantity < 0 or line_status <> 'completed' as is_refund
    from valued
),

divided as (
    select
        *,
        case when is_refund then 0 else line_amount end as original_gross_amount,
        case when is_refund then 0 else discount_amount end
            as original_discount_amount,
        case
            when is_refund then abs(line_amount) - abs(discount_amount)
            else 0
        end as original_refund_amount
    from directed
),

final as (
    select
        -- keys
        divided.order_line_key,
        divided.order_key,
        divided.order_id,
        divided.line_id,
        customer_identifiers.customer_id,
        divided.product_id,

        -- attributes
        divided.source_name,
        case
            when customer_identifiers.customer_id is null then 'no_customer'
            when divided.line_status = 'cancelled' then 'cancellation'
            when divided.line_status = 'returned' then 'return'
            when divided.quantity <= 0 then 'non_positive_quantity'
            when divided.line_amount = 0 and divided.zero_is_purchase then 'purchase'
            when divided.line_amount <= 0 then 'non_positive_price'
            else 'purchase'
        end as line_type,
        divided.product_name,
        divided.country,
        divided.channel,
        divided.currency_code,

        -- measures
        divided.exchange_rate,
        divided.quantity,
        divided.unit_price,
        divided.original_gross_amount,
        divided.original_discount_amount,
        divided.original_refund_amount,
        cast(
            divided.original_gross_amount * divided.exchange_rate as {{ type_amount() }}
        ) as gross_amount,
        cast(
            divided.original_discount_amount * divided.exchange_rate
            as {{ type_amount() }}
        ) as discount_amount,
        cast(
            divided.original_refund_amount * divided.exchange_rate
            as {{ type_amount() }}
        ) as refund_amount,
        cast(divided.tax_amount * divided.exchange_rate as {{ type_amount() }})
            as tax_amount,

        -- flags
        divided.is_from_event,
        divided.is_repeated_line,
        charge_products.product_id is null as is_product,

        -- times
        divided.ordered_at,
        {{ to_business_date('divided.ordered_at') }} as ordered_date
    from divided
    left join customer_identifiers
        on divided.identifier_key = customer_identifiers.identifier_key
    left join charge_products
        on upper(divided.product_id) = charge_products.product_id
)

select * from final
