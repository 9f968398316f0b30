with

pos_order_lines as (
    select * from {{ ref('stg_pos__order_lines') }}
),

exchange_rates as (
    select * from {{ ref('int_exchange_rates') }}
),

filled as (
    select
        load_id,
        record_number,
        order_id,
        line_id,
        user_id,
        product_id,
        content_key,
        source_name,
        product_name,
        country,
        channel,
        {{ imputed('stg_pos__order_lines', 'line_status') }} as line_status,
        {{ imputed('stg_pos__order_lines', 'currency_code') }} as currency_code,
        reject_reason,
        quantity,
        unit_price,
        gross_amount,
        {{ imputed('stg_pos__order_lines', 'discount_amount', type_amount()) }}
            as discount_amount,
        {{ imputed('stg_pos__order_lines', 'tax_amount', type_amount()) }}
            as tax_amount,
        ordered_at
    from pos_order_lines
),

dated as (
    select
        *,
        {{ to_business_date('ordered_at') }} as ordered_date
    from filled
),

-- Days are few where lines are many.
currency_days as (
    select
        currency_code,
        ordered_date
    from dated
    where currency_code is not null and ordered_date is not null
    group by currency_code, ordered_date
),

priced_days as (
    select
        currency_days.currency_code,
        currency_days.ordered_date,
        exchange_rates.exchange_rate
    from currency_days
    left join exchange_rates
        on
            currency_days.currency_code = exchange_rates.currency_code
            and currency_days.ordered_date >= exchange_rates.valid_from_date
            and currency_days.ordered_date < exchange_rates.valid_to_date
),

order_lines as (
    select
        dated.load_id,
        dated.record_number,
        dated.order_id,
        dated.line_id,
        dated.user_id,
        dated.product_id,
        dated.content_key,
        dated.source_name,
        dated.product_name,
        dated.country,
        dated.channel,
        dated.line_status,
        dated.currency_code,
        case
            when dated.reject_reason is not null then dated.reject_reason
            when priced_days.exchange_rate is null then 'missing_fx_rate'
        end as reject_reason,
        priced_days.exchange_rate,
        dated.quantity,
        dated.unit_price,
        dated.gross_amount,
        dated.discount_amount,
        dated.tax_amount,
        dated.ordered_at,
        '{{ source_setting("repeated_lines", "pos") }}' as repeated_lines,
        {{ source_setting('zero_amount_is_purchase', 'pos') }} as zero_is_purchase
    from dated
    left join priced_days
        on
            dated.currency_code = priced_days.currency_code
            and dated.ordered_date = priced_days.ordered_date
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
        {{ pseudonymous_id('order_id') }} as order_id,
        {{ pseudonymous_id('line_id') }} as line_id,
        {{ pseudonymous_id('user_id') }} as user_id,
        {{ pseudonymous_id('product_id') }} as product_id,

        -- attributes
        source_name,
        record_status,
        reject_reason,
        {{ mask_contacts('product_name') }} as product_name,
        {{ mask_contacts('country') }} as country,
        {{ mask_contacts('channel') }} as channel,
        {{ mask_contacts('line_status') }} as line_status,
        {{ mask_contacts('currency_code') }} as currency_code,

        -- measures
        exchange_rate,
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
