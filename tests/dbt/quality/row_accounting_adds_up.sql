{{ config(meta={'dagster': {'ref': {'name': 'row_accounting'}}}) }}

-- Guards that every record of every load has exactly one status: none is lost between
-- the file and the models, none counted twice.
select
    load_number,
    n_landed,
    n_accepted,
    n_duplicate,
    n_rejected,
    n_withheld,
    n_erased
from {{ ref('row_accounting') }}
where n_landed <> n_accepted + n_duplicate + n_rejected + n_withheld + n_erased
