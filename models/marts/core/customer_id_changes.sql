with

versions as {{ not_materialized() }} (
    select * from {{ ref('int_customer_id_versions') }}
),

-- Most identifiers have one version, which changed nothing; and most of these are of
-- the first run, so that they aren't counted.
later_versions as (
    select identifier_key from versions
    where version_number > 1
),

moved_identifiers as (
    select identifier_key
    from versions
    where identifier_key in (select later_versions.identifier_key from later_versions)
    group by identifier_key
    having count(*) > 1
),

moved_versions as (
    select versions.*
    from versions
    inner join moved_identifiers
        on versions.identifier_key = moved_identifiers.identifier_key
),

-- A version holds until the next one of its identifier.
intervals as (
    select
        *,
        lag(customer_id) over (
            partition by identifier_key
            order by version_number
        ) as previous_customer_id,
        lead(version_number) over (
            partition by identifier_key
            order by version_number
        ) as next_version_number
    from moved_versions
),

changes as (
    select
        version_number,
        previous_customer_id as from_customer_id,
        customer_id as to_customer_id,
        min(load_id) as load_id,
        count(*) as n_identifiers
    from intervals
    where
        previous_customer_id is not null
        and (customer_id is null or customer_id <> previous_customer_id)
    group by version_number, previous_customer_id, customer_id
),

changed_customers as (
    select from_customer_id as customer_id from changes
    union distinct
    select to_customer_id as customer_id from changes
),

-- Where an old customer's identifiers are after the change, themselves included.
lives as (
    select
        customer_id,
        version_number,
        coalesce(next_version_number, 9223372036854775807) as next_version_number
    from intervals
    where customer_id is not null
    union all
    select
        versions.customer_id,
        versions.version_number,
        9223372036854775807 as next_version_number
    from versions
    inner join changed_customers
        on versions.customer_id = changed_customers.customer_id
    left join moved_identifiers
        on versions.identifier_key = moved_identifiers.identifier_key
    where moved_identifiers.identifier_key is null
),

stayed as (
    select
        changes.version_number,
        changes.from_customer_id
    from changes
    inner join lives
        on
            changes.from_customer_id = lives.customer_id
            and changes.version_number >= lives.version_number
            and changes.version_number < lives.next_version_number
    group by changes.version_number, changes.from_customer_id
),

were_there as (
    select
        changes.version_number,
        changes.to_customer_id
    from changes
    inner join lives
        on
            changes.to_customer_id = lives.customer_id
            and changes.version_number > lives.version_number
            and changes.version_number <= lives.next_version_number
    group by changes.version_number, changes.to_customer_id
),

counted as (
    select
        changes.*,
        case when stayed.from_customer_id is null then 0 else 1 end
        + count(*) over (
            partition by changes.version_number, changes.from_customer_id
        ) as n_successors,
        case when were_there.to_customer_id is null then 0 else 1 end
        + count(*) over (
            partition by changes.version_number, changes.to_customer_id
        ) as n_predecessors,
        stayed.from_customer_id is null as is_superseded
    from changes
    left join stayed
        on
            changes.version_number = stayed.version_number
            and changes.from_customer_id = stayed.from_customer_id
    left join were_there
        on
            changes.version_number = were_there.version_number
            and changes.to_customer_id = were_there.to_customer_id
),

final as (
    select
        -- keys
        {{ hash_key(['version_number', 'from_customer_id', 'to_customer_id']) }}
            as customer_id_change_key,
        from_customer_id,
        to_customer_id,

        -- attributes
        case
            when to_customer_id is null then 'gone'
            when n_successors > 1 then 'split'
            when n_predecessors > 1 then 'merge'
            else 'earlier_evidence'
        end as change_reason,

        -- measures
        version_number,
        cast(load_id as bigint) as load_number,
        cast(n_identifiers as bigint) as n_identifiers,

        -- flags
        is_superseded
    from counted
)

select * from final
