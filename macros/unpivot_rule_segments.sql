{#- Rule segments as (as-of date, customer, set, segment): every boolean column that the
    model's YAML declares is a set of its own, named without its `is_`. A new rule
    therefore needs its line of SQL and its line of YAML, and nothing here. -#}
{% macro unpivot_rule_segments(relation) -%}
    {%- set rules = [] -%}
    {%- if execute -%}
        {%- set model = (
            graph.nodes.values()
            | selectattr('resource_type', 'equalto', 'model')
            | selectattr('name', 'equalto', 'customer_rule_segments_by_date')
            | list
        )[0] -%}
        {%- for column in model.columns.values() if column.data_type == 'boolean' -%}
            {%- do rules.append(column.name) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- for rule in rules or ['is_parsed_only'] %}
    {%- set segment_set = rule | replace('is_', '', 1) %}
    select
        as_of_date,
        customer_id,
        '{{ segment_set }}' as segment_set,
        case when {{ rule }} then '{{ segment_set }}' else 'none' end as segment
    from {{ relation }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}
