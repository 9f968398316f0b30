with

source as (
    select * from {{ source('shopify', 'orders') }}
    where {{ source_is_on('shopify') }}
),

{% set calling_code = source_setting('source_calling_codes', 'shopify') -%}
typed as (
    select
        _load_id as load_id,
        _record_number as record_number,
        {{ clean_id(json_text('record', 'id')) }} as order_id,
        {{ clean_id('replace(' ~ json_text('record', 'name') ~ ", '#', '')") }}
            as order_number,
        {{ clean_id(json_text('record', 'customer.id')) }} as shopify_customer_id,
        coalesce(
            {{ clean_email(json_text('record', 'email')) }},
            {{ clean_email(json_text('record', 'customer.email')) }}
        ) as email,
        coalesce(
            {{ clean_phone(json_text('record', 'phone'), calling_code) }},
            {{ clean_phone(json_text('record', 'customer.phone'), calling_code) }}
        ) as phone,
        {{ hash_key(['record']) }} as content_key,
        upper({{ clean_text(json_text('record', 'currency')) }}) as currency_code,
        coalesce(
            {{ clean_text(json_text('record', 'shipping_address.country_code')) }},
            {{ clean_text(json_text('record', 'billing_address.country_code')) }}
        ) as country_text,
        lower({{ clean_text(json_text('record', 'source_name')) }}) as sales_channel,
        coalesce(lower({{ json_text('record', 'test') }}) = 'true', false) as is_test,
        coalesce(lower({{ json_text('record', 'taxes_included') }}) = 'true', false)
            as is_tax_included,
        {{ json_sum('record', 'shipping_lines[*].price') }} as shipping_amount,
        {{ json_sum('record', 'line_items[*].price') }} as price_sum,
        {{ json_sum('record', 'line_items[*].quantity') }} as quantity_sum,
        {{ json_sum('record', 'line_items[*].total_discount') }} as discount_sum,
        {{ parse_timestamp(json_text('record', 'created_at'), 'UTC') }} as created_at,
        {{ parse_timestamp(
            'coalesce(' ~ clean_text(json_text('record', 'processed_at')) ~ ', '
            ~ json_text('record', 'created_at') ~ ')', 'UTC'
        ) }} as ordered_at,
        {{ clean_text(json_text('record', 'cancelled_at')) }} as cancelled_text,
        {{ parse_timestamp(json_text('record', 'cancelled_at'), 'UTC') }}
            as cancelled_at,
        {{ clean_text(json_text('record', 'updated_at')) }} as updated_text,
        {{ parse_timestamp(json_text('record', 'updated_at'), 'UTC') }} as updated_at,
        _loaded_at as loaded_at
    from source
),

final as (
    select
        -- keys
        load_id,
        record_number,
        order_id,
        order_number,
        shopify_customer_id,
        content_key,

        -- attributes
        'shopify' as source_name,
        email,
        phone,
        currency_code,
        {{ country_code('country_text') }} as country_code,
        case
            when sales_channel in ('iphone', 'android') then 'mobile'
            when sales_channel = 'pos' then 'store'
            else sales_channel
        end as channel,
        case
            when order_id is null then 'missing_id'
            when ordered_at is null then 'unparseable_timestamp'
            when cancelled_text is not null and cancelled_at is null
                then 'unparseable_timestamp'
            when updated_text is not null and updated_at is null
                then 'unparseable_timestamp'
            when
                ordered_at > {{ dbt.dateadd(
                    'hour', var('future_tolerance_hours'), 'loaded_at'
                ) }}
                then 'future_timestamp'
            when quantity_sum is null then 'unparseable_quantity'
            when price_sum is null or shipping_amount is null then 'unparseable_price'
            when discount_sum is null then 'unparseable_discount'
            when is_test then 'test_order'
        end as reject_reason,

        -- measures
        shipping_amount,

        -- flags
        is_test,
        is_tax_included,

        -- times
        ordered_at,
        cancelled_at,
        coalesce(updated_at, created_at) as updated_at,
        loaded_at
    from typed
)

select * from final
