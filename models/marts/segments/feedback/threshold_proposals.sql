-- Nothing is ever taken back: a proposal stays, and only what became of it changes.
with

proposals as (
    select * from {{ ref('stg_python__threshold_proposals') }}
),

accepted_thresholds as (
    select * from {{ ref('accepted_thresholds') }}
    where proposal_id is not null
),

thresholds as (
    select * from {{ ref('dim_thresholds') }}
),

first_accepted as (
    select
        proposal_id,
        threshold_name,
        min(accepted_date) as accepted_date
    from accepted_thresholds
    group by proposal_id, threshold_name
),

numbered as (
    select
        *,
        row_number() over (
            partition by threshold_name
            order by last_month_end_date desc, as_of_date desc, proposal_id asc
        ) as newness_number
    from proposals
),

-- A proposal is open as long as nothing newer was found and the value that it would
-- replace is in force.
joined as (
    select
        numbered.*,
        thresholds.threshold_value,
        first_accepted.accepted_date,
        first_accepted.proposal_id is not null as is_accepted,
        coalesce(thresholds.proposal_id = numbered.proposal_id, false) as is_in_force,
        coalesce(
            numbered.newness_number = 1
            and thresholds.threshold_value = numbered.current_value,
            false
        ) as is_open
    from numbered
    left join thresholds
        on numbered.threshold_name = thresholds.threshold_name
    left join first_accepted
        on
            numbered.proposal_id = first_accepted.proposal_id
            and numbered.threshold_name = first_accepted.threshold_name
),

final as (
    select
        -- keys
        proposal_id,
        threshold_name,
        as_of_date,

        -- attributes
        segment,
        outcome_name,
        direction,
        case
            when is_in_force then 'accepted'
            when is_accepted then 'superseded'
            when not is_proposed then 'kept'
            when is_open then 'proposed'
            else 'superseded'
        end as status,
        decision_code,
        decision,
        case
            when is_proposed and is_open and not is_accepted
                then
                    threshold_name || ','
                    || cast(candidate_value as {{ dbt.type_string() }}) || ','
                    || proposal_id || ',YYYY-MM-DD,why'
        end as accepting_line,

        -- measures
        current_value,
        candidate_value,
        threshold_value,
        n_training_months,
        n_holdout_months,
        n_holdout_customer_months,
        current_member_rate,
        current_other_rate,
        candidate_member_rate,
        candidate_other_rate,
        improvement,
        improvement_lower,
        improvement_upper,
        confidence_level,
        n_customers,
        n_current_members,
        n_candidate_members,
        cast(current_member_net_amount as {{ type_amount() }})
            as current_member_net_amount,
        cast(candidate_member_net_amount as {{ type_amount() }})
            as candidate_member_net_amount,

        -- flags
        is_proposed,

        -- times
        last_month_end_date,
        accepted_date
    from joined
)

select * from final
