{#- Creates the tables that ingestion and Python write, empty, so that dbt alone can
    build an empty warehouse, and the salt that identifiers are hashed with. The sources'
    YAML is the one contract of those tables; ingestion adds to a landed record where it
    came from. -#}
{% macro create_source_tables() -%}
    {%- if execute and flags.WHICH in ('build', 'run', 'test', 'snapshot', 'seed') -%}
        {%- set tables = graph.sources.values()
            | selectattr('package_name', 'equalto', 'segmentary') -%}
        {%- for table in tables -%}
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
                'create table if not exists ' ~ table.schema ~ '.' ~ table.identifier
                ~ ' (' ~ columns | join(', ') ~ ')'
            ) -%}
        {%- endfor -%}
        {#- Ingestion writes the salt first where ingestion runs. -#}
        {%- do run_query(
            'insert into raw.identifier_salt (salt) select ' ~ random_text()
            ~ ' where not exists (select 1 from raw.identifier_salt)'
        ) -%}
    {%- endif -%}
{%- endmacro %}
