-- The usual SQL's outputs in the shape that all are compared in.
create temp view names as
select
    customer_id,
    coalesce(
        min(case when type = 'user_id' then value end),
        min(case when type = 'anonymous_id' then value end)
    ) as customer
from made.identifiers
group by customer_id;

-- Of identifiers that were seen together, which one names the customer may be up to a
-- key. So is since when the customer has the name, and with it a segment: that is
-- compared of those whose identifier was always alone.
create temp view lone_customers as
select customer_id
from made.identifiers
where
    key not in (
        select device_key from made.identifiers_met
        where anonymous_id is not null
            and (user_key is not null or email_key is not null)
        union
        select user_key from made.identifiers_met
        where user_key is not null
            and (anonymous_id is not null or email_key is not null)
        union
        select email_key from made.identifiers_met
        where email_key is not null
            and (anonymous_id is not null or user_key is not null)
    );

create temp view compared_events as
select
    case
        when reject_reason is not null then 'rejected'
        when copy_number > 1 then 'duplicate'
        else 'accepted'
    end as status,
    reject_reason as reason,
    count(*) as n
from made.events_ranked
group by all;

create temp view compared_accounting as
select
    case when filename like '%order_lines%' then 'pos' else 'segment' end as source_name,
    split_part(parse_filename(filename), '.', 1) as file,
    sum(n_records) as n_landed,
    sum(case when status = 'accepted' then n_records else 0 end) as n_accepted,
    sum(case when status = 'duplicate' then n_records else 0 end) as n_duplicate,
    sum(case when status = 'rejected' then n_records else 0 end) as n_rejected
from made.row_accounting
group by all;

create temp view compared_sessions as
select identifiers.value as device, names.customer, fct_sessions.*
from made.fct_sessions
inner join made.identifiers on fct_sessions.device_key = identifiers.key
left join names on fct_sessions.customer_id = names.customer_id;

create temp view compared_accepted_events as
select names.customer, count(*) as n, min(occurred_at) as first_at,
    max(occurred_at) as last_at, sum(price_amount) as price_amount
from made.fct_events
left join names on fct_events.customer_id = names.customer_id
group by names.customer;

create temp view compared_customers as
select names.customer, dim_customers.*
from made.dim_customers
inner join names on dim_customers.customer_id = names.customer_id;

-- Orders of one moment have one number here: which comes first is up to a key.
create temp view compared_orders as
select
    names.customer,
    fct_orders.* replace (
        min(customer_order_number) over (
            partition by fct_orders.customer_id, ordered_at, is_purchase
        ) as customer_order_number
    )
from made.fct_orders
left join names on fct_orders.customer_id = names.customer_id;

create temp view compared_facts as
select names.customer, facts.*
from made.customer_facts_by_date as facts
inner join names on facts.customer_id = names.customer_id;

create temp view compared_features as
select names.customer, features.*
from made.customer_features_by_date as features
inner join names on features.customer_id = names.customer_id;

create temp view compared_rfm as
select names.customer, rfm.*
from made.customer_rfm_by_date as rfm
inner join names on rfm.customer_id = names.customer_id;

create temp view compared_memberships as
select names.customer, segment_memberships.*
from made.segment_memberships
inner join names on segment_memberships.customer_id = names.customer_id;

-- After a merger the name that was given up is merged, whichever it was.
create temp view compared_membership_counts as
select segment_set, segment, count(*) as n
from made.segment_memberships
where segment <> 'merged'
group by segment_set, segment;

create temp view compared_months as
select as_of_date, segment_set, segment, count(*) as n
from made.customer_segment_months
group by all;

create temp view compared_current_segments as
select
    segments.segment_set,
    segments.segment,
    case when lone_customers.customer_id is not null then segments.valid_from end
        as since_date,
    count(*) as n
from made.membership_history as segments
left join lone_customers on segments.customer_id = lone_customers.customer_id
where segments.valid_to is null
group by all;
