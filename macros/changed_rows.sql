{#- Which rows a test looks at, as a condition: every row, or on a run after one that
    was published those that it may have changed. `changed_by` is a column that says so:
    the load that brought or last rewrote a row, or a date: the as-of date that it
    describes, or the one from which on it holds.
    With `key` and `relation` the column is another table's, and rows count whose key is
    among those that changed there, which are few. `since` is a time that both have: a
    view whose joins hide the key from what it reads is read from the earliest on. -#}
{% macro changed_rows(changed_by, key=none, relation=none, since=none) -%}
    {%- if (key is none) != (relation is none) -%}
        {{ exceptions.raise_compiler_error(
            "changed_rows: key is '" ~ key ~ "' and relation is '" ~ relation
            ~ "'; expected both or neither"
        ) }}
    {%- endif -%}
    {%- if not tested_load_id() -%}
        1 = 1
    {%- elif relation is not none -%}
        {%- set changed = '(select ' ~ key ~ ' from ' ~ relation ~ ' where '
            ~ changed_rows(changed_by) ~ ')' -%}
        {%- set is_changed = key ~ ' in (' ~ few_values(changed, key) ~ ')' -%}
        {%- if since is not none %}
        {#- As a literal, since the engine finds out too late what a subquery says. #}
        {%- set earliest = run_query(
            'select cast(min(' ~ since ~ ') as ' ~ dbt.type_string() ~ ') from '
            ~ relation ~ ' where ' ~ is_changed
        ).columns[0].values()[0] %}
        {{ since }} >= cast('{{ earliest or "9999-12-31" }}' as timestamp) and
        {%- endif %}
        {{ is_changed }}
    {%- elif changed_by.endswith('_date') or changed_by == 'dbt_valid_from' -%}
        {{ changed_by }} = {{ as_of_date() }}
    {%- else -%}
        {{ changed_by }} > {{ tested_load_id() }}
    {%- endif -%}
{%- endmacro %}
