{% set line_columns = [
    'line_status', 'currency_code', 'discount_amount', 'tax_amount',
] -%}
-- Of several copies one counts, so that a file landed twice changes nothing. Order
-- lines say themselves what they had.
with

imputable_values as (
    select * from {{ ref('int_imputable_values') }}
    where model_name <> 'stg_pos__order_lines'
),

imputations as (
    select * from {{ ref('int_imputations') }}
),

order_lines as (
    select
        {% for column in line_columns -%}
        has_{{ column }},
        {% endfor -%}
        count(*) as n_records
    from {{ ref('int_order_lines_classified') }}
    where record_status = 'accepted'
    group by has_{{ line_columns | join(', has_') }}
),

line_values as (
    select
        imputations.model_name,
        imputations.column_name,
        imputations.imputed_value,
        order_lines.n_records,
        case imputations.column_name
            {% for column in line_columns -%}
            when '{{ column }}' then order_lines.has_{{ column }}
            {% endfor -%}
        end as is_known
    from order_lines
    inner join imputations
        on imputations.model_name = 'stg_pos__order_lines'
),

counting_records as (
    select
        load_id,
        record_number
    from {{ ref('int_catalog_products_classified') }}
    where record_status = 'accepted'
    union all
    select
        load_id,
        record_number
    from {{ ref('int_shopify_orders_classified') }}
    where record_status = 'accepted'
    union all
    select
        load_id,
        record_number
    from {{ ref('int_shopify_refunds_classified') }}
    where record_status = 'accepted'
    union all
    select
        load_id,
        record_number
    from {{ ref('int_shopify_products_classified') }}
    where record_status = 'accepted'
    -- Of events those that are an order: of others the order system's values count.
    union all
    select
        load_id,
        record_number
    from {{ ref('int_event_orders_matched') }}
    where is_order
),

joined as (
    select
        imputable_values.model_name,
        imputable_values.column_name,
        case
            when imputable_values.known_value is null then imputations.imputed_value
        end as imputed_value
    from imputable_values
    inner join counting_records
        on
            imputable_values.load_id = counting_records.load_id
            and imputable_values.record_number = counting_records.record_number
    inner join imputations
        on
            imputable_values.model_name = imputations.model_name
            and imputable_values.column_name = imputations.column_name
),

counted as (
    select
        model_name,
        column_name,
        imputed_value,
        count(*) as n_records
    from joined
    group by model_name, column_name, imputed_value
    union all
    select
        model_name,
        column_name,
        case when not is_known then imputed_value end as imputed_value,
        cast(sum(n_records) as {{ dbt.type_bigint() }}) as n_records
    from line_values
    where is_known is not null
    group by
        model_name, column_name, case when not is_known then imputed_value end
),

final as (
    select
        -- keys
        {{ hash_key(['model_name', 'column_name', 'imputed_value']) }}
            as imputed_value_key,

        -- attributes
        model_name,
        column_name,
        imputed_value,

        -- measures
        n_records
    from counted
)

select * from final
