{#- Segment sets, by their names, as a relation. -#}
{% macro segment_sets(names) -%}
    {%- for name in names %}
    select '{{ name }}' as segment_set
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
