{#- Every two rule segments once, as a list of (name, priority, name, priority), the one of
    higher priority first. -#}
{% macro rule_segment_pairs() -%}
    {%- set pairs = [] -%}
    {%- set rules = rule_segment_priorities() -%}
    {%- for rule, priority in rules -%}
        {%- for other_rule, other_priority in rules[loop.index:] -%}
            {%- do pairs.append((rule, priority, other_rule, other_priority)) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- do return(pairs) -%}
{%- endmacro %}
