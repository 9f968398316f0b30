with

source as (
    select * from {{ source('fx', 'rates') }}
    where {{ source_is_on('fx') }}
),

typed as (
    select
        _load_id as load_id,
        _record_number as record_number,
        {{ hash_key(['date', 'from_currency', 'to_currency', 'rate']) }} as content_key,
        upper({{ clean_text('from_currency') }}) as from_currency_code,
        upper({{ clean_text('to_currency') }}) as to_currency_code,
        {{ dbt.safe_cast(clean_text('rate'), 'decimal(18, 8)') }} as exchange_rate,
        {{ dbt.safe_cast(clean_text('date'), 'date') }} as valid_from_date,
        _loaded_at as loaded_at
    from source
),

final as (
    select
        -- keys
        load_id,
        record_number,
        content_key,

        -- attributes
        'fx' as source_name,
        from_currency_code,
        to_currency_code,
        case
            when valid_from_date is null then 'unparseable_date'
            when
                length(coalesce(from_currency_code, '')) <> 3
                or length(coalesce(to_currency_code, '')) <> 3
                then 'unknown_currency'
            when coalesce(exchange_rate, 0) <= 0 then 'unparseable_rate'
            when
                valid_from_date > {{ dbt.dateadd(
                    'hour', var('future_tolerance_hours'), 'loaded_at'
                ) }}
                then 'future_timestamp'
        end as reject_reason,

        -- measures
        exchange_rate,

        -- times
        valid_from_date,
        loaded_at
    from typed
)

select * from final
