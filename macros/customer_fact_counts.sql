{#- Counts that facts have of a trailing window, as a list of (column, measure of a day,
    days): no days stand for the window of RFM. What a window's length decides, such as
    whose facts a new date changes, follows from here. -#}
{% macro customer_fact_counts() -%}
    {%- do return([
        ('n_orders_window', 'n_orders', none),
        ('n_mobile_orders_window', 'n_mobile_orders', none),
        ('n_orders_30d', 'n_orders', 30),
        ('n_mobile_orders_30d', 'n_mobile_orders', 30),
        ('n_sessions_7d', 'n_sessions', 7),
        ('n_sessions_30d', 'n_sessions', 30),
        ('n_sessions_90d', 'n_sessions', 90),
        ('n_product_views_90d', 'n_product_views', 90),
        ('n_products_added_30d', 'n_products_added', 30),
    ]) -%}
{%- endmacro %}
