{#- The rows that a snapshot inserts and those that it ends, in place of dbt's own macro.
    Of the rows that hold now only those are kept that the query has a row for, since
    they are read twice. What a snapshot here may ask for is less than dbt offers. -#}
{% macro default__snapshot_staging_table(strategy, source_sql, target_relation) -%}
    {%- set asked = {
        'hard_deletes': strategy.hard_deletes,
        'dbt_valid_to_current': config.get('dbt_valid_to_current'),
    } -%}
    {%- for setting, value in asked.items() if value and value != 'ignore' -%}
        {{ exceptions.raise_compiler_error(
            "snapshot " ~ model.name ~ ": " ~ setting ~ " is " ~ value
            ~ "; macros/materializations/snapshot_staging_table.sql knows only snapshots "
            ~ "without it"
        ) }}
    {%- endfor -%}
    {%- set columns = config.get('snapshot_table_column_names') -%}
    {%- set keys = [strategy.unique_key] if strategy.unique_key is string
        else strategy.unique_key -%}
    {%- set is_same_row -%}
        {%- for key in keys -%}
            {{ 'and ' if not loop.first }}source_data.{{ key }} = snapshotted_data.{{ key }}
        {% endfor -%}
    {%- endset -%}
    with

    snapshot_query as {{ materialized() }} (
        {{ source_sql }}
    ),

    source_data as (
        select
            *,
            {{ strategy.updated_at }} as {{ columns.dbt_updated_at }},
            {{ strategy.updated_at }} as {{ columns.dbt_valid_from }}
        from snapshot_query
    ),

    snapshotted_data as {{ materialized() }} (
        select snapshotted_data.* from {{ target_relation }} as snapshotted_data
        inner join snapshot_query as source_data
            on {{ is_same_row }}
        where snapshotted_data.{{ columns.dbt_valid_to }} is null
    ),

    insertions as (
        select
            'insert' as dbt_change_type,
            source_data.*,
            cast(null as {{ dbt.type_timestamp() }}) as {{ columns.dbt_valid_to }}
        from source_data
        left join snapshotted_data
            on {{ is_same_row }}
        where snapshotted_data.{{ keys[0] }} is null or {{ strategy.row_changed }}
    ),

    updates as (
        select
            'update' as dbt_change_type,
            source_data.*,
            source_data.{{ columns.dbt_updated_at }} as {{ columns.dbt_valid_to }},
            snapshotted_data.{{ columns.dbt_scd_id }}
        from source_data
        inner join snapshotted_data
            on {{ is_same_row }}
        where {{ strategy.row_changed }}
    )

    select
        *,
        {{ strategy.scd_id }} as {{ columns.dbt_scd_id }}
    from insertions
    union all
    select * from updates
{%- endmacro %}
