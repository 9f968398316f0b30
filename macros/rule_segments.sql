{#- The names of all rule segments, as a list: those of the boolean columns that the YAML
    of `customer_rule_segments_by_date` declares, without their `is_`. -#}
{% macro rule_segments() -%}
    {%- set rules = [] -%}
    {%- if execute -%}
        {%- set model = (
            graph.nodes.values()
            | selectattr('resource_type', 'equalto', 'model')
            | selectattr('name', 'equalto', 'customer_rule_segments_by_date')
            | list
        )[0] -%}
        {%- for column in model.columns.values() if column.data_type == 'boolean' -%}
            {%- do rules.append(column.name | replace('is_', '', 1)) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- do return(rules or ['parsed_only']) -%}
{%- endmacro %}
