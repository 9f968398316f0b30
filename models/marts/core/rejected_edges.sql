with

identifier_edges as (
    select * from {{ ref('int_identifier_edges') }}
    where reject_reason is not null
),

final as (
    select
        -- keys
        {{ hash_key(['left_identifier_key', 'right_identifier_key']) }} as edge_key,
        left_identifier_key,
        right_identifier_key,

        -- attributes
        left_identifier_type,
        right_identifier_type,
        evidence,
        reject_reason,

        -- measures
        cast(n_records as bigint) as n_records,

        -- times
        first_seen_at,
        last_seen_at
    from identifier_edges
)

select * from final
