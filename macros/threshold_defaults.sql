{#- What tunable thresholds are where none was accepted, and what is compared with them, as
    a relation. -#}
{% macro threshold_defaults() -%}
    {%- for name, measure, value, condition in tunable_measures() %}
    select
        '{{ name }}' as threshold_name,
        '{{ measure }}' as measure_name,
        {{ threshold_default(name) }} as default_value
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
