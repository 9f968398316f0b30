{#- The 1 to 5 score of an RFM measure among the customers of one as-of date. By rank,
    equal values get equal scores, which `ntile` doesn't do, and a score may stay empty.
    By thresholds, the seed `rfm_thresholds` names each score's bound. -#}
{% macro rfm_score(measure, partition_by) -%}
    {%- set measures = ['recency_days', 'n_orders', 'monetary_amount'] -%}
    {%- if measure not in measures -%}
        {{ exceptions.raise_compiler_error(
            "rfm_score: measure is '" ~ measure ~ "'; expected one of "
            ~ measures | join(', ')
        ) }}
    {%- endif -%}
    {%- if var('rfm_scoring') == 'rank' -%}
        {%- set place -%}
            floor(
                5.0 * (rank() over (partition by {{ partition_by }} order by {{ measure }}) - 1)
                / count(*) over (partition by {{ partition_by }})
            )
        {%- endset -%}
        cast({{ '5 - ' if measure == 'recency_days' else '1 + ' }}{{ place }} as bigint)
    {%- elif var('rfm_scoring') == 'thresholds' -%}
        {%- set bound = measure ~ (
            '_at_most' if measure == 'recency_days' else '_at_least'
        ) -%}
        {%- set operator = '<=' if measure == 'recency_days' else '>=' -%}
        cast(
            case
            {%- for score in (5, 4, 3, 2) %}
                when {{ measure }} {{ operator }} (
                    select {{ bound }} from {{ ref('rfm_thresholds') }}
                    where score = {{ score }}
                ) then {{ score }}
            {%- endfor %}
                else 1
            end as bigint
        )
    {%- else -%}
        {{ exceptions.raise_compiler_error(
            "var rfm_scoring is '" ~ var('rfm_scoring')
            ~ "'; expected 'rank' or 'thresholds'"
        ) }}
    {%- endif -%}
{%- endmacro %}
