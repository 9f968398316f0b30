{{ config(meta={'dagster': {'ref': {'name': 'schema_drift'}}}) }}

-- Guards that no column seen in a file is lost: as many rows and records as ingestion
-- wrote, load by load, and nothing more but columns that are absent.
with

loads as (
    select * from {{ ref('row_accounting') }}
),

file_columns as (
    select
        load_id,
        count(*) as n_columns,
        sum(n_records) as n_records
    from {{ ref('stg_landing__file_columns') }}
    group by load_id
),

listed as (
    select
        load_number,
        count(*) as n_columns,
        sum(n_records) as n_records
    from {{ ref('schema_drift') }}
    where value_type <> 'absent'
    group by load_number
),

final as (
    select
        loads.load_number,
        file_columns.n_columns,
        listed.n_columns as n_listed_columns
    from loads
    left join file_columns
        on loads.load_number = file_columns.load_id
    left join listed
        on loads.load_number = listed.load_number
    where
        coalesce(file_columns.n_columns, 0) <> coalesce(listed.n_columns, 0)
        or coalesce(file_columns.n_records, 0) <> coalesce(listed.n_records, 0)
)

select * from final
