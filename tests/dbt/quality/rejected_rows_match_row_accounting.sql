{{ config(meta={'dagster': {'ref': {'name': 'rejected_rows'}}}) }}

-- Guards that each rejected record can be looked up: as many rows as the accounting
-- counts, load by load.
with

row_accounting as (
    select * from {{ ref('row_accounting') }}
),

rejected_per_load as (
    select
        load_number,
        count(*) as n_records
    from {{ ref('rejected_rows') }}
    group by load_number
),

final as (
    select
        coalesce(row_accounting.load_number, rejected_per_load.load_number)
            as load_number,
        row_accounting.n_rejected,
        rejected_per_load.n_records
    from row_accounting
    full outer join rejected_per_load
        on row_accounting.load_number = rejected_per_load.load_number
    where
        coalesce(row_accounting.n_rejected, 0)
        <> coalesce(rejected_per_load.n_records, 0)
)

select * from final
