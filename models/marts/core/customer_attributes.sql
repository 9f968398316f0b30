with

attributes as (
    select * from {{ ref('int_customer_attributes_classified') }}
    where record_status = 'accepted'
),

customer_identifiers as (
    select * from {{ ref('int_customer_identifiers') }}
    where identifier_type = 'user_id'
),

numbered as (
    select
        attributes.*,
        customer_identifiers.customer_id as known_customer_id,
        row_number() over (
            partition by customer_identifiers.customer_id, attributes.attribute_name
            order by
                attributes.valid_from_date desc,
                attributes.content_key asc,
                attributes.record_key asc
        ) as recency_number
    from attributes
    inner join customer_identifiers
        on attributes.customer_id = customer_identifiers.identifier_value
),

final as (
    select
        -- keys
        {{ hash_key(['known_customer_id', 'attribute_name']) }}
            as customer_attribute_key,
        known_customer_id as customer_id,

        -- attributes
        attribute_name,
        attribute_value,
        source_name,

        -- times
        valid_from_date
    from numbered
    where recency_number = 1
)

select * from final
