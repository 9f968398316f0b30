{{ config(meta={'dagster': {'ref': {'name': 'persona_actions'}}}) }}

-- Guards the action for clusters that no rule names: one row called `fallback`.
with

persona_actions as (
    select * from {{ ref('persona_actions') }}
),

counted as (
    select count(*) as n_fallbacks
    from persona_actions
    where persona_name = 'fallback'
)

select * from counted
where n_fallbacks <> 1
