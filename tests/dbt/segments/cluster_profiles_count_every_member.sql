{{ config(meta={'dagster': {'ref': {'name': 'cluster_profiles'}}}) }}

-- Guards that the profiles are of all clustered customers, each once.
with

customer_clusters as (
    select
        model_id,
        cluster_number,
        count(*) as n_members
    from {{ ref('customer_clusters') }}
    group by model_id, cluster_number
),

cluster_profiles as (
    select * from {{ ref('cluster_profiles') }}
),

final as (
    select
        customer_clusters.model_id,
        customer_clusters.cluster_number,
        customer_clusters.n_members,
        cluster_profiles.n_customers
    from customer_clusters
    left join cluster_profiles
        on
            customer_clusters.model_id = cluster_profiles.model_id
            and customer_clusters.cluster_number = cluster_profiles.cluster_number
    where customer_clusters.n_members <> coalesce(cluster_profiles.n_customers, 0)
)

select * from final
