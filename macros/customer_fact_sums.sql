{#- Facts of customers at as-of dates, as a relation: what their days before a date add up
    to, but for what follows from the date itself. `customer_days` and `as_of_dates` are
    names of relations with the columns of `int_customer_days` and `int_as_of_dates`. -#}
{% macro customer_fact_sums(customer_days, as_of_dates) -%}
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
        {%- for count, measure, days in customer_fact_counts() %}
        {%- set condition = 'days_before <= ' ~ days if days else 'is_in_window' %}
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
