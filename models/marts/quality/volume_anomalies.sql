with

daily_volumes as (
    select * from {{ ref('int_daily_volumes_expected') }}
),

judged as (
    select
        *,
        case
            when expected_records < {{ var('volume_min_records') }} then 'none'
            when
                deviation_score <= -1 * {{ var('volume_max_deviation_score') }}
                and n_records
                <= (1 - {{ var('volume_min_change_rate') }}) * expected_records
                then 'drop'
            when
                deviation_score >= {{ var('volume_max_deviation_score') }}
                and n_records
                >= (1 + {{ var('volume_min_change_rate') }}) * expected_records
                then 'spike'
            else 'none'
        end as anomaly_type
    from daily_volumes
),

final as (
    select
        -- keys
        {{ hash_key(['series_key', 'volume_date']) }} as series_day_key,

        -- attributes
        source_name,
        record_type,
        event_name,
        volume_date,
        anomaly_type,

        -- measures
        cast(n_records as bigint) as n_records,
        cast(expected_records as {{ type_double() }}) as expected_records,
        cast(deviation_score as {{ type_double() }}) as deviation_score,

        -- flags
        is_month_turn
    from judged
)

select * from final
