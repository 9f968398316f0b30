{#- The names of all features, as a list: the numbers that the YAML of
    `customer_features` declares. -#}
{% macro customer_feature_names() -%}
    {%- set names = [] -%}
    {%- if execute -%}
        {%- set model = (
            graph.nodes.values()
            | selectattr('resource_type', 'equalto', 'model')
            | selectattr('name', 'equalto', 'customer_features')
            | list
        )[0] -%}
        {%- for column in model.columns.values() if column.data_type == 'double' -%}
            {%- do names.append(column.name) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- do return(names or ['parsed_only']) -%}
{%- endmacro %}
