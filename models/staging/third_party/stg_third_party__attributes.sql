with

source as (
    select * from {{ source('third_party', 'attributes') }}
    where {{ source_is_on('third_party') }}
),

typed as (
    select
        _load_id as load_id,
        _record_number as record_number,
        {{ clean_id('key') }} as customer_id,
        {{ hash_key(['key', 'attribute', 'value', 'as_of_date']) }} as content_key,
        lower({{ clean_text('attribute') }}) as attribute_name,
        {{ clean_text('value') }} as attribute_value,
        {{ dbt.safe_cast('as_of_date', 'date') }} as valid_from_date,
        _loaded_at as loaded_at
    from source
),

final as (
    select
        -- keys
        load_id,
        record_number,
        customer_id,
        content_key,

        -- attributes
        'third_party' as source_name,
        attribute_name,
        attribute_value,
        case
            when customer_id is null then 'missing_id'
            when attribute_name is null then 'missing_attribute'
            when attribute_value is null then 'missing_value'
            when valid_from_date is null then 'unparseable_date'
            when
                valid_from_date > {{ dbt.dateadd(
                    'hour', var('future_tolerance_hours'), 'loaded_at'
                ) }}
                then 'future_timestamp'
        end as reject_reason,

        -- times
        valid_from_date,
        loaded_at
    from typed
)

select * from final
