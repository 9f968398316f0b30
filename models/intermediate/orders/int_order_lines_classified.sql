with

pos_order_lines as (
    select * from {{ ref('stg_pos__order_lines') }}
),

-- A new source of order lines joins here, with the columns of the first.
order_lines as (
    select
        *,
        '{{ source_setting("repeated_lines", "pos") }}' as repeated_lines,
        {{ source_setting('zero_amount_is_purchase', 'pos') }} as zero_is_purchase
    from pos_order_lines
),

-- With a line id, lines of one id are copies of one record. Without it a copy can't be
-- told from a repeat, so identical lines are numbered instead.
identified as (
    select
        *,
        order_id is not null and line_id is not null as has_record_id,
        case
            when reject_reason is not null
                then {{ hash_key(['source_name', 'load_id', 'record_number']) }}
            when order_id is not null and line_id is not null
                then {{ hash_key(['source_name', 'order_id', 'line_id']) }}
            else {{ hash_key(['source_name', 'content_key']) }}
        end as record_key
    from order_lines
),

numbered as (
    select
        *,
        row_number() over (
            partition by record_key
            order by content_key, load_id, record_number
        ) as copy_number
    from identified
),

classified as (
    select
        *,
        case
            when has_record_id or copy_number = 1 then record_key
            else {{ hash_key(['record_key', 'copy_number']) }}
        end as order_line_key,
        case
            when reject_reason is not null then 'rejected'
            when copy_number > 1 and has_record_id then 'duplicate'
            when copy_number > 1 and repeated_lines = 'exclude' then 'duplicate'
            else 'accepted'
        end as record_status
    from numbered
),

final as (
    select
        -- keys
        load_id,
        record_number,
        order_line_key,
        case
            when order_id is not null then {{ hash_key(['source_name', 'order_id']) }}
            else order_line_key
        end as order_key,
        order_id,
        line_id,
        customer_id,
        product_id,

        -- attributes
        source_name,
        record_status,
        reject_reason,
        product_name,
        country,
        channel,
        line_status,
        currency_code,

        -- measures
        quantity,
        unit_price,
        gross_amount,
        discount_amount,
        tax_amount,

        -- flags
        zero_is_purchase,
        copy_number > 1 and not has_record_id as is_repeated_line,

        -- times
        ordered_at
    from classified
)

select * from final
