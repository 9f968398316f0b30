{#- What a threshold is where none was accepted, as a literal: the var of that name, else
    what the YAML line of a rule declares. A unit test has no graph to find such a line in:
    what it compares with is missing, and the rule holds for nobody. -#}
{% macro threshold_default(name) -%}
    {%- set value = var(name, none) -%}
    {%- set where = 'var ' ~ name -%}
    {%- set model = (
        graph.get('nodes', {}).values()
        | selectattr('resource_type', 'equalto', 'model')
        | selectattr('name', 'equalto', 'customer_rule_segments_by_date')
        | list
    ) if execute else [] -%}
    {%- if value is none and model -%}
        {%- set declared = [] -%}
        {%- for column in model[0].columns.values() -%}
            {%- set thresholds = column.config.meta.get('thresholds', {}) -%}
            {%- if name in thresholds -%}
                {%- do declared.append((column.name, thresholds[name])) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if declared | length != 1 -%}
            {{ exceptions.raise_compiler_error(
                "threshold '" ~ name ~ "' has no value: no var of dbt_project.yml has that "
                ~ "name, and " ~ (declared | map(attribute=0) | join(' and ') or 'no rule')
                ~ " declares it in models/marts/segments/_segments__models.yml; expected "
                ~ "one `config: { meta: { thresholds: { " ~ name ~ ": <number> } } }`"
            ) }}
        {%- endif -%}
        {%- set where = 'the threshold of ' ~ declared[0][0] ~ ', ' ~ name -%}
        {%- set value = declared[0][1] -%}
    {%- endif -%}
    {%- if value is none -%}
        cast(null as {{ type_double() }})
    {%- elif value is not number or value is boolean -%}
        {{ exceptions.raise_compiler_error(
            where ~ " is '" ~ value ~ "'; expected a number"
        ) }}
    {%- else -%}
        {{ value }}
    {%- endif -%}
{%- endmacro %}
