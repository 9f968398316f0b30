{% set horizon = var('survival_months') -%}
with

history as {{ not_materialized() }} (
    select * from {{ ref('snap_segment_memberships') }}
),

-- Numbers from 1 are one more than the months from 0 on.
months as (
    select generated_number - 1 as n_months_since_entry
    from ({{ dbt.generate_series(horizon + 1) }}) as numbers
),

first_dates as (
    select
        segment_set,
        min(dbt_valid_from) as first_valid_from
    from history
    group by segment_set
),

-- Most stays began and ended on the same few dates, so they are counted first.
periods as (
    select
        segment_set,
        segment,
        dbt_valid_from,
        dbt_valid_to,
        count(*) as n_customers
    from history
    where segment <> 'merged'
    group by segment_set, segment, dbt_valid_from, dbt_valid_to
),

merged_rows as (
    select * from history
    where segment = 'merged'
),

-- Who was found to be another customer goes on as that one, and has not left.
mergers as (
    select
        history.segment_set,
        history.segment,
        history.dbt_valid_from,
        history.dbt_valid_to,
        count(*) as n_customers
    from history
    inner join merged_rows
        on
            history.customer_id = merged_rows.customer_id
            and history.segment_set = merged_rows.segment_set
            and history.dbt_valid_to = merged_rows.dbt_valid_from
    group by
        history.segment_set,
        history.segment,
        history.dbt_valid_from,
        history.dbt_valid_to
),

-- When a stay began that already ran at the set's first snapshot, nobody knows.
stays as (
    select
        periods.segment_set,
        periods.segment,
        periods.n_customers,
        coalesce(mergers.n_customers, 0) as n_mergers,
        cast(periods.dbt_valid_from as date) as valid_from_date,
        cast(periods.dbt_valid_to as date) as valid_to_date
    from periods
    inner join first_dates
        on
            periods.segment_set = first_dates.segment_set
            and periods.dbt_valid_from > first_dates.first_valid_from
    left join mergers
        on
            periods.segment_set = mergers.segment_set
            and periods.segment = mergers.segment
            and periods.dbt_valid_from = mergers.dbt_valid_from
            and periods.dbt_valid_to = mergers.dbt_valid_to
),

-- A month of a stay counts if it could be seen to its end, for those who left in it
-- as for those who stayed: the last such month, the month in which a stay ended, and
-- the last whole month that it lasted.
dated as (
    select
        *,
        {{ dbt.datediff('valid_from_date', as_of_date(), 'month') }}
        - case
            when
                extract(day from {{ as_of_date() }}) < extract(day from valid_from_date)
                then 1
            else 0
        end as n_observed_months,
        {{ dbt.datediff('valid_from_date', 'valid_to_date', 'month') }}
        + case
            when extract(day from valid_to_date) > extract(day from valid_from_date)
                then 1
            else 0
        end as exit_month_number,
        {{ dbt.datediff('valid_from_date', 'valid_to_date', 'month') }}
        - case
            when extract(day from valid_to_date) < extract(day from valid_from_date)
                then 1
            else 0
        end as n_whole_months
    from stays
),

ends as (
    select
        segment_set,
        segment,
        exit_month_number as n_months,
        n_customers - n_mergers as n_exits,
        0 as n_censored
    from dated
    where exit_month_number <= n_observed_months
    union all
    select
        segment_set,
        segment,
        n_observed_months as n_months,
        0 as n_exits,
        n_customers - n_mergers as n_censored
    from dated
    where exit_month_number is null or exit_month_number > n_observed_months
    union all
    select
        segment_set,
        segment,
        least(n_whole_months, n_observed_months) as n_months,
        0 as n_exits,
        n_mergers as n_censored
    from dated
    where n_mergers > 0
),

ended as (
    select
        segment_set,
        segment,
        n_months,
        sum(n_exits) as n_exits,
        sum(n_censored) as n_censored
    from ends
    group by segment_set, segment, n_months
),

lengths as (
    select
        segment_set,
        segment,
        max(n_months) as n_longest_months,
        sum(n_exits + n_censored) as n_stays
    from ended
    group by segment_set, segment
),

months_of_segments as (
    select
        lengths.segment_set,
        lengths.segment,
        lengths.n_stays,
        months.n_months_since_entry,
        coalesce(ended.n_exits, 0) as n_exits,
        coalesce(ended.n_censored, 0) as n_censored
    from lengths
    inner join months
        on lengths.n_longest_months >= months.n_months_since_entry
    left join ended
        on
            lengths.segment_set = ended.segment_set
            and lengths.segment = ended.segment
            and months.n_months_since_entry = ended.n_months
),

at_risk as (
    select
        *,
        n_stays - coalesce(
            sum(n_exits + n_censored) over (
                partition by segment_set, segment
                order by n_months_since_entry
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as n_at_risk
    from months_of_segments
),

rated as (
    select
        *,
        {{ safe_divide('n_exits', 'n_at_risk') }} as exit_rate
    from at_risk
),

-- Of a month in which everybody left the logarithm would be of 0.
factors as (
    select
        *,
        case when n_exits < n_at_risk then ln(1 - exit_rate) else 0 end
            as log_survival,
        case when n_exits < n_at_risk then exit_rate / (n_at_risk - n_exits) else 0 end
            as relative_variance,
        case when n_exits = n_at_risk then 1 else 0 end as is_last_exit
    from rated
),

accumulated as (
    select
        *,
        sum(log_survival) over (
            partition by segment_set, segment order by n_months_since_entry
        ) as log_survival_so_far,
        sum(relative_variance) over (
            partition by segment_set, segment order by n_months_since_entry
        ) as relative_variance_so_far,
        max(is_last_exit) over (
            partition by segment_set, segment order by n_months_since_entry
        ) as has_ended
    from factors
),

surviving as (
    select
        *,
        case when has_ended = 1 then 0 else round(exp(log_survival_so_far), 12) end
            as survival_rate,
        case
            when has_ended = 0
                then round(
                    exp(log_survival_so_far) * sqrt(relative_variance_so_far), 12
                )
        end as standard_error
    from accumulated
),

medians as (
    select
        segment_set,
        segment,
        min(n_months_since_entry) as n_median_months
    from surviving
    where survival_rate <= 0.5
    group by segment_set, segment
),

final as (
    select
        -- keys
        {{ hash_key([
            'surviving.segment_set',
            'surviving.segment',
            'surviving.n_months_since_entry',
        ]) }} as survival_key,
        {{ as_of_date() }} as as_of_date,

        -- attributes
        surviving.segment_set,
        surviving.segment,
        cast(surviving.n_months_since_entry as bigint) as n_months_since_entry,

        -- measures
        cast(surviving.n_at_risk as bigint) as n_at_risk,
        cast(surviving.n_exits as bigint) as n_exits,
        cast(surviving.n_censored as bigint) as n_censored,
        cast(surviving.survival_rate as {{ type_double() }}) as survival_rate,
        cast(surviving.standard_error as {{ type_double() }})
            as survival_standard_error,
        cast(medians.n_median_months as bigint) as n_median_months
    from surviving
    left join medians
        on
            surviving.segment_set = medians.segment_set
            and surviving.segment = medians.segment
)

select * from final
