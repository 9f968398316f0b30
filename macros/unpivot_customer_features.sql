{#- Features as (cluster number, feature number, feature name, value), one row per
    customer and feature. The number is there because a million times a dozen names are
    slow to group by. -#}
{% macro unpivot_customer_features(relation) -%}
    {%- for name in customer_feature_names() %}
    select
        customers.cluster_number,
        {{ loop.index }} as feature_number,
        cast('{{ name }}' as {{ dbt.type_string() }}) as feature_name,
        customers.{{ name }} as feature_value
    from {{ relation }} as customers
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
