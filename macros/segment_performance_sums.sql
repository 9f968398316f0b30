{#- What customers did in a month, summed: columns of `customer_months`, read under that
    name, for members of segments and for newcomers alike. -#}
{% macro segment_performance_sums() -%}
    sum(case when customer_months.has_session then 1 else 0 end) as n_visitors,
    sum(
        case
            when customer_months.has_session and customer_months.has_purchase then 1
            else 0
        end
    ) as n_converted_visitors,
    sum(case when customer_months.has_purchase then 1 else 0 end) as n_purchasers,
    sum(case when customer_months.n_orders > 1 then 1 else 0 end)
        as n_repeat_purchasers,
    sum(customer_months.n_orders) as n_orders,
    sum(customer_months.purchase_amount) as purchase_amount,
    sum(customer_months.net_amount) as net_amount
{%- endmacro %}
