{{ config(materialized='view') }}

{% set default_interval = var('lifecycle_default_interval_days') -%}
{% set min_interval = var('lifecycle_min_interval_days') -%}
{% set max_interval = var('lifecycle_max_interval_days') -%}
{% set min_days = var('lifecycle_min_purchase_days') -%}
{% set lapsed = var('lifecycle_lapsed_intervals') -%}
with

customer_facts as (
    select * from {{ ref('customer_facts_by_date') }}
),

-- A customer's own rhythm where there is enough of it, now and as it was before the
-- last purchase.
paced as (
    select
        *,
        {{ dbt.datediff('first_purchase_date', 'last_purchase_date', 'day') }}
            as purchase_span_days,
        {{ dbt.datediff('first_purchase_date', 'previous_purchase_date', 'day') }}
            as previous_span_days,
        {{ dbt.datediff('previous_purchase_date', 'last_purchase_date', 'day') }}
            as last_gap_days,
        {{ dbt.datediff('first_purchase_date', 'as_of_date', 'day') }}
            as first_purchase_days
    from customer_facts
),

expected as (
    select
        *,
        case
            when n_purchase_days >= {{ min_days }}
                then least(
                    greatest(
                        1.0 * purchase_span_days / (n_purchase_days - 1),
                        {{ min_interval }}
                    ),
                    {{ max_interval }}
                )
            else {{ default_interval }}
        end as interval_days,
        case
            when n_purchase_days - 1 >= {{ min_days }}
                then least(
                    greatest(
                        1.0 * previous_span_days / (n_purchase_days - 2),
                        {{ min_interval }}
                    ),
                    {{ max_interval }}
                )
            else {{ default_interval }}
        end as previous_interval_days
    from paced
),

final as (
    select
        -- keys
        customer_date_key,
        as_of_date,
        customer_id,

        -- attributes
        case
            when n_purchase_days = 0 then 'prospect'
            when first_purchase_days <= {{ var('lifecycle_new_days') }} then 'new'
            when recency_days > {{ lapsed }} * interval_days then 'lapsed'
            when
                recency_days > {{ var('lifecycle_lapsing_intervals') }} * interval_days
                then 'lapsing'
            when
                last_gap_days > {{ lapsed }} * previous_interval_days
                then 'reactivated'
            else 'active'
        end as segment,

        -- measures
        recency_days,
        n_purchase_days,
        cast(
            case when n_purchase_days > 0 then interval_days end as {{ type_double() }}
        ) as interval_days
    from expected
)

select * from final
