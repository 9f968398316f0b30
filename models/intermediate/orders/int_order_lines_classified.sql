{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['load_id', 'record_number'],
        on_schema_change='fail',
        post_hook="delete from {{ this }} where load_id not in (
            select load_id from {{ ref('stg_landing__loads') }}
            where load_status = 'loaded' and " ~ source_is_on('pos') ~ "
        )",
    )
}}
{% set settings = {
    'business_time_zone': var('business_time_zone'),
    'future_tolerance_hours': var('future_tolerance_hours'),
    'repeated_lines': source_setting('repeated_lines', 'pos'),
    'source_time_zone': source_setting('source_time_zones', 'pos'),
    'zero_amount_is_purchase': source_setting('zero_amount_is_purchase', 'pos'),
} -%}
{% set judged_columns = [
    'load_id', 'record_number', 'record_key', 'known_order_key', 'order_id', 'line_id',
    'user_id', 'product_id', 'content_key', 'source_name', 'product_name', 'country',
    'channel', 'line_status', 'currency_code', 'reject_reason', 'exchange_rate',
    'quantity', 'unit_price', 'gross_amount', 'discount_amount', 'tax_amount',
    'has_record_id', 'has_line_status', 'has_currency_code', 'has_discount_amount',
    'has_tax_amount', 'ordered_at', 'ordered_date',
] -%}
-- A load is read when it is new, when a rate of one of its days is another, and when
-- what fills gaps or a setting is. Of other loads only lines are judged again of which
-- a copy came or went.
with

loads as (
    select * from {{ ref('stg_landing__loads') }}
),

exchange_rates as (
    select * from {{ ref('int_exchange_rates') }}
),

-- What fills gaps, and settings; another key where one of them changed.
rules as (
    select
        {{ hash_key([
            dbt.listagg(
                "column_name || ':' || imputed_value", "','", 'order by column_name'
            ),
            "'" ~ (settings | tojson) ~ "'",
        ]) }} as rules_key
    from {{ ref('int_imputations') }}
    where model_name = 'stg_pos__order_lines'
),

{% if is_incremental() -%}
all_standing_lines as {{ not_materialized() }} (
    select
        *,
        coalesce(repeated_line_key, order_line_key) as record_key
    from {{ this }}
),

counting_loads as (
    select load_id from loads
    where load_status = 'loaded' and {{ source_is_on('pos') }}
),

standing_lines as {{ not_materialized() }} (
    select * from all_standing_lines
    where load_id in (select counting_loads.load_id from counting_loads)
),

standing_days as (
    select
        load_id,
        currency_code,
        ordered_date,
        exchange_rate
    from standing_lines
    group by load_id, currency_code, ordered_date, exchange_rate
),

repriced_loads as (
    select standing_days.load_id
    from standing_days
    left join exchange_rates
        on
            standing_days.currency_code = exchange_rates.currency_code
            and standing_days.ordered_date >= exchange_rates.valid_from_date
            and standing_days.ordered_date < exchange_rates.valid_to_date
    where
        coalesce(standing_days.exchange_rate, 0)
        <> coalesce(exchange_rates.exchange_rate, 0)
    group by standing_days.load_id
),

standing_loads as (
    select load_id from standing_lines
    where rules_key = (select rules.rules_key from rules)
    group by load_id
),

landed_loads as (
    select load_id from {{ ref('stg_pos__order_lines') }}
    group by load_id
),

loads_to_read as {{ materialized() }} (
    select load_id from landed_loads
    where
        load_id in (select counting_loads.load_id from counting_loads)
        and load_id not in (select standing_loads.load_id from standing_loads)
    union distinct
    select load_id from repriced_loads
),

{% else -%}
all_standing_lines as (
    select 0 as change_number
),

{% endif -%}
pos_order_lines as {{ not_materialized() }} (
    select * from {{ ref('stg_pos__order_lines') }}
    {% if is_incremental() -%}
        where load_id in ({{ few_values('loads_to_read', 'load_id') }})
    {%- endif %}
),

filled as {{ not_materialized() }} (
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
        line_status is not null as has_line_status,
        currency_code is not null as has_currency_code,
        discount_amount is not null as has_discount_amount,
        tax_amount is not null as has_tax_amount,
        ordered_at,
        {{ to_business_date('ordered_at') }} as ordered_date
    from pos_order_lines
),

