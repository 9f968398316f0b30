{#- What the thresholds of the seed `tunable_thresholds` are compared with, as a list of
    (threshold, measure, the measure in SQL, whom the threshold decides about in SQL):
    columns of `customer_facts_by_date`. The rest of the rule is in the condition, so that
    the threshold alone makes a member of whoever fulfils it. -#}
{% macro tunable_measures() -%}
    {%- do return([
        (
            'engaged_min_sessions_7d', 'n_sessions_7d', 'n_sessions_7d', '1 = 1',
        ),
        (
            'discount_driven_min_rate', 'discount_rate',
            safe_divide('discount_amount_window', 'gross_amount_window'),
            'n_orders_window >= ' ~ threshold_default('discount_driven_min_orders'),
        ),
        (
            'frequent_returner_min_rate', 'refund_rate',
            safe_divide(
                'refund_amount_window', 'gross_amount_window - discount_amount_window'
            ),
            'n_orders_window >= ' ~ threshold_default('frequent_returner_min_orders'),
        ),
        (
            'cart_abandoner_min_products_added_30d', 'n_products_added_30d',
            'n_products_added_30d', 'n_orders_30d = 0',
        ),
    ]) -%}
{%- endmacro %}
