{#- The 1 to 5 score of an RFM measure: the best one whose bound, in a column of
    `rfm_bounds_in_columns`, it reaches. Equal values get equal scores, which `ntile`
    doesn't do. `expression` is the measure's own name if not given. -#}
{% macro rfm_score(measure, expression=none) -%}
    {%- set measures = ['recency_days', 'n_orders', 'monetary_amount'] -%}
    {%- if measure not in measures -%}
        {{ exceptions.raise_compiler_error(
            "rfm_score: measure is '" ~ measure ~ "'; expected one of "
            ~ measures | join(', ')
        ) }}
    {%- endif -%}
    {%- set operator = '<=' if measure == 'recency_days' else '>=' -%}
    cast(
        case
            {%- for score in (5, 4, 3, 2) %}
            when {{ expression or measure }} {{ operator }} {{ measure }}_{{ score }}
                then {{ score }}
            {%- endfor %}
            else 1
        end as bigint
    )
{%- endmacro %}
