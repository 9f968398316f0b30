{{ config(meta={'dagster': {'ref': {'name': 'rfm_segments'}}}) }}

-- Guards the seed of labels: each of the 25 cells of recency and frequency score once.
-- A cell left out would make its customers `inactive`; one given twice would double
-- them.
with

rfm_segments as (
    select * from {{ ref('rfm_segments') }}
),

cells as (
    select
        recency_score,
        frequency_score,
        count(*) as n_labels
    from rfm_segments
    where
        recency_score between 1 and 5
        and frequency_score between 1 and 5
        and segment not in ('none', 'inactive')
    group by recency_score, frequency_score
),

counted as (
    select
        (select count(*) from rfm_segments) as n_rows,
        (select count(*) from cells) as n_cells,
        (select max(n_labels) from cells) as most_labels
)

select * from counted
where n_rows <> 25 or n_cells <> 25 or most_labels <> 1
