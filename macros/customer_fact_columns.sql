{#- The columns of `customer_fact_sums` but for the customer and the dates, as a list to
    select; of `relation` where it is given. -#}
{% macro customer_fact_columns(relation=none) -%}
    {%- set counts = customer_fact_counts() | map(attribute=0) | list -%}
    {%- set columns = ['n_purchase_days', 'n_orders'] + counts + [
        'purchased_quantity', 'gross_amount', 'discount_amount', 'refund_amount',
        'purchased_quantity_window', 'gross_amount_window', 'discount_amount_window',
        'refund_amount_window', 'purchase_amount_window', 'first_active_date',
        'last_active_date', 'first_purchase_date', 'previous_purchase_date',
        'last_purchase_date',
    ] -%}
    {%- set prefix = relation ~ '.' if relation else '' -%}
    {{ prefix }}{{ columns | join(', ' ~ prefix) }}
{%- endmacro %}
