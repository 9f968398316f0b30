-- A rule segment is one boolean column here and its line in the YAML beside it. The
-- thresholds are vars.
with

customer_facts as (
    select * from {{ ref('customer_facts_by_date') }}
),

customer_rfm as (
    select * from {{ ref('customer_rfm_by_date') }}
),

measured as (
    select
        customer_facts.*,
        coalesce(customer_rfm.monetary_score, 0) as monetary_score,
        coalesce(customer_rfm.frequency_score, 0) as frequency_score,
        {{ safe_divide(
            'customer_facts.discount_amount_window', 'customer_facts.gross_amount_window'
        ) }} as discount_rate,
        {{ safe_divide(
            'customer_facts.refund_amount_window',
            'customer_facts.gross_amount_window - customer_facts.discount_amount_window'
        ) }} as refund_rate
    from customer_facts
    left join customer_rfm
        on customer_facts.customer_date_key = customer_rfm.customer_date_key
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
