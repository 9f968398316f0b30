{#- A key of sixteen bytes from several columns, for rows that nobody finds by it: it may be
    another one in another version of the engine, and costs next to nothing. -#}
{% macro row_key(columns) -%}
    {{ return(adapter.dispatch('row_key', 'segmentary')(columns)) }}
{%- endmacro %}

{% macro default__row_key(columns) -%}
    {%- set parts = [] -%}
    {%- for column in columns -%}
        {%- do parts.append("cast(" ~ column ~ " as " ~ dbt.type_string() ~ ")") -%}
    {%- endfor -%}
    {{ compact_key(parts | join(" || '|' || ")) }}
{%- endmacro %}

{% macro duckdb__row_key(columns) -%}
    {%- set others = ["cast(" ~ columns[0] ~ " as varchar) || 'x'"] + columns[1:] -%}
    {#- Two hashes of eight bytes, one of them with a letter more in the first column: two
        texts that have the same hash have others then. -#}
    cast(
        cast(hash({{ columns | join(', ') }}) as uhugeint) * 18446744073709551616
        + hash({{ others | join(', ') }})
        as uuid
    )
{%- endmacro %}
