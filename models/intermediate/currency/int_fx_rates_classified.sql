with

rates as (
    select * from {{ ref('stg_fx__rates') }}
),

numbered as (
    select
        *,
        row_number() over (
            partition by
                valid_from_date,
                from_currency_code,
                to_currency_code,
                case when reject_reason is null then 1 else 0 end
            order by content_key, load_id, record_number
        ) as copy_number
    from rates
),

final as (
    select
        -- keys
        load_id,
        record_number,
        content_key,

        -- attributes
        source_name,
        from_currency_code,
        to_currency_code,
        case
            when reject_reason is not null then 'rejected'
            when copy_number > 1 then 'duplicate'
            else 'accepted'
        end as record_status,
        reject_reason,

        -- measures
        exchange_rate,

        -- times
        valid_from_date
    from numbered
)

select * from final
