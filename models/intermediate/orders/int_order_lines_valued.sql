{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='order_line_key',
        on_schema_change='fail',
        post_hook="delete from {{ this }} where line_type is null",
    )
}}
{% set value_columns = [
    'order_line_key', 'order_key', 'order_id', 'line_id', 'customer_id', 'product_id',
    'source_name', 'line_type', 'product_name', 'country', 'channel', 'currency_code',
    'exchange_rate', 'quantity', 'unit_price', 'original_gross_amount',
    'original_discount_amount', 'original_refund_amount', 'gross_amount',
    'discount_amount', 'refund_amount', 'tax_amount', 'is_from_event',
    'is_repeated_line', 'is_product', 'ordered_at', 'ordered_date',
] -%}
-- Only lines that say something new are written, so that orders are summed again where
-- a line changed and nowhere else. Lines that are classified load by load are told by
-- the run that classified them, others by what they say. A line that is no more is
-- written without content and deleted in the same transaction.
with

order_lines as {{ not_materialized() }} (
    select * from {{ ref('int_order_lines_unioned') }}
),

event_orders as {{ not_materialized() }} (
    select * from {{ ref('int_event_orders_matched') }}
    where is_order
),

charge_products as (
    select * from {{ ref('charge_products') }}
),

customer_identifiers as {{ not_materialized() }} (
    select * from {{ ref('int_customer_identifiers') }}
),

-- What only events know is an order of one line.
unioned as {{ not_materialized() }} (
    select
        order_line_key,
        order_key,
        order_id,
        line_id,
        compact_identifier_key,
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
        change_number,
        zero_is_purchase,
        is_repeated_line,
        false as is_from_event,
        ordered_at,
        ordered_date
    from order_lines
    union all
    select
        {{ hash_key(['order_key', "'event'"]) }} as order_line_key,
        order_key,
        order_id,
        cast(null as {{ dbt.type_string() }}) as line_id,
        compact_identifier_key,
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
        cast(null as {{ dbt.type_int() }}) as change_number,
        false as zero_is_purchase,
        false as is_repeated_line,
        true as is_from_event,
        ordered_at,
        {{ to_business_date('ordered_at') }} as ordered_date
    from event_orders
),

attributed as {{ not_materialized() }} (
    select
        unioned.*,
        customer_identifiers.customer_id,
        charge_products.product_id is null as is_product
    from unioned
    left join customer_identifiers
        on
            unioned.compact_identifier_key
            = customer_identifiers.compact_identifier_key
    left join charge_products
        on upper(unioned.product_id) = charge_products.product_id
),

{% if is_incremental() -%}
standing_lines as {{ not_materialized() }} (
    select * from {{ this }}
),

-- A line that is no more has no number either.
compared as {{ materialized() }} (
    select
        coalesce(attributed.order_line_key, standing_lines.order_line_key)
            as order_line_key,
        standing_lines.order_key as standing_order_key,
        attributed.order_line_key is null as is_gone
    from attributed
    full outer join standing_lines
        on attributed.order_line_key = standing_lines.order_line_key
    where
        standing_lines.order_line_key is null
        or attributed.change_number is null
        or attributed.change_number
        <> coalesce(standing_lines.classification_number, 0)
        or attributed.is_product <> standing_lines.is_product
        or coalesce(attributed.customer_id, '')
        <> coalesce(standing_lines.customer_id, '')
),

lines_to_value as (
    select order_line_key from compared
    where not is_gone
),

{% else -%}
standing_lines as (
    select 0 as change_number
),

{% endif -%}
valued as {{ not_materialized() }} (
    select
        *,
        coalesce(
            gross_amount, cast(quantity * unit_price as {{ type_amount() }})
        ) as line_amount
    from attributed
    {% if is_incremental() -%}
        where
            order_line_key in ({{ few_values('lines_to_value', 'order_line_key') }})
    {%- endif %}
),

-- A line gives money or takes it back, each at its own time.
directed as {{ not_materialized() }} (
    select
        *,
        line_amount < 0 or quantity < 0 or line_status <> 'completed' as is_refund
    from valued
),

divided as {{ not_materialized() }} (
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

described as (
    select
        order_line_key,
        order_key,
        order_id,
        line_id,
        customer_id,
        product_id,
        source_name,
        case
            when customer_id is null then 'no_customer'
            when line_status = 'cancelled' then 'cancellation'
            when line_status = 'returned' then 'return'
            when quantity <= 0 then 'non_positive_quantity'
            when line_amount = 0 and zero_is_purchase then 'purchase'
            when line_amount <= 0 then 'non_positive_price'
            else 'purchase'
        end as line_type,
        product_name,
        country,
        channel,
        currency_code,
        exchange_rate,
        quantity,
        unit_price,
        original_gross_amount,
        original_discount_amount,
        original_refund_amount,
        cast(original_gross_amount * exchange_rate as {{ type_amount() }})
            as gross_amount,
        cast(original_discount_amount * exchange_rate as {{ type_amount() }})
            as discount_amount,
        cast(original_refund_amount * exchange_rate as {{ type_amount() }})
            as refund_amount,
        cast(tax_amount * exchange_rate as {{ type_amount() }}) as tax_amount,
        is_from_event,
        is_repeated_line,
        is_product,
        ordered_at,
        ordered_date,
        change_number as classification_number
    from divided
),

{% if is_incremental() -%}
unnumbered_changes as (
    select {{ value_columns | join(', ') }}
    from described
    where classification_number is null
    except
    select {{ value_columns | join(', ') }}
    from standing_lines
    where classification_number is null
),

{% endif -%}
changed as (
    select
        {{ value_columns | join(', ') }},
        classification_number
    from described
    {% if is_incremental() -%}
        where classification_number is not null
        union all
        select
            {{ value_columns | join(', ') }},
            cast(null as {{ dbt.type_int() }}) as classification_number
        from unnumbered_changes
        union all
        select
            order_line_key,
            standing_order_key as order_key,
            {% for column in value_columns[2:] -%}
            null as {{ column }},
            {% endfor -%}
            null as classification_number
        from compared
        where is_gone
    {%- endif %}
),

final as (
    select
        -- keys
        order_line_key,
        order_key,
        order_id,
        line_id,
        customer_id,
        product_id,

        -- attributes
        source_name,
        line_type,
        product_name,
        country,
        channel,
        currency_code,

        -- measures
        exchange_rate,
        quantity,
        unit_price,
        original_gross_amount,
        original_discount_amount,
        original_refund_amount,
        gross_amount,
        discount_amount,
        refund_amount,
        tax_amount,
        classification_number,
        (select coalesce(max(standing_lines.change_number), 0) + 1 from standing_lines)
            as change_number,

        -- flags
        is_from_event,
        is_repeated_line,
        is_product,

        -- times
        ordered_at,
        ordered_date
    from changed
)

select * from final
