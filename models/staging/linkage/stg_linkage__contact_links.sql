with

source as (
    select * from {{ source('linkage', 'contact_links') }}
    where {{ var('record_linkage').get('enabled', false) | lower }}
),

final as (
    select
        -- keys
        crm_contact_id_left,
        crm_contact_id_right,

        -- attributes
        names_level,
        birth_date_level,
        address_level,
        gender_level,
        model_version,

        -- measures
        match_probability,
        match_weight,

        -- flags
        is_link
    from source
)

select * from final
