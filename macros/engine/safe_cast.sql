{#- A cast that gives a missing value where the text can't be read. dbt's own default is
    a plain cast, and its DuckDB adapter has no other: one unreadable number would fail
    the run instead of its record. Found by `dbt.safe_cast`. -#}
{% macro duckdb__safe_cast(field, type) -%}
    try_cast({{ field }} as {{ type }})
{%- endmacro %}
