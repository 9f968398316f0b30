with

source as (
    select * from {{ source('python', 'cluster_scatter_points') }}
),

final as (
    select
        model_id,
        as_of_date,
        point_number,
        cluster_number,
        first_coordinate,
        second_coordinate
    from source
)

select * from final
