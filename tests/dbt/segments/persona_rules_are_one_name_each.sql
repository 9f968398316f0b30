{{ config(meta={'dagster': {'ref': {'name': 'persona_rules'}}}) }}

-- Guards the seed of rules: the conditions of a rule agree on its name and priority,
-- and no two rules share a priority, or their order would be an accident.
with

persona_rules as (
    select * from {{ ref('persona_rules') }}
),

rules as (
    select
        name_rule,
        count(distinct persona_name) as n_names,
        count(distinct priority_number) as n_priorities,
        min(priority_number) as priority_number
    from persona_rules
    group by name_rule
),

ranked as (
    select
        *,
        count(*) over (partition by priority_number) as n_of_priority
    from rules
),

final as (
    select
        name_rule,
        priority_number,
        n_names,
        n_priorities,
        n_of_priority
    from ranked
    where n_names <> 1 or n_priorities <> 1 or n_of_priority <> 1
)

select * from final
