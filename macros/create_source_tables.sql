{#- Creates the tables that ingestion and Python write, empty, so that dbt alone can
    build an empty warehouse, and the salt that identifiers are hashed with. The sources'
    YAML is the one contract of those tables; ingestion adds to a landed record where it
    came from. A table that Python writes gets the columns that its contract has gained
    since, empty; those of landed records are ingestion's to fill. -#}
{% macro create_source_tables() -%}
    {%- if execute and flags.WHICH in ('build', 'run', 'test', 'snapshot', 'seed') -%}
        {%- set tables = graph.sources.values()
            | selectattr('package_name', 'equalto', 'segmentary') -%}
        {%- set existing = {} -%}
        {%- for row in run_query(
            'select table_schema, table_name, column_name'
            ~ ' from information_schema.columns'
            ~ " where table_schema = 'python'"
        ).rows -%}
            {%- do existing.setdefault(row[0] ~ '.' ~ row[1], []).append(row[2]) -%}
        {%- endfor -%}
        {%- for table in tables -%}
            {%- set relation = table.schema ~ '.' ~ table.identifier -%}
            {%- set columns = [] -%}
            {%- for column in table.columns.values() -%}
                {%- do columns.append(column.name ~ ' ' ~ column.data_type) -%}
            {%- endfor -%}
            {%- if table.config.meta.landing is defined -%}
                {%- do columns.extend([
                    '_load_id bigint',
                    '_record_number bigint',
                    '_loaded_at timestamp',
                    '_extra_columns ' ~ dbt.type_string(),
                ]) -%}
            {%- endif -%}
            {%- do run_query('create schema if not exists ' ~ table.schema) -%}
            {%- do run_query(
                'create table if not exists ' ~ relation
                ~ ' (' ~ columns | join(', ') ~ ')'
            ) -%}
            {%- for column in table.columns.values() -%}
                {%- if column.name not in existing.get(relation, [column.name]) -%}
                    {%- do run_query(
                        'alter table ' ~ relation ~ ' add column ' ~ column.name ~ ' '
                        ~ column.data_type
                    ) -%}
                {%- endif -%}
            {%- endfor -%}
        {%- endfor -%}
        {#- Ingestion writes the salt first where ingestion runs. -#}
        {%- do run_query(
            'insert into raw.identifier_salt (salt) select ' ~ random_text()
            ~ ' where not exists (select 1 from raw.identifier_salt)'
        ) -%}
    {%- endif -%}
{%- endmacro %}
