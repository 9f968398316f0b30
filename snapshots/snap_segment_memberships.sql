{% snapshot snap_segment_memberships %}

{{
    config(
        unique_key='membership_key',
        strategy='check',
        check_cols=['segment'],
        updated_at='as_of_at',
        hard_deletes='ignore',
    )
}}

select
    membership_key,
    customer_id,
    segment_set,
    segment,
    cast(as_of_date as timestamp) as as_of_at
from {{ ref('segment_memberships') }}
where {{ is_after_history('snap_segment_memberships') }}

{% endsnapshot %}
