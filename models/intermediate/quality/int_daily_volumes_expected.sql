-- What a day should have brought, from the days before it alone: the median of the same
-- weekday, moved to today's level, and at the turn of a month by what earlier turns
-- brought beyond it. Medians throughout: one bad day doesn't spoil the next ones.
with

daily_volumes as (
    select
        *,
        extract(day from volume_date) as day_of_month,
        extract(
            day from cast({{ dbt.dateadd('day', 3, 'volume_date') }} as date)
        ) as day_of_month_later
    from {{ ref('int_daily_volumes') }}
),

-- The turn of the month: its last days are -3, -2 and -1, its first 1 and 2.
placed as (
    select
        *,
        case
            when day_of_month <= 2 then day_of_month
            when day_of_month_later <= 3 then day_of_month_later - 4
            else 0
        end as month_turn_day
    from daily_volumes
),

ordinary_days as (
    select
        series_key,
        volume_date,
        n_records
    from placed
    where month_turn_day = 0
),

-- The eight weeks before, of which three at least have to be there.
weekday_medians as (
    select
        placed.series_key,
        placed.volume_date,
        {{ median('ordinary_days.n_records') }} as weekday_median
    from placed
    inner join ordinary_days
        on
            placed.series_key = ordinary_days.series_key
            and placed.volume_date > ordinary_days.volume_date
            and ordinary_days.volume_date
            >= cast({{ dbt.dateadd('day', -56, 'placed.volume_date') }} as date)
            and mod(
                {{ dbt.datediff(
                    'ordinary_days.volume_date', 'placed.volume_date', 'day'
                ) }},
                7
            ) = 0
    group by placed.series_key, placed.volume_date
    having count(*) >= 3
),

compared as (
    select
        placed.*,
        weekday_medians.weekday_median,
        (placed.n_records + 1) / (weekday_medians.weekday_median + 1)
            as weekday_ratio
    from placed
    inner join weekday_medians
        on
            placed.series_key = weekday_medians.series_key
            and placed.volume_date = weekday_medians.volume_date
),

-- A shop that grows is above its median of eight weeks: by how much, four weeks say.
levels as (
    select
        compared.series_key,
        compared.volume_date,
        {{ median('earlier.weekday_ratio') }} as level_ratio
    from compared
    inner join compared as earlier
        on
            compared.series_key = earlier.series_key
            and earlier.month_turn_day = 0
            and compared.volume_date > earlier.volume_date
            and earlier.volume_date
            >= cast({{ dbt.dateadd('day', -28, 'compared.volume_date') }} as date)
    group by compared.series_key, compared.volume_date
    having count(*) >= 7
),

levelled as (
    select
        compared.*,
        (compared.weekday_median + 1) * levels.level_ratio as level_amount,
        (compared.n_records + 1)
        / ((compared.weekday_median + 1) * levels.level_ratio) as turn_ratio
    from compared
    inner join levels
        on
            compared.series_key = levels.series_key
            and compared.volume_date = levels.volume_date
),

-- The same day of the turns of a year, at least two.
turns as (
    select
        levelled.series_key,
        levelled.volume_date,
        {{ median('earlier.turn_ratio') }} as turn_ratio
    from levelled
    inner join levelled as earlier
        on
            levelled.series_key = earlier.series_key
            and levelled.month_turn_day = earlier.month_turn_day
            and levelled.volume_date > earlier.volume_date
            and earlier.volume_date
            >= cast({{ dbt.dateadd('day', -366, 'levelled.volume_date') }} as date)
    where levelled.month_turn_day <> 0
    group by levelled.series_key, levelled.volume_date
    having count(*) >= 2
),

expected as (
    select
        levelled.*,
        greatest(levelled.level_amount * coalesce(turns.turn_ratio, 1) - 1, 0)
            as expected_records
    from levelled
    left join turns
        on
            levelled.series_key = turns.series_key
            and levelled.volume_date = turns.volume_date
    where levelled.month_turn_day = 0 or turns.turn_ratio is not null
),

-- The square root makes the spread of a count the same at every level: 1, were it
-- pure chance (Anscombe 1948).
deviating as (
    select
        *,
        2 * (sqrt(n_records + 0.375) - sqrt(expected_records + 0.375)) as deviation
    from expected
),

spreads as (
    select
        deviating.series_key,
        deviating.volume_date,
        {{ median('abs(earlier.deviation)') }} as median_absolute_deviation
    from deviating
    inner join deviating as earlier
        on
            deviating.series_key = earlier.series_key
            and deviating.volume_date > earlier.volume_date
            and earlier.volume_date
            >= cast({{ dbt.dateadd('day', -56, 'deviating.volume_date') }} as date)
    group by deviating.series_key, deviating.volume_date
    having count(*) >= 14
),

-- 1.4826 median absolute deviations are a standard deviation. No count spreads less
-- than chance would have it, so that is the least.
final as (
    select
        -- keys
        deviating.series_key,

        -- attributes
        deviating.source_name,
        deviating.record_type,
        deviating.event_name,
        deviating.volume_date,

        -- measures
        deviating.n_records,
        round(deviating.expected_records, 4) as expected_records,
        round(
            deviating.deviation
            / greatest(1.4826 * spreads.median_absolute_deviation, 1),
            4
        ) as deviation_score,

        -- flags
        deviating.month_turn_day <> 0 as is_month_turn
    from deviating
    inner join spreads
        on
            deviating.series_key = spreads.series_key
            and deviating.volume_date = spreads.volume_date
)

select * from final
