with

points as (
    select * from {{ ref('stg_python__cluster_scatter_points') }}
),

final as (
    select
        -- keys
        {{ hash_key(['as_of_date', 'point_number']) }} as point_key,
        model_id,
        as_of_date,

        -- attributes
        point_number,
        cluster_number,
        'cluster_' || cast(cluster_number as {{ dbt.type_string() }}) as segment,

        -- measures
        first_coordinate,
        second_coordinate
    from points
)

select * from final
