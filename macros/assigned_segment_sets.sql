{#- Every segment set that customers are assigned in, as a relation. -#}
{% macro assigned_segment_sets() -%}
    {%- for segment_set in ['rfm', 'lifecycle', 'cluster'] + rule_segments() %}
    select '{{ segment_set }}' as segment_set
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
