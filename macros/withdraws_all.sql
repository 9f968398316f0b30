{#- Whether a withdrawal of consent withholds earlier events too (var `withdrawal_scope`), as
    a condition. -#}
{% macro withdraws_all() -%}
    {%- set scope = var('withdrawal_scope') -%}
    {%- if scope not in ['from_then', 'all'] -%}
        {{ exceptions.raise_compiler_error(
            "var withdrawal_scope is '" ~ scope ~ "'; expected 'from_then' or 'all'"
        ) }}
    {%- endif -%}
    {{ 'true' if scope == 'all' else 'false' }}
{%- endmacro %}
