{{ config(materialized='view') }}

-- A rule segment is one boolean column here and its line in the YAML beside it
-- (docs/how-to-add-a-segment.md). No number of a rule is written here: a threshold is a
-- var, unless another value was accepted.
with

customer_facts as (
    select * from {{ ref('customer_facts_by_date') }}
),

score_bounds as (
    select * from {{ ref('rfm_score_bounds') }}
),

all_accepted_thresholds as (
    select * from {{ ref('accepted_thresholds') }}
),

accepted_thresholds as (
    {{ newest_accepted_thresholds('all_accepted_thresholds') }}
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
        n_sessions_7d >= {{ threshold('engaged_min_sessions_7d') }} as is_engaged,
        monetary_score >= {{ threshold('high_value_mobile_min_monetary_score') }}
        and n_mobile_orders_30d
        >= {{ threshold('high_value_mobile_min_mobile_orders_30d') }}
            as is_high_value_mobile,
        monetary_score >= {{ threshold('vip_min_monetary_score') }}
        and frequency_score >= {{ threshold('vip_min_frequency_score') }} as is_vip,
        n_orders = 1 as is_one_time_buyer,
        n_orders_window >= {{ threshold('discount_driven_min_orders') }}
        and discount_rate >= {{ threshold('discount_driven_min_rate') }}
            as is_discount_driven,
        n_orders_window >= {{ threshold('frequent_returner_min_orders') }}
        and refund_rate >= {{ threshold('frequent_returner_min_rate') }}
            as is_frequent_returner,
        n_products_added_30d >= {{ threshold('cart_abandoner_min_products_added_30d') }}
        and n_orders_30d = 0 as is_cart_abandoner
    from measured
)

select * from final
