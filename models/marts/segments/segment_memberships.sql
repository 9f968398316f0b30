{{ config(materialized='view') }}

with

segment_assignments as (
    select * from {{ ref('segment_assignments') }}
    where as_of_date = {{ as_of_date() }}
),

customer_facts as {{ not_materialized() }} (
    select * from {{ ref('customer_facts_by_date') }}
    where as_of_date = {{ as_of_date() }}
),

customer_clusters as (
    select * from {{ ref('customer_clusters') }}
),

superseded_customers as (
    select from_customer_id as customer_id
    from {{ ref('customer_id_changes') }}
    where is_superseded and to_customer_id is not null
    group by from_customer_id
),

membership_history as {{ not_materialized() }} (
    {{ membership_history() }}
),

cluster_assignments as (
    select
        customer_facts.as_of_date,
        customer_facts.customer_id,
        'cluster' as segment_set,
        coalesce(customer_clusters.segment, 'none') as segment
    from customer_facts
    left join customer_clusters
        on customer_facts.customer_id = customer_clusters.customer_id
),

assigned as (
    select * from segment_assignments
    union all
    select * from cluster_assignments
),

-- A row once there never vanishes: whoever is gone from the facts is in no segment, or
-- was found to be another customer, and of a set that is no more everybody is in none.
-- Everybody has a stage of the lifecycle, and be it `none`.
vanished_customers as (
    select membership_history.customer_id
    from membership_history
    left join customer_facts
        on membership_history.customer_id = customer_facts.customer_id
    where
        membership_history.segment_set = 'lifecycle'
        and customer_facts.customer_id is null
),

vanished_memberships as (
    select
        customer_id,
        segment_set
    from membership_history
    where customer_id in ({{ few_values('vanished_customers', 'customer_id') }})
    union distinct
    select
        customer_id,
        segment_set
    from membership_history
    where
        segment_set not in ('rfm', 'lifecycle', 'cluster')
        {%- for rule in rule_segments() %}
        and segment_set <> '{{ rule }}'
        {%- endfor %}
),

vanished as (
    select
        {{ as_of_date() }} as as_of_date,
        vanished_memberships.customer_id,
        vanished_memberships.segment_set,
        case when superseded_customers.customer_id is null then 'none' else 'merged' end
            as segment
    from vanished_memberships
    left join superseded_customers
        on vanished_memberships.customer_id = superseded_customers.customer_id
),

memberships as (
    select * from assigned
    union all
    select * from vanished
),

final as (
    select
        -- keys
        {{ hash_key(['customer_id', 'segment_set']) }} as membership_key,
        as_of_date,
        customer_id,

        -- attributes
        segment_set,
        segment
    from memberships
)

select * from final
