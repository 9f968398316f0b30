-- What an order and its refunds say, as lines: what was sold, shipping, what was taken
-- back, and what a cancellation leaves to take back.
with

orders as (
    select * from {{ ref('int_shopify_orders_classified') }}
    where record_status = 'accepted'
),

order_lines as (
    select * from {{ ref('stg_shopify__order_lines') }}
),

refunds as (
    select * from {{ ref('int_shopify_refunds_classified') }}
    where record_status = 'accepted'
),

refund_lines as (
    select * from {{ ref('stg_shopify__refund_lines') }}
),

product_lines as (
    select
        orders.order_id,
        coalesce(
            order_lines.line_id,
            cast(order_lines.line_number as {{ dbt.type_string() }})
        ) as line_id,
        order_lines.product_id,
        order_lines.product_name,
        {{ imputed(
            'stg_shopify__order_lines', 'quantity', type_amount(), 'order_lines.quantity'
        ) }} as quantity,
        {{ imputed(
            'stg_shopify__order_lines', 'unit_price', type_amount(),
            'order_lines.unit_price'
        ) }} as unit_price,
        {{ imputed(
            'stg_shopify__order_lines', 'discount_amount', type_amount(),
            'order_lines.discount_amount'
        ) }} as discount_amount,
        {{ imputed(
            'stg_shopify__order_lines', 'tax_amount', type_amount(),
            'order_lines.tax_amount'
        ) }} as tax_amount
    from orders
    inner join order_lines
        on
            orders.load_id = order_lines.load_id
            and orders.record_number = order_lines.record_number
),

shipping_lines as (
    select
        order_id,
        'shipping' as line_id,
        'SHIPPING' as product_id,
        'Shipping' as product_name,
        cast(1 as {{ type_amount() }}) as quantity,
        shipping_amount as unit_price,
        cast(0 as {{ type_amount() }}) as discount_amount,
        cast(0 as {{ type_amount() }}) as tax_amount
    from orders
    where shipping_amount > 0
),

sold_lines as (
    select * from product_lines
    union all
    select * from shipping_lines
),

taken_lines as (
    select
        refunds.order_id,
        refunds.refund_id,
        refund_lines.line_number,
        refund_lines.line_id as sold_line_id,
        {{ imputed(
            'stg_shopify__refund_lines', 'quantity', type_amount(),
            'refund_lines.quantity'
        ) }} as quantity,
        {{ imputed(
            'stg_shopify__refund_lines', 'amount', type_amount(), 'refund_lines.amount'
        ) }} as amount,
        {{ imputed(
            'stg_shopify__refund_lines', 'tax_amount', type_amount(),
            'refund_lines.tax_amount'
        ) }} as tax_amount,
        refunds.refunded_at
    from refunds
    inner join refund_lines
        on
            refunds.load_id = refund_lines.load_id
            and refunds.record_number = refund_lines.record_number
),

-- More was paid back than the lines cost (shipping, goodwill), or less (a fee). Where
-- nothing was paid back yet, the lines say what will be.
differences as (
    select
        refunds.order_id,
        refunds.refund_id,
        refunds.refunded_at,
        refunds.paid_amount
        - refunds.line_amount
        - case when orders.is_tax_included then 0 else refunds.line_tax_amount end
            as amount
    from refunds
    inner join orders
        on refunds.order_id = orders.order_id
    where refunds.paid_amount > 0
),

taken_per_line as (
    select
        order_id,
        sold_line_id as line_id,
        sum(quantity) as quantity,
        sum(amount) as amount
    from taken_lines
    group by order_id, sold_line_id
    union all
    select
        order_id,
        'shipping' as line_id,
        cast(0 as {{ type_amount() }}) as quantity,
        sum(amount) as amount
    from differences
    where amount > 0
    group by order_id
),

