{{ config(meta={'dagster': {'ref': {'name': 'imputed_values'}}}) }}

-- Guards that each record that counts is counted once for each of its filled columns.
with

imputed_values as (
    select * from {{ ref('imputed_values') }}
),

expected as (
    select
        'stg_pos__order_lines' as model_name,
        count(*) as n_records
    from {{ ref('int_order_lines_classified') }}
    where record_status = 'accepted'
    union all
    select
        'stg_catalog__products' as model_name,
        count(*) as n_records
    from {{ ref('int_catalog_products_classified') }}
    where record_status = 'accepted'
    union all
    select
        'stg_shopify__orders' as model_name,
        count(*) as n_records
    from {{ ref('int_shopify_orders_classified') }}
    where record_status = 'accepted'
    union all
    select
        'int_events_classified' as model_name,
        count(*) as n_records
    from {{ ref('int_event_orders_matched') }}
    where is_order
),

final as (
    select
        imputed_values.model_name,
        imputed_values.column_name,
        imputed_values.n_records,
        expected.n_records as n_expected_records
    from imputed_values
    inner join expected
        on imputed_values.model_name = expected.model_name
    where imputed_values.n_records <> expected.n_records
)

select * from final