-- Days are few where lines are many.
currency_days as (
    select
        currency_code,
        ordered_date
    from filled
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

order_lines as {{ not_materialized() }} (
    select
        filled.*,
        case
            when filled.reject_reason is not null then filled.reject_reason
            when priced_days.exchange_rate is null then 'missing_fx_rate'
        end as final_reject_reason,
        priced_days.exchange_rate,
        filled.order_id is not null and filled.line_id is not null as has_record_id
    from filled
    left join priced_days
        on
            filled.currency_code = priced_days.currency_code
            and filled.ordered_date = priced_days.ordered_date
),

-- With a line id, lines of one id are copies of one record. Without it a copy can't be
-- told from a repeat, so identical lines are numbered instead.
identified as {{ not_materialized() }} (
    select
        load_id,
        record_number,
        case
            when final_reject_reason is not null
                then {{ hash_key(['source_name', 'load_id', 'record_number']) }}
            when has_record_id
                then {{ hash_key(['source_name', 'order_id', 'line_id']) }}
            else {{ hash_key(['source_name', 'content_key']) }}
        end as record_key,
        case
            when order_id is not null then {{ hash_key(['source_name', 'order_id']) }}
        end as known_order_key,
        {{ pseudonymous_id('order_id') }} as order_id,
        {{ pseudonymous_id('line_id') }} as line_id,
        {{ pseudonymous_id('user_id') }} as user_id,
        {{ pseudonymous_id('product_id') }} as product_id,
        content_key,
        source_name,
        {{ mask_contacts('product_name') }} as product_name,
        {{ mask_contacts('country') }} as country,
        {{ mask_contacts('channel') }} as channel,
        {{ mask_contacts('line_status') }} as line_status,
        {{ mask_contacts('currency_code') }} as currency_code,
        final_reject_reason as reject_reason,
        exchange_rate,
        quantity,
        unit_price,
        gross_amount,
        discount_amount,
        tax_amount,
        has_record_id,
        has_line_status,
        has_currency_code,
        has_discount_amount,
        has_tax_amount,
        ordered_at,
        ordered_date
    from order_lines
),

{% if is_incremental() -%}
-- Records of which a copy came, went, or is another now.
touched_records as (
    select record_key from identified
    union distinct
    select record_key from all_standing_lines
    where
        load_id in (select loads_to_read.load_id from loads_to_read)
        or load_id not in (select counting_loads.load_id from counting_loads)
),

standing_copies as (
    select
        *,
        case when order_id is not null then order_key end as known_order_key,
        order_id is not null and line_id is not null as has_record_id
    from standing_lines
    where
        load_id not in (select loads_to_read.load_id from loads_to_read)
        and record_key in ({{ few_values('touched_records', 'record_key') }})
),

{% endif -%}
copies as {{ not_materialized() }} (
    select
        {{ judged_columns | join(', ') }},
        0 as standing_copy_number
    from identified
    {% if is_incremental() -%}
        union all
        select
            {{ judged_columns | join(', ') }},
            copy_number as standing_copy_number
        from standing_copies
    {%- endif %}
),

numbered as (
    select
        *,
        row_number() over (
            partition by record_key
            order by content_key, load_id, record_number
        ) as copy_number
    from copies
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
            when copy_number > 1 and '{{ settings.repeated_lines }}' = 'exclude'
                then 'duplicate'
            else 'accepted'
        end as record_status
    from numbered
    where standing_copy_number <> copy_number
),

final as (
    select
        -- keys
        load_id,
        record_number,
        order_line_key,
        coalesce(known_order_key, order_line_key) as order_key,
        order_id,
        line_id,
        user_id,
        product_id,
        content_key,
        case when order_line_key <> record_key then record_key end as repeated_line_key,

        -- attributes
        source_name,
        record_status,
        reject_reason,
        product_name,
        country,
        channel,
        line_status,
        currency_code,
        (select rules.rules_key from rules) as rules_key,

        -- measures
        exchange_rate,
        quantity,
        unit_price,
        gross_amount,
        discount_amount,
        tax_amount,
        copy_number,
        (
            select coalesce(max(all_standing_lines.change_number), 0) + 1
            from all_standing_lines
        ) as change_number,
        (select max(loads.load_id) from loads) as classified_at_load_id,

        -- flags
        {{ settings.zero_amount_is_purchase }} as zero_is_purchase,
        copy_number > 1 and not has_record_id as is_repeated_line,
        has_line_status,
        has_currency_code,
        has_discount_amount,
        has_tax_amount,

        -- times
        ordered_at,
        ordered_date
    from classified
)

select * from final
