{% set sources_that_are_on = "'" ~ var('sources') | join("', '") ~ "'" -%}
-- A load is compared with its contract and with the loads of its stream before it. A
-- change is reported once: at the first load that shows it.
with

loads as (
    select * from {{ ref('stg_landing__loads') }}
    where
        load_status = 'loaded'
        and source_name in ({{ sources_that_are_on }})
),

file_columns as (
    select * from {{ ref('stg_landing__file_columns') }}
),

seen as (
    select
        loads.load_id,
        loads.source_name,
        loads.stream_name,
        file_columns.column_path,
        file_columns.value_type,
        file_columns.is_declared,
        file_columns.n_records
    from loads
    inner join file_columns
        on loads.load_id = file_columns.load_id
),

weighed as (
    select
        *,
        cast(n_records as {{ type_double() }}) / sum(n_records) over (
            partition by load_id, column_path
        ) as type_rate,
        max(case when is_declared then 1 else 0 end) over (
            partition by source_name, stream_name
        ) = 1 as has_declared_columns,
        min(load_id) over (partition by source_name, stream_name)
            as first_stream_load_id,
        min(load_id) over (partition by source_name, stream_name, column_path)
            as first_column_load_id,
        first_value(value_type) over (
            partition by source_name, stream_name, column_path
            order by load_id asc, n_records desc, value_type asc
        ) as first_value_type
    from seen
),

-- A few bad values are rejected records, not another type, and a share that grows
-- little by little is no change of the sender's.
grown as (
    select
        *,
        load_id > first_column_load_id
        and type_rate >= {{ var('schema_drift_min_type_rate') }}
        and type_rate >= 5 * coalesce(max(type_rate) over (
            partition by source_name, stream_name, column_path, value_type
            order by load_id
            rows between unbounded preceding and 1 preceding
        ), 0) as is_new_type
    from weighed
),

-- A stream of JSON declares no columns: its first load is what the next are held to.
compared as (
    select
        load_id,
        column_path,
        value_type,
        case
            when value_type = 'not_listed' then 'expected'
            when is_new_type then 'new_type'
            when load_id > first_column_load_id or is_declared then 'expected'
            when has_declared_columns or load_id > first_stream_load_id
                then 'new_column'
            else 'expected'
        end as drift_type,
        case when load_id > first_column_load_id then first_value_type end
            as expected_type,
        n_records
    from grown
),

columns_per_load as (
    select
        source_name,
        stream_name,
        column_path,
        load_id,
        min(first_value_type) as first_value_type,
        sum(n_records) as n_records
    from weighed
    where value_type <> 'not_listed'
    group by source_name, stream_name, column_path, load_id
),

rates as (
    select
        columns_per_load.*,
        {{ safe_divide(
            'columns_per_load.n_records', 'loads.n_records - loads.n_rejected'
        ) }} as record_rate
    from columns_per_load
    inner join loads
        on columns_per_load.load_id = loads.load_id
),

-- A column that is on its way out leaves a trail of late records: it is missed by the
-- share that it once had, not by the last one.
absences as (
    select
        source_name,
        stream_name,
        column_path,
        first_value_type,
        load_id as last_load_id,
        lead(load_id) over (
            partition by source_name, stream_name, column_path order by load_id
        ) as next_load_id,
        max(record_rate) over (
            partition by source_name, stream_name, column_path order by load_id
        ) as highest_record_rate
    from rates
),

loads_listed_in_full as (
    select load_id
    from seen
    group by load_id
    having max(case when value_type = 'not_listed' then 1 else 0 end) = 0
),

-- A rare path is missing from a small file by chance: it has vanished once a load has
-- so many records that some of them should have had it.
vanished as (
    select
        min(loads.load_id) as load_id,
        absences.column_path,
        'absent' as value_type,
        'vanished' as drift_type,
        min(absences.first_value_type) as expected_type,
        0 as n_records
    from absences
    inner join loads
        on
            absences.source_name = loads.source_name
            and absences.stream_name = loads.stream_name
            and absences.last_load_id < loads.load_id
            and coalesce(absences.next_load_id > loads.load_id, true)
            and absences.highest_record_rate * (loads.n_records - loads.n_rejected)
            >= {{ var('schema_drift_min_expected_records') }}
    inner join loads_listed_in_full
        on loads.load_id = loads_listed_in_full.load_id
    group by
        absences.source_name,
        absences.stream_name,
        absences.column_path,
        absences.last_load_id
),

listed as (
    select * from compared
    union all
    select * from vanished
),

final as (
    select
        -- keys
        {{ hash_key(['listed.load_id', 'listed.column_path', 'listed.value_type']) }}
            as schema_drift_key,
        listed.load_id as load_number,

        -- attributes
        loads.source_name,
        loads.stream_name,
        loads.file_path,
        listed.column_path,
        listed.value_type,
        listed.expected_type,
        listed.drift_type,

        -- measures
        cast(listed.n_records as bigint) as n_records
    from listed
    inner join loads
        on listed.load_id = loads.load_id
)

select * from final
