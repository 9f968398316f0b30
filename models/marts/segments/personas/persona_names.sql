with

customer_clusters as (
    select * from {{ ref('customer_clusters') }}
),

persona_traits as (
    select * from {{ ref('persona_traits') }}
),

persona_rules as (
    select * from {{ ref('persona_rules') }}
),

persona_actions as (
    select * from {{ ref('persona_actions') }}
),

clusters as (
    select
        model_id,
        cluster_number,
        min(segment) as segment,
        min(working_name) as working_name
    from customer_clusters
    group by model_id, cluster_number
),

counted_clusters as (
    select
        model_id,
        cluster_number,
        segment,
        coalesce(working_name, segment) as working_name,
        count(*) over (partition by model_id) as n_clusters
    from clusters
),

rules as (
    select
        name_rule,
        min(persona_name) as persona_name,
        min(priority_number) as priority_number,
        count(*) as n_conditions
    from persona_rules
    group by name_rule
),

measured as (
    select
        persona_traits.model_id,
        persona_traits.cluster_number,
        persona_rules.name_rule,
        persona_rules.feature_name,
        persona_rules.measure_type,
        persona_rules.direction_type,
        persona_rules.threshold,
        case persona_rules.measure_type
            when 'median' then persona_traits.median_value
            when 'difference' then persona_traits.difference_score
            when 'higher_than' then persona_traits.higher_than_rate
        end as measured_value
    from persona_rules
    inner join persona_traits
        on persona_rules.feature_name = persona_traits.feature_name
),

judged as (
    select
        model_id,
        cluster_number,
        name_rule,
        case
            when direction_type = 'at_least' and measured_value >= threshold then 1
            when direction_type = 'at_most' and measured_value <= threshold then 1
            else 0
        end as is_met,
        feature_name || ' ' || measure_type || ' '
        || cast(round(measured_value, 2) as {{ dbt.type_string() }}) || ' '
        || replace(direction_type, '_', ' ') || ' '
        || cast(threshold as {{ dbt.type_string() }}) as condition_text
    from measured
),

held as (
    select
        model_id,
        cluster_number,
        name_rule,
        sum(is_met) as n_met,
        {{ dbt.listagg(
            measure='condition_text',
            delimiter_text="'; '",
            order_by_clause='order by condition_text'
        ) }} as name_reason
    from judged
    group by model_id, cluster_number, name_rule
),

-- A rule about a feature that isn't measured doesn't hold.
matched as (
    select
        held.model_id,
        held.cluster_number,
        rules.name_rule,
        rules.persona_name,
        held.name_reason,
        row_number() over (
            partition by held.model_id, held.cluster_number
            order by rules.priority_number, rules.name_rule
        ) as match_number
    from held
    inner join rules
        on
            held.name_rule = rules.name_rule
            and held.n_met = rules.n_conditions
),

-- One cluster is everyone, and nothing sets everyone apart.
named as (
    select
        counted_clusters.model_id,
        counted_clusters.cluster_number,
        counted_clusters.segment,
        counted_clusters.working_name,
        coalesce(matched.name_rule, 'fallback') as name_rule,
        coalesce(matched.persona_name, counted_clusters.working_name) as persona_name,
        coalesce(matched.persona_name, 'fallback') as action_name,
        coalesce(matched.name_reason, 'no rule holds') as name_reason
    from counted_clusters
    left join matched
        on
            counted_clusters.model_id = matched.model_id
            and counted_clusters.cluster_number = matched.cluster_number
            and matched.match_number = 1
            and counted_clusters.n_clusters > 1
),

namesakes as (
    select
        *,
        count(*) over (partition by model_id, persona_name) as n_namesakes,
        count(*) over (
            partition by model_id, persona_name, working_name
        ) as n_doubles
    from named
),

final as (
    select
        -- keys
        {{ hash_key(['namesakes.model_id', 'namesakes.cluster_number']) }}
            as persona_key,
        namesakes.model_id,
        {{ as_of_date() }} as as_of_date,

        -- attributes
        namesakes.cluster_number,
        namesakes.segment,
        case
            when namesakes.n_doubles > 1
                then namesakes.persona_name || ' (' || namesakes.segment || ')'
            when namesakes.n_namesakes > 1
                then namesakes.persona_name || ' (' || namesakes.working_name || ')'
            else namesakes.persona_name
        end as persona_name,
        namesakes.name_rule,
        namesakes.name_reason,
        namesakes.working_name,
        persona_actions.suggested_action
    from namesakes
    left join persona_actions
        on namesakes.action_name = persona_actions.persona_name
)

select * from final
