{{ config(materialized='view') }}

-- A rule segment is one boolean column here and its line in the YAML beside it. The
-- thresholds are vars.
with

customer_facts as (
    select * from {{ ref('customer_facts_by_date') }}
),

score_bounds as (
    select * from {{ ref('rfm_score_bounds') }}
),

bounds as (
    {{ rfm_bounds_in_columns('score_bounds') }}
),

-- Whoever has no purchase in the window has no scores.
measured as (
    select
        customer_facts.*,
        case
            when customer_facts.n_orders_window > 0
                then {{ rfm_score(
                    'monetary_amount', 'customer_facts.net_amount_window'
                ) }}
            else 0
        end as monetary_score,
        case
            when customer_facts.n_orders_window > 0
                then {{ rfm_score(
                    'n_orders', 'customer_facts.n_orders_window'
                ) }}
            else 0
        end as frequency_score,
        {{ safe_divide(
            'customer_facts.discount_amount_window', 'customer_facts.gross_amount_window'
        ) }} as discount_rate,
        {{ safe_divide(
            'customer_facts.refund_amount_window',
            'customer_facts.gross_amount_window - customer_facts.discount_amount_window'
        ) }} as refund_rate
    from customer_facts
    left join bounds
        on customer_facts.as_of_date = bounds.as_of_date
),

final as (
    select
        -- keys
        customer_date_key,
        as_of_date,
        customer_id,

        -- flags
        n_sessions_7d >= {{ var('engaged_min_sessions_7d') }} as is_engaged,
        monetary_score = 5 and n_mobile_orders_30d > 0 as is_high_value_mobile,
        monetary_score = 5 and frequency_score = 5 as is_vip,
        n_orders = 1 as is_one_time_buyer,
        n_orders_window >= 2 and discount_rate >= {{ var('discount_driven_min_rate') }}
            as is_discount_driven,
        n_orders_window >= 2 and refund_rate >= {{ var('frequent_returner_min_rate') }}
            as is_frequent_returner,
        n_products_added_30d > 0 and n_orders_30d = 0 as is_cart_abandoner
    from measured
)

select * from final
