{#- Facts of customers at as-of dates, as a relation: what their days before a date add up
    to, but for what follows from the date itself. `customer_days` and `as_of_dates` are
    names of relations with the columns of `int_customer_days` and `int_as_of_dates`. -#}
{% macro customer_fact_sums(customer_days, as_of_dates) -%}
    {%- set counts = {
        'n_orders_window': ('n_orders', 'is_in_window'),
        'n_mobile_orders_window': ('n_mobile_orders', 'is_in_window'),
        'n_orders_30d': ('n_orders', 'days_before <= 30'),
        'n_mobile_orders_30d': ('n_mobile_orders', 'days_before <= 30'),
        'n_sessions_7d': ('n_sessions', 'days_before <= 7'),
        'n_sessions_30d': ('n_sessions', 'days_before <= 30'),
        'n_sessions_90d': ('n_sessions', 'days_before <= 90'),
        'n_product_views_90d': ('n_product_views', 'days_before <= 90'),
        'n_products_added_30d': ('n_products_added', 'days_before <= 30'),
    } -%}
    {%- set amounts = [
        'purchased_quantity', 'gross_amount', 'discount_amount', 'refund_amount',
    ] -%}
    select
        as_of_date,
        window_start_date,
        customer_id,
        cast(count(purchase_date) as {{ dbt.type_int() }}) as n_purchase_days,
        cast(sum(n_orders) as {{ dbt.type_int() }}) as n_orders,
        {%- for amount in amounts %}
        cast(sum({{ amount }}) as {{ type_amount() }}) as {{ amount }},
        {%- endfor %}
        {%- for count, (measure, condition) in counts.items() %}
        cast(
            sum(case when {{ condition }} then {{ measure }} else 0 end)
            as {{ dbt.type_int() }}
        ) as {{ count }},
        {%- endfor %}
        {%- for amount in amounts + ['purchase_amount'] %}
        cast(
            sum(case when is_in_window then {{ amount }} else 0 end)
            as {{ type_amount() }}
        ) as {{ amount }}_window,
        {%- endfor %}
        min(activity_date) as first_active_date,
        max(activity_date) as last_active_date,
        min(purchase_date) as first_purchase_date,
        max(previous_purchase_date) as previous_purchase_date,
        max(purchase_date) as last_purchase_date
    from (
        select
            customer_days.*,
            as_of_dates.as_of_date,
            as_of_dates.window_start_date,
            customer_days.activity_date >= as_of_dates.window_start_date
                as is_in_window,
            {{ dbt.datediff(
                'customer_days.activity_date', 'as_of_dates.as_of_date', 'day'
            ) }} as days_before
        from {{ as_of_dates }} as as_of_dates
        inner join {{ customer_days }} as customer_days
            on as_of_dates.as_of_date > customer_days.activity_date
    ) as aged
    group by as_of_date, window_start_date, customer_id
{%- endmacro %}
