{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='compact_identifier_key',
        on_schema_change='fail',
    )
}}

-- Only rows that say something new are written, so that sessions are attributed again
-- where a customer changed and nowhere else.
with

current_keys as (
    select
        compact_identifier_key,
        customer_id
    from {{ ref('int_customer_identifiers') }}
    where
        identifier_type in (
            'anonymous_id', 'ga4_pseudo_id', 'user_id', 'shopify_customer_id',
            'crm_contact_id'
        )
),

{% if is_incremental() -%}
standing_keys as {{ not_materialized() }} (
    select * from {{ this }}
),

-- An identifier that is blocked by now stands for nobody.
changed_keys as (
    select
        coalesce(
            current_keys.compact_identifier_key, standing_keys.compact_identifier_key
        ) as compact_identifier_key,
        current_keys.customer_id
    from current_keys
    full outer join standing_keys
        on current_keys.compact_identifier_key = standing_keys.compact_identifier_key
    where
        coalesce(current_keys.customer_id, '')
        <> coalesce(standing_keys.customer_id, '')
),

{% else -%}
changed_keys as (
    select * from current_keys
),

standing_keys as (
    select cast(0 as {{ dbt.type_bigint() }}) as change_number
),

{% endif -%}
final as (
    select
        -- keys
        compact_identifier_key,
        customer_id,

        -- measures
        (select coalesce(max(standing_keys.change_number), 0) + 1 from standing_keys)
            as change_number
    from changed_keys
)

select * from final
