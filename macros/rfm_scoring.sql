{#- How RFM scores are bounded: the var `rfm_scoring`, `rank` or `thresholds`. -#}
{% macro rfm_scoring() -%}
    {%- if var('rfm_scoring') not in ['rank', 'thresholds'] -%}
        {{ exceptions.raise_compiler_error(
            "var rfm_scoring is '" ~ var('rfm_scoring')
            ~ "'; expected 'rank' or 'thresholds'"
        ) }}
    {%- endif -%}
    {{ var('rfm_scoring') }}
{%- endmacro %}
