with

source as (
    select * from {{ source('shopify', 'refunds') }}
    where {{ source_is_on('shopify') }}
),

transactions as (
    {{ json_elements('source', 'record', 'transactions') }}
),

transaction_amounts as (
    select
        _load_id,
        _record_number,
        lower({{ json_text('element', 'kind') }}) as kind,
        {{ dbt.safe_cast(json_text('element', 'amount'), type_amount()) }} as amount
    from transactions
),

paid_back as (
    select
        _load_id as load_id,
        _record_number as record_number,
        sum(case when kind = 'refund' then amount else 0 end) as paid_amount,
        max(case when kind = 'refund' and amount is null then 1 else 0 end)
            as n_unparseable
    from transaction_amounts
    group by _load_id, _record_number
),

typed as (
    select
        _load_id as load_id,
        _record_number as record_number,
        {{ clean_id(json_text('record', 'id')) }} as refund_id,
        {{ clean_id(json_text('record', 'order_id')) }} as order_id,
        {{ hash_key(['record']) }} as content_key,
        {{ json_sum('record', 'refund_line_items[*].quantity') }} as quantity,
        {{ json_sum('record', 'refund_line_items[*].subtotal') }} as line_amount,
        {{ json_sum('record', 'refund_line_items[*].total_tax') }} as line_tax_amount,
        {{ parse_timestamp(json_text('record', 'created_at'), 'UTC') }} as refunded_at,
        _loaded_at as loaded_at
    from source
),

final as (
    select
        -- keys
        typed.load_id,
        typed.record_number,
        typed.refund_id,
        typed.order_id,
        typed.content_key,

        -- attributes
        'shopify' as source_name,
        case
            when typed.refund_id is null then 'missing_id'
            when typed.order_id is null then 'missing_order_id'
            when typed.refunded_at is null then 'unparseable_timestamp'
            when
                typed.refunded_at > {{ dbt.dateadd(
                    'hour', var('future_tolerance_hours'), 'typed.loaded_at'
                ) }}
                then 'future_timestamp'
            when typed.quantity is null then 'unparseable_quantity'
            when
                typed.line_amount is null
                or typed.line_tax_amount is null
                or paid_back.n_unparseable = 1
                then 'unparseable_amount'
        end as reject_reason,

        -- measures
        paid_back.paid_amount,
        typed.line_amount,
        typed.line_tax_amount,

        -- times
        typed.refunded_at,
        typed.loaded_at
    from typed
    left join paid_back
        on
            typed.load_id = paid_back.load_id
            and typed.record_number = paid_back.record_number
)

select * from final
