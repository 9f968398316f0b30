with

source as (
    select * from {{ source('python', 'threshold_proposals') }}
),

final as (
    select
        proposal_id,
        threshold_name,
        segment,
        outcome_name,
        direction,
        as_of_date,
        last_month_end_date,
        current_value,
        candidate_value,
        is_proposed,
        decision_code,
        decision,
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
        current_member_net_amount,
        candidate_member_net_amount
    from source
)

select * from final
