{{ config(meta={'dagster': {'ref': {'name': 'persona_trait_words'}}}) }}

-- Guards that every feature has words, and that no words are of a feature that is gone.
with

trait_words as (
    select * from {{ ref('persona_trait_words') }}
),

features as (
    {%- for name in customer_feature_names() %}
    select '{{ name }}' as feature_name
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

final as (
    select
        features.feature_name,
        trait_words.feature_name as worded_feature_name
    from features
    full outer join trait_words
        on features.feature_name = trait_words.feature_name
    where features.feature_name is null or trait_words.feature_name is null
)

select * from final
