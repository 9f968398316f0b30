{#- The rule segments in order of priority, as a list of (name, priority): what comes first
    is a customer's primary segment. A rule's priority stands in its YAML line; without
    one, or with one that another rule has, it is an error that says which line to write. -#}
{% macro rule_segment_priorities() -%}
    {%- set rules = [] -%}
    {%- set file = 'models/marts/segments/_segments__models.yml' -%}
    {%- if execute -%}
        {%- set model = (
            graph.nodes.values()
            | selectattr('resource_type', 'equalto', 'model')
            | selectattr('name', 'equalto', 'customer_rule_segments_by_date')
            | list
        )[0] -%}
        {%- set names = {} -%}
        {%- for column in model.columns.values() if column.data_type == 'boolean' -%}
            {%- set priority = column.config.meta.get('priority') -%}
            {%- if priority is not integer or priority is boolean or priority < 1 -%}
                {{ exceptions.raise_compiler_error(
                    column.name ~ " of customer_rule_segments_by_date has the priority '"
                    ~ priority ~ "'; expected a whole number from 1 that no other rule "
                    ~ "has. Add to its entry in " ~ file
                    ~ ": config: { meta: { priority: <number> } }"
                ) }}
            {%- elif priority in names -%}
                {{ exceptions.raise_compiler_error(
                    names[priority] ~ " and " ~ column.name ~ " of "
                    ~ "customer_rule_segments_by_date both have the priority " ~ priority
                    ~ ". Give one of them another in " ~ file
                    ~ ": config: { meta: { priority: <number> } }"
                ) }}
            {%- endif -%}
            {%- do names.update({priority: column.name}) -%}
        {%- endfor -%}
        {%- for priority in names | sort -%}
            {%- do rules.append(
                (names[priority] | replace('is_', '', 1), priority)
            ) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- do return(rules or [('parsed_only', 1)]) -%}
{%- endmacro %}