-- A cancelled order gives nothing, whatever its refunds took back before.
left_to_cancel as (
    select
        sold_lines.order_id,
        sold_lines.line_id,
        sold_lines.product_id,
        sold_lines.product_name,
        sold_lines.quantity - coalesce(taken_per_line.quantity, 0) as quantity,
        cast(
            sold_lines.quantity * sold_lines.unit_price
            - sold_lines.discount_amount
            - coalesce(taken_per_line.amount, 0)
            as {{ type_amount() }}
        ) as amount,
        orders.cancelled_at
    from sold_lines
    inner join orders
        on sold_lines.order_id = orders.order_id
    left join taken_per_line
        on
            sold_lines.order_id = taken_per_line.order_id
            and sold_lines.line_id = taken_per_line.line_id
    where orders.cancelled_at is not null
),

lines as (
    select
        order_id,
        'sold' as line_kind,
        line_id,
        product_id,
        product_name,
        quantity,
        unit_price,
        cast(quantity * unit_price as {{ type_amount() }}) as gross_amount,
        discount_amount,
        tax_amount,
        cast(null as timestamp) as taken_at
    from sold_lines
    union all
    select
        taken_lines.order_id,
        'taken' as line_kind,
        taken_lines.refund_id
        || '-'
        || cast(taken_lines.line_number as {{ dbt.type_string() }}) as line_id,
        sold_lines.product_id,
        sold_lines.product_name,
        -taken_lines.quantity as quantity,
        sold_lines.unit_price,
        -taken_lines.amount as gross_amount,
        cast(0 as {{ type_amount() }}) as discount_amount,
        -taken_lines.tax_amount as tax_amount,
        taken_lines.refunded_at as taken_at
    from taken_lines
    left join sold_lines
        on
            taken_lines.order_id = sold_lines.order_id
            and taken_lines.sold_line_id = sold_lines.line_id
    union all
    select
        order_id,
        case when amount > 0 then 'taken' else 'kept' end as line_kind,
        refund_id as line_id,
        'REFUND ADJUSTMENT' as product_id,
        'Refund adjustment' as product_name,
        cast(case when amount > 0 then -1 else 1 end as {{ type_amount() }})
            as quantity,
        cast(null as {{ type_amount() }}) as unit_price,
        -amount as gross_amount,
        cast(0 as {{ type_amount() }}) as discount_amount,
        cast(0 as {{ type_amount() }}) as tax_amount,
        refunded_at as taken_at
    from differences
    where amount <> 0
    union all
    select
        order_id,
        'cancelled' as line_kind,
        line_id,
        product_id,
        product_name,
        -quantity as quantity,
        cast(null as {{ type_amount() }}) as unit_price,
        -amount as gross_amount,
        cast(0 as {{ type_amount() }}) as discount_amount,
        cast(0 as {{ type_amount() }}) as tax_amount,
        cancelled_at as taken_at
    from left_to_cancel
    where amount > 0 or (amount = 0 and quantity > 0)
),

final as (
    select
        -- keys
        {{ hash_key([
            'orders.source_name', 'orders.order_id', 'lines.line_kind', 'lines.line_id',
        ]) }} as order_line_key,
        orders.order_key,
        orders.order_id,
        lines.line_id,
        orders.shopify_customer_id,
        orders.email_hash,
        orders.phone_hash,
        {{ pseudonymous_id('lines.product_id') }} as product_id,

        -- attributes
        orders.source_name,
        {{ mask_contacts('lines.product_name') }} as product_name,
        orders.country,
        orders.channel,
        case
            when lines.line_kind in ('sold', 'kept') then 'completed'
            when orders.cancelled_at is not null then 'cancelled'
            else 'returned'
        end as line_status,
        orders.currency_code,

        -- measures
        orders.exchange_rate,
        cast(lines.quantity as {{ type_amount() }}) as quantity,
        lines.unit_price,
        cast(lines.gross_amount as {{ type_amount() }}) as gross_amount,
        lines.discount_amount,
        lines.tax_amount,

        -- times
        coalesce(lines.taken_at, orders.ordered_at) as ordered_at
    from lines
    inner join orders
        on lines.order_id = orders.order_id
)

select * from final
