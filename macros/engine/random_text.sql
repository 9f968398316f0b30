{#- Text that nobody can guess, another one at each call. -#}
{% macro random_text() -%}
    {{ return(adapter.dispatch('random_text', 'segmentary')()) }}
{%- endmacro %}

{% macro duckdb__random_text() -%}
    sha256(cast(gen_random_uuid() as varchar) || cast(gen_random_uuid() as varchar))
{%- endmacro %}
