with

refunds as (
    select * from {{ ref('stg_shopify__refunds') }}
),

accepted_orders as (
    select * from {{ ref('int_shopify_orders_classified') }}
    where record_status = 'accepted'
),

-- What is taken back from a test, or from an order that never landed, is nobody's.
joined as (
    select
        refunds.load_id,
        refunds.record_number,
        refunds.refund_id,
        refunds.order_id,
        refunds.content_key,
        refunds.source_name,
        case
            when refunds.reject_reason is not null then refunds.reject_reason
            when accepted_orders.order_id is null then 'unknown_order'
        end as reject_reason,
        refunds.paid_amount,
        refunds.line_amount,
        refunds.line_tax_amount,
        refunds.refunded_at
    from refunds
    left join accepted_orders
        on refunds.order_id = accepted_orders.order_id
),

numbered as (
    select
        *,
        row_number() over (
            partition by
                refund_id,
                case when reject_reason is null then 1 else 0 end
            order by content_key, load_id, record_number
        ) as copy_number
    from joined
),

final as (
    select
        -- keys
        load_id,
        record_number,
        refund_id,
        order_id,
        content_key,

        -- attributes
        source_name,
        case
            when reject_reason is not null then 'rejected'
            when copy_number > 1 then 'duplicate'
            else 'accepted'
        end as record_status,
        reject_reason,

        -- measures
        paid_amount,
        line_amount,
        line_tax_amount,

        -- times
        refunded_at
    from numbered
)

select * from final
