{#- The columns of `customer_fact_sums` but for the customer and the dates, as a list to
    select; of `relation` where it is given. -#}
{% macro customer_fact_columns(relation=none) -%}
    {%- set columns = [
        'n_purchase_days', 'n_orders', 'n_orders_window', 'n_mobile_orders_window',
        'n_orders_30d', 'n_mobile_orders_30d', 'n_sessions_7d', 'n_sessions_30d',
        'n_sessions_90d', 'n_product_views_90d', 'n_products_added_30d',
        'purchased_quantity', 'gross_amount', 'discount_amount', 'refund_amount',
        'purchased_quantity_window', 'gross_amount_window', 'discount_amount_window',
        'refund_amount_window', 'purchase_amount_window', 'first_active_date',
        'last_active_date', 'first_purchase_date', 'previous_purchase_date',
        'last_purchase_date',
    ] -%}
    {%- set prefix = relation ~ '.' if relation else '' -%}
    {{ prefix }}{{ columns | join(', ' ~ prefix) }}
{%- endmacro %}
