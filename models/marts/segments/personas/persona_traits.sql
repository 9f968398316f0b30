with

customer_clusters as (
    select * from {{ ref('customer_clusters') }}
),

customer_features as (
    select * from {{ ref('customer_features') }}
),

classifiers as (
    select * from {{ ref('stg_python__persona_classifiers') }}
    where as_of_date <= {{ as_of_date() }}
),

importances as (
    select * from {{ ref('stg_python__persona_importances') }}
),

trait_words as (
    select * from {{ ref('persona_trait_words') }}
),

-- A day's assignments are those of one model.
clusters as (
    select
        model_id,
        cluster_number
    from customer_clusters
    group by model_id, cluster_number
),

members as (
    select
        customer_clusters.cluster_number,
        customer_features.*
    from customer_features
    inner join customer_clusters
        on customer_features.customer_id = customer_clusters.customer_id
),

feature_values as (
    {{ unpivot_customer_features('members') }}
),

of_clusters as (
    select
        cluster_number,
        feature_number,
        min(feature_name) as feature_name,
        {{ quantile('feature_value', 0.25) }} as lower_quartile,
        {{ median('feature_value') }} as median_value,
        {{ quantile('feature_value', 0.75) }} as upper_quartile
    from feature_values
    group by cluster_number, feature_number
),

of_everyone as (
    select
        feature_number,
        {{ quantile('feature_value', 0.25) }} as lower_quartile,
        {{ median('feature_value') }} as median_value,
        {{ quantile('feature_value', 0.75) }} as upper_quartile,
        stddev_pop(feature_value) as deviation
    from feature_values
    group by feature_number
),

compared as (
    select
        of_clusters.cluster_number,
        of_clusters.feature_number,
        count(*) as n_customers,
        sum(case
            when feature_values.feature_value < of_clusters.median_value then 1 else 0
        end) as n_lower,
        sum(case
            when feature_values.feature_value > of_clusters.median_value then 1 else 0
        end) as n_higher
    from feature_values
    inner join of_clusters
        on feature_values.feature_number = of_clusters.feature_number
    group by of_clusters.cluster_number, of_clusters.feature_number
),

-- A normal distribution's quartiles are 1.349 standard deviations apart. Where half of
-- the customers have the same value (most give nothing back), they may be not apart at
-- all; the ordinary standard deviation is then the next best.
spread as (
    select
        feature_number,
        lower_quartile,
        median_value,
        upper_quartile,
        case
            when upper_quartile > lower_quartile
                then (upper_quartile - lower_quartile) / 1.349
            else deviation
        end as spread_value
    from of_everyone
),

newest_classifiers as (
    select
        model_id,
        max(as_of_date) as as_of_date
    from classifiers
    group by model_id
),

newest_importances as (
    select
        importances.model_id,
        importances.cluster_number,
        importances.feature_name,
        importances.importance_score,
        importances.importance_deviation
    from importances
    inner join newest_classifiers
        on
            importances.model_id = newest_classifiers.model_id
            and importances.as_of_date = newest_classifiers.as_of_date
),

measured as (
    select
        clusters.model_id,
        of_clusters.cluster_number,
        of_clusters.feature_name,
        of_clusters.lower_quartile,
        of_clusters.median_value,
        of_clusters.upper_quartile,
        spread.lower_quartile as everyone_lower_quartile,
        spread.median_value as everyone_median_value,
        spread.upper_quartile as everyone_upper_quartile,
        spread.spread_value,
        {{ safe_divide(
            'of_clusters.median_value - spread.median_value', 'spread.spread_value'
        ) }} as difference_score,
        {{ safe_divide('compared.n_lower', 'compared.n_customers') }}
            as higher_than_rate,
        {{ safe_divide('compared.n_higher', 'compared.n_customers') }}
            as lower_than_rate,
        -- Rounded down: nobody has more than everybody, himself included.
        cast(
            floor({{ safe_divide('100 * compared.n_lower', 'compared.n_customers') }})
            as bigint
        ) as n_percent_lower,
        cast(
            floor({{ safe_divide('100 * compared.n_higher', 'compared.n_customers') }})
            as bigint
        ) as n_percent_higher
    from of_clusters
    inner join clusters
        on of_clusters.cluster_number = clusters.cluster_number
    inner join compared
        on
            of_clusters.cluster_number = compared.cluster_number
            and of_clusters.feature_number = compared.feature_number
    inner join spread
        on of_clusters.feature_number = spread.feature_number
),

-- What chance shuffles might explain isn't a trait, nor is what most others have, too.
explained as (
    select
        measured.*,
        newest_importances.importance_score,
        newest_importances.importance_deviation,
        coalesce(
            newest_importances.importance_score
            > {{ var('persona_trait_min_deviations') }}
            * newest_importances.importance_deviation
            and case
                when measured.difference_score > 0 then measured.higher_than_rate
                when measured.difference_score < 0 then measured.lower_than_rate
            end >= {{ var('persona_trait_min_rate') }},
            false
        ) as is_trait
    from measured
    left join newest_importances
        on
            measured.model_id = newest_importances.model_id
            and measured.cluster_number = newest_importances.cluster_number
            and measured.feature_name = newest_importances.feature_name
),

ranked as (
    select
        *,
        case
            when is_trait
                then row_number() over (
                    partition by cluster_number, case when is_trait then 1 else 0 end
                    order by importance_score desc, feature_name asc
                )
        end as trait_number
    from explained
),

final as (
    select
        -- keys
        {{ hash_key([
            'ranked.model_id', 'ranked.cluster_number', 'ranked.feature_name'
        ]) }} as persona_trait_key,
        {{ hash_key(['ranked.model_id', 'ranked.cluster_number']) }} as persona_key,
        ranked.model_id,
        {{ as_of_date() }} as as_of_date,

        -- attributes
        ranked.cluster_number,
        ranked.feature_name,
        cast(ranked.trait_number as bigint) as trait_rank_number,
        case
            when ranked.difference_score > 0
                then
                    coalesce(
                        trait_words.more_text, 'higher ' || ranked.feature_name
                    )
                    || ' than '
                    || cast(ranked.n_percent_lower as {{ dbt.type_string() }})
                    || '% of customers'
            when ranked.difference_score < 0
                then
                    coalesce(
                        trait_words.less_text, 'lower ' || ranked.feature_name
                    )
                    || ' than '
                    || cast(ranked.n_percent_higher as {{ dbt.type_string() }})
                    || '% of customers'
            else
                coalesce(
                    trait_words.same_text, ranked.feature_name || ' as usual'
                )
        end as trait_text,

        -- measures
        ranked.lower_quartile,
        ranked.median_value,
        ranked.upper_quartile,
        ranked.everyone_lower_quartile,
        ranked.everyone_median_value,
        ranked.everyone_upper_quartile,
        ranked.spread_value,
        ranked.difference_score,
        ranked.higher_than_rate,
        ranked.lower_than_rate,
        ranked.importance_score,
        ranked.importance_deviation
    from ranked
    left join trait_words
        on ranked.feature_name = trait_words.feature_name
)

select * from final
