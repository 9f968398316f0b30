{#- The newest load whose rows an earlier run has tested, as text; empty where every row
    is to be tested. Read while dbt runs and never while it parses: a variable that the
    parser has seen makes it read the file again when the value changes. -#}
{% macro tested_load_id() -%}
    {%- set given = env_var('SEGMENTARY_TESTED_LOAD_ID', '') if execute else '' -%}
    {%- if given and not modules.re.fullmatch('[0-9]+', given) -%}
        {{ exceptions.raise_compiler_error(
            "SEGMENTARY_TESTED_LOAD_ID is '" ~ given ~ "'; expected the number of a "
            ~ "load, or nothing where every row is to be tested"
        ) }}
    {%- endif -%}
    {%- do return(given) -%}
{%- endmacro %}
