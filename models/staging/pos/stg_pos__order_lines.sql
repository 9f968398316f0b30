with

source as (
    select * from {{ source('pos', 'order_lines') }}
    where {{ source_is_on('pos') }}
),

typed as (
    select
        _load_id as load_id,
        _record_number as record_number,
        {{ clean_id('order_id') }} as order_id,
        {{ clean_id('line_id') }} as line_id,
        {{ clean_id('customer_id') }} as user_id,
        {{ clean_id('product_id') }} as product_id,
        {{ hash_key([
            'order_id', 'line_id', 'ordered_at', 'product_id', 'product_name',
            'quantity', 'unit_price', 'gross_amount', 'discount_amount', 'tax_amount',
            'currency_code', 'customer_id', 'country', 'channel', 'line_status',
        ]) }} as content_key,
        {{ clean_text('product_name') }} as product_name,
        {{ clean_text('country') }} as country,
        lower({{ clean_text('channel') }}) as channel,
        lower({{ clean_text('line_status') }}) as line_status,
        upper({{ clean_text('currency_code') }}) as currency_code,
        {{ dbt.safe_cast('quantity', type_amount()) }} as quantity,
        {{ dbt.safe_cast('unit_price', type_amount()) }} as unit_price,
        {{ dbt.safe_cast('gross_amount', type_amount()) }} as gross_amount,
        {{ dbt.safe_cast('discount_amount', type_amount()) }} as discount_amount,
        {{ dbt.safe_cast('tax_amount', type_amount()) }} as tax_amount,
        {{ clean_text('unit_price') }} is not null as has_unit_price,
        {{ clean_text('gross_amount') }} is not null as has_gross_amount,
        {{ clean_text('discount_amount') }} is not null as has_discount_amount,
        {{ clean_text('tax_amount') }} is not null as has_tax_amount,
        {{ parse_timestamp('ordered_at', source_setting('source_time_zones', 'pos')) }}
            as ordered_at,
        _loaded_at as loaded_at
    from source
),

flagged as (
    select
        *,
        case
            when ordered_at is null then 'unparseable_timestamp'
            when
                ordered_at > {{ dbt.dateadd(
                    'hour', var('future_tolerance_hours'), 'loaded_at'
                ) }}
                then 'future_timestamp'
            when quantity is null then 'unparseable_quantity'
            when has_gross_amount and gross_amount is null then 'unparseable_amount'
            when has_unit_price and unit_price is null then 'unparseable_price'
            when not has_gross_amount and not has_unit_price then 'missing_price'
            when
                has_discount_amount and discount_amount is null
                then 'unparseable_discount'
            when has_tax_amount and tax_amount is null then 'unparseable_tax'
            when
                line_status not in ('completed', 'cancelled', 'returned')
                then 'unknown_line_status'
        end as reject_reason
    from typed
),

final as (
    select
        -- keys
        load_id,
        record_number,
        order_id,
        line_id,
        user_id,
        product_id,
        content_key,

        -- attributes
        'pos' as source_name,
        product_name,
        country,
        channel,
        line_status,
        currency_code,
        reject_reason,

        -- measures
        quantity,
        unit_price,
        gross_amount,
        discount_amount,
        tax_amount,

        -- times
        ordered_at,
        loaded_at
    from flagged
)

select * from final
