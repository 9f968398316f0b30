{% set sources_that_are_on = "'" ~ var('sources') | join("', '") ~ "'" -%}
-- Every landed record ends in exactly one status. A source that is switched off yields
-- no records, so its loads are left out with them.
with

loads as (
    select * from {{ ref('stg_landing__loads') }}
    where
        load_status <> 'replaced'
        and source_name in ({{ sources_that_are_on }})
),

rejected_lines as (
    select * from {{ ref('stg_landing__rejected_lines') }}
),

erased_records as (
    select * from {{ ref('stg_landing__erased_records') }}
),

records_counted as (
    select * from {{ ref('int_records_counted') }}
),

records as (
    select
        load_id,
        'rejected' as record_status,
        1 as n_records
    from rejected_lines
    union all
    select
        load_id,
        record_status,
        n_records
    from records_counted
),

records_per_load as (
    select
        load_id,
        sum(case when record_status = 'rejected' then n_records else 0 end)
            as n_rejected,
        sum(case when record_status = 'duplicate' then n_records else 0 end)
            as n_duplicate,
        sum(case when record_status = 'withheld' then n_records else 0 end)
            as n_withheld,
        sum(case when record_status = 'accepted' then n_records else 0 end)
            as n_accepted
    from records
    group by load_id
),

counted as (
    select
        loads.*,
        coalesce(erased_records.n_records, 0) as n_erased,
        case
            when loads.load_status = 'duplicate_file'
                then loads.n_records - coalesce(erased_records.n_records, 0)
            else coalesce(records_per_load.n_duplicate, 0)
        end as n_duplicate,
        coalesce(records_per_load.n_rejected, 0) as n_rejected_all,
        coalesce(records_per_load.n_withheld, 0) as n_withheld,
        coalesce(records_per_load.n_accepted, 0) as n_accepted
    from loads
    left join records_per_load
        on loads.load_id = records_per_load.load_id
    left join erased_records
        on loads.load_id = erased_records.load_id
),

final as (
    select
        -- keys
        load_id as load_number,

        -- attributes
        source_name,
        stream_name,
        file_path,

        -- measures
        cast(n_records as bigint) as n_landed,
        cast(n_accepted as bigint) as n_accepted,
        cast(n_duplicate as bigint) as n_duplicate,
        cast(n_rejected_all as bigint) as n_rejected,
        cast(n_withheld as bigint) as n_withheld,
        cast(n_erased as bigint) as n_erased
    from counted
)

select * from final
