with

source as (
    select * from {{ source('landing', 'identifier_salt') }}
),

final as (
    select salt from source
)

select * from final
