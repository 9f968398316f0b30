{% snapshot snap_segment_memberships %}

{{
    config(
        unique_key=['customer_id', 'segment_set'],
        strategy='check',
        check_cols=['segment'],
        updated_at='as_of_at',
        hard_deletes='ignore',
    )
}}

-- dbt compares what it is given with the rows that hold now. It is given only what
-- differs from them; the rest would change nothing. What was restated is looked for
-- before: depends_on: {{ ref('segment_restatements') }}
with

segment_memberships as {{ not_materialized() }} (
    select * from {{ ref('segment_memberships') }}
),

changes as (
    {{ membership_changes(
        'segment_memberships',
        '(' ~ membership_history() ~ ')' if find_membership_history() else none
    ) }}
)

select
    customer_id,
    segment_set,
    segment,
    cast({{ as_of_date() }} as timestamp) as as_of_at
from changes
where {{ is_after_history('snap_segment_memberships') }}

{% endsnapshot %}
