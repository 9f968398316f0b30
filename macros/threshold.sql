{#- The value of a rule segment's threshold that is in force, as an expression: the newest
    one that was accepted, else the var of that name, else what the YAML line of a rule
    declares (`config: {meta: {thresholds: {…}}}`). It reads a CTE `accepted_thresholds`
    with the columns of `newest_accepted_thresholds`. -#}
{% macro threshold(name) -%}
    coalesce(
        (
            select accepted_thresholds.threshold_value from accepted_thresholds
            where accepted_thresholds.threshold_name = '{{ name }}'
        ),
        {{ threshold_default(name) }}
    )
{%- endmacro %}
