-- One more day by hand, over what `script.sql` made: only what the new files touch is
-- read again, and only what changed is written. The same tables as a full build.
--
-- Variables: events, order_lines (globs of the new files), as_of (the new date).

create table work_dates as
select
    (select as_of_date from current_date_table) as old_date,
    cast(getvariable('as_of') as date) as new_date;

set variable last_event = (select max(event_id) from events);

create table work_events as
from landed_events(getvariable('events'), getvariable('last_event'));

insert into events from work_events;

-- Sessions: each touched device from the first session that a new event may change.
create table work_devices as
select device_key, min(occurred_at) as new_since
from work_events
where reject_reason is null
group by device_key;

create table work_streams as
select
    work_devices.device_key,
    least(
        work_devices.new_since,
        min(sessions.started_at) filter (
            sessions.ended_at >= work_devices.new_since - interval 30 minutes
        )
    ) as since,
    arg_max(sessions.user_key, sessions.ended_at) filter (
        sessions.ended_at < work_devices.new_since - interval 30 minutes
    ) as known_before
from work_devices
left join sessions on work_devices.device_key = sessions.device_key
group by work_devices.device_key, work_devices.new_since;

create table work_reopened as
select sessions.session_id, sessions.customer_id
from sessions
inner join work_streams on sessions.device_key = work_streams.device_key
where sessions.ended_at >= work_streams.since;

set variable since = (select min(since) from work_streams);

create table work_stream as
select
    events.event_id, events.event_key, events.device_key, events.user_key,
    events.occurred_at, events.received_at, work_streams.known_before
from events
inner join work_streams
    on
        events.device_key = work_streams.device_key
        and events.occurred_at >= work_streams.since
where events.reject_reason is null and events.occurred_at >= getvariable('since');

create or replace view stream_events as from work_stream;

create table work_sessionized as from sessionized();

create table work_before as
select event_id, is_copy from event_sessions
where event_id in (select event_id from work_stream);

delete from event_sessions where event_id in (select event_id from work_before);

insert into event_sessions from work_sessionized;

delete from sessions where session_id in (select session_id from work_reopened);

create or replace view sessionized_events as from work_sessionized;

create table work_sessions as from sessions_of();

insert into sessions by name from work_sessions;

-- Order lines; a line that was there before is a copy.
create table work_lines as
select new_lines.* replace (
    new_lines.copy_number
    + case when known.order_key is null then 0 else 1 end as copy_number
)
from landed_lines(getvariable('order_lines')) as new_lines
left join (
    select order_key, line_id from landed_order_lines group by order_key, line_id
) as known
    on new_lines.order_key = known.order_key and new_lines.line_id = known.line_id;

insert into landed_order_lines from work_lines;

-- Identity: what the new records say, added to what was known.
create table work_met as
select
    device_key, user_key, email_key,
    any_value(anonymous_id) as anonymous_id,
    any_value(user_id) as user_id,
    count(*) as n_records,
    min(occurred_at) as first_seen_at,
    max(occurred_at) as last_seen_at
from work_events
where event_id in (select event_id from work_sessionized where not is_copy)
group by device_key, user_key, email_key;

insert into met from work_met;

create table work_seen as
select
    key,
    any_value(type) as type,
    any_value(value) as value,
    sum(n_records) as n_records,
    min(first_seen_at) as first_seen_at,
    max(last_seen_at) as last_seen_at
from (
    select device_key as key, 'anonymous_id' as type, anonymous_id as value,
        n_records, first_seen_at, last_seen_at
    from work_met where anonymous_id is not null
    union all
    select user_key, 'user_id', user_id, n_records, first_seen_at, last_seen_at
    from work_met where user_key is not null
    union all
    select email_key, 'email_hash', null, n_records, first_seen_at, last_seen_at
    from work_met where email_key is not null
    union all
    select user_key, 'user_id', user_id, 1, ordered_at, ordered_at
    from work_lines
    where user_key is not null and reject_reason is null and copy_number = 1
)
group by key;

update identifiers set
    n_records = identifiers.n_records + work_seen.n_records,
    first_seen_at = least(identifiers.first_seen_at, work_seen.first_seen_at),
    last_seen_at = greatest(identifiers.last_seen_at, work_seen.last_seen_at)
from work_seen
where identifiers.key = work_seen.key;

insert into identifiers by name
select work_seen.*, key as component
from work_seen
where key not in (select key from identifiers);

create table work_pairs as
from (
    select user_key as left_key, email_key as right_key, true as is_strong
    from work_met where user_key is not null and email_key is not null
    union
    select device_key, user_key, false
    from work_met where anonymous_id is not null and user_key is not null
    union
    select device_key, email_key, false
    from work_met where anonymous_id is not null and email_key is not null
) as new_pairs
where (left_key, right_key) not in (select (left_key, right_key) from pairs);

insert into pairs from work_pairs;

create table work_blocked as
select key from (
    select left_key as key from pairs
    union all
    select right_key from pairs where is_strong
)
where
    key in (select left_key from work_pairs)
    or key in (select right_key from work_pairs)
group by key having count(*) > 20;

select case
    when count(*) > 0 then error('an identifier crossed its limit: rebuild')
end
from work_blocked
where key not in (select key from blocked);

-- New edges between components are few: their labels are settled among themselves.
create table work_edges as
select
    coalesce(left_labels.label, work_pairs.left_key) as left_key,
    coalesce(right_labels.label, work_pairs.right_key) as right_key
from work_pairs
left join labels as left_labels on work_pairs.left_key = left_labels.key
left join labels as right_labels on work_pairs.right_key = right_labels.key
where
    work_pairs.is_strong
    and work_pairs.left_key not in (from blocked)
    and work_pairs.right_key not in (from blocked);

create table work_labels as
select key, min(label) as label
from (
    select left_key as key, least(left_key, right_key) as label from work_edges
    union all
    select right_key, least(left_key, right_key) from work_edges
)
group by key;

-- repeat 6
create or replace table work_labels as
with

hooked as (
    select key, min(label) as label
    from (
        from work_labels
        union all
        select work_edges.left_key, work_labels.label
        from work_edges inner join work_labels on work_edges.right_key = work_labels.key
        union all
        select work_edges.right_key, work_labels.label
        from work_edges inner join work_labels on work_edges.left_key = work_labels.key
    )
    group by key
)

select hooked.key, least(hooked.label, jumped.label) as label
from hooked inner join hooked as jumped on hooked.label = jumped.key;
-- end

update labels set label = work_labels.label
from work_labels
where labels.label = work_labels.key and labels.label <> work_labels.label;

insert into labels
select key, label from work_labels where key not in (select key from labels);

-- Whoever is in a component that changed, and devices that met somebody new.
create table work_keys as
select key from work_seen
union
select identifiers.key from identifiers
inner join work_labels on identifiers.component = work_labels.key;

create table work_components as
with

devices as (
    select
        pairs.left_key as key,
        min(coalesce(labels.label, pairs.right_key)) as label,
        max(coalesce(labels.label, pairs.right_key)) as other_label
    from pairs
    left join labels on pairs.right_key = labels.key
    where
        not pairs.is_strong
        and pairs.left_key in (from work_keys)
        and pairs.left_key not in (from blocked)
        and pairs.right_key not in (from blocked)
    group by pairs.left_key
)

select
    identifiers.key,
    identifiers.component as old_component,
    coalesce(
        labels.label,
        case when devices.label = devices.other_label then devices.label end,
        identifiers.key
    ) as component
from identifiers
inner join work_keys on identifiers.key = work_keys.key
left join labels on identifiers.key = labels.key
left join devices on identifiers.key = devices.key;

update identifiers set component = work_components.component
from work_components
where
    identifiers.key = work_components.key
    and identifiers.component <> work_components.component;

create table work_named as
select
    component,
    arg_min(key, (coalesce(first_seen_at, date '9999-12-31'), key)) as customer_id
from identifiers
where
    component in (select component from work_components)
    or component in (select old_component from work_components)
group by component;

create table work_renamed as
select
    identifiers.key,
    identifiers.customer_id as old_customer_id,
    work_named.customer_id
from identifiers
inner join work_named on identifiers.component = work_named.component
where identifiers.customer_id is distinct from work_named.customer_id;

update identifiers set customer_id = work_renamed.customer_id
from work_renamed
where identifiers.key = work_renamed.key;

create table work_attributed as
select
    sessions.session_id,
    sessions.customer_id as old_customer_id,
    coalesce(users.customer_id, devices.customer_id) as customer_id
from sessions
left join identifiers as users on sessions.user_key = users.key
left join identifiers as devices on sessions.device_key = devices.key
where
    sessions.user_key in (select key from work_renamed)
    or sessions.device_key in (select key from work_renamed)
    or sessions.session_id in (select session_id from work_sessions);

update sessions set customer_id = work_attributed.customer_id
from work_attributed
where sessions.session_id = work_attributed.session_id;

-- Orders: those with new lines or events, and those of customers who have another id.
create or replace view order_events as
select * from work_events
where event_id in (select event_id from work_sessionized where not is_copy);

insert into event_orders
from event_orders_of()
where order_key not in (select order_key from event_orders);

create table work_order_keys as
select order_key from work_lines
union
select hash(order_id, 4) from order_events where event_name = 'Order Completed'
union
select order_key from landed_order_lines
where user_key in (select key from work_renamed)
union
select order_key from event_orders where user_key in (select key from work_renamed);

create table work_customers as
select old_customer_id as customer_id from work_renamed
union
select customer_id from work_renamed
union
select old_customer_id from work_attributed
union
select customer_id from work_attributed
union
select customer_id from work_reopened
union
select customer_id from order_lines
where order_key in (select order_key from work_order_keys)
union
select identifiers.customer_id from work_seen
inner join identifiers on work_seen.key = identifiers.key;

delete from work_customers where customer_id is null;

create or replace view lines_to_value as
select * from landed_order_lines
where order_key in (select order_key from work_order_keys);

create or replace view orders_to_value as
select * from event_orders
where order_key in (select order_key from work_order_keys);

delete from order_lines where order_key in (select order_key from work_order_keys);

insert into order_lines from valued_lines();

create table work_lines_of_orders as
select * from order_lines
where
    customer_id in (select customer_id from work_customers)
    or order_key in (select order_key from work_order_keys);

create or replace view lines_of_orders as from work_lines_of_orders;

delete from orders where order_key in (select order_key from work_lines_of_orders);

insert into orders from orders_of();

create table work_names as
select
    product_id,
    product_name,
    count(*) as n_lines,
    min(ordered_at) as first_sold_at,
    max(ordered_at) as last_sold_at
from work_lines
where product_id is not null and reject_reason is null and copy_number = 1
group by product_id, product_name;

update product_names set
    n_lines = product_names.n_lines + work_names.n_lines,
    first_sold_at = least(product_names.first_sold_at, work_names.first_sold_at),
    last_sold_at = greatest(product_names.last_sold_at, work_names.last_sold_at)
from work_names
where
    product_names.product_id = work_names.product_id
    and product_names.product_name = work_names.product_name;

insert into product_names
select * from work_names
where (product_id, product_name) not in (
    select (product_id, product_name) from product_names
);

-- Days of the customers that something happened to.
create table work_day_sessions as
select * from sessions where customer_id in (select customer_id from work_customers);

create or replace view day_sessions as from work_day_sessions;

create or replace view day_lines as
select * from work_lines_of_orders
where customer_id in (select customer_id from work_customers);

create or replace view day_orders as
select * from orders where customer_id in (select customer_id from work_customers);

delete from customer_days where customer_id in (select customer_id from work_customers);

create table work_days as from days_of();

insert into customer_days from work_days;

-- Facts: month-ends of those customers; at the new date also whoever has a day that
-- enters or leaves a window. All others are only a day older, which no column says.
create table work_old_months as
select * from facts_months
where customer_id in (select customer_id from work_customers);

create or replace view facts_days as from work_days;

create or replace view facts_dates as
select * from as_of_dates where day(as_of_date) = 1;

create table work_months as from month_facts_of();

delete from facts_months where customer_id in (select customer_id from work_customers);

insert into facts_months from work_months;

delete from purchase_summary
where customer_id in (select customer_id from work_customers);

insert into purchase_summary from purchases_of();

create table work_aged as
select customer_id from work_customers
union
select customer_days.customer_id
from customer_days
cross join work_dates
where
    (activity_date >= old_date and activity_date < new_date)
    or (activity_date >= old_date - 7 and activity_date < new_date - 7)
    or (activity_date >= old_date - 30 and activity_date < new_date - 30)
    or (activity_date >= old_date - 90 and activity_date < new_date - 90)
    or (activity_date >= old_date - 365 and activity_date < new_date - 365);

create table work_aged_days as
select * from customer_days where customer_id in (select customer_id from work_aged);

create or replace view facts_days as from work_aged_days;

create or replace view facts_dates as
select new_date as as_of_date, new_date - 365 as window_start_date from work_dates;

delete from facts_current where customer_id in (select customer_id from work_aged);

insert into facts_current by name select * exclude (as_of_date) from facts_of();

update current_date_table set as_of_date = cast(getvariable('as_of') as date);

delete from as_of_dates where day(as_of_date) <> 1;

insert into as_of_dates from facts_dates;

insert into facts_months by name
select work_dates.new_date as as_of_date, facts_current.*
from facts_current
cross join work_dates
where day(work_dates.new_date) = 1;

-- A rank is everybody's: where a purchaser's measures changed, all of that date.
create table work_rank_dates as
select coalesce(old_ones.as_of_date, new_ones.as_of_date) as as_of_date
from (select * from work_old_months where n_orders > 0) as old_ones
full join (select * from work_months where n_orders > 0) as new_ones
    on
        old_ones.as_of_date = new_ones.as_of_date
        and old_ones.customer_id = new_ones.customer_id
where
    old_ones.last_purchase_date is distinct from new_ones.last_purchase_date
    or old_ones.n_orders_window is distinct from new_ones.n_orders_window
    or old_ones.gross_amount_window is distinct from new_ones.gross_amount_window
    or old_ones.discount_amount_window is distinct from new_ones.discount_amount_window
    or old_ones.refund_amount_window is distinct from new_ones.refund_amount_window
group by all
union
select new_date from work_dates;

create table work_old_segments as
select segments.* from customer_segments_by_date as segments
inner join work_dates on segments.as_of_date = work_dates.old_date;

create or replace view dated_facts as
select * from customer_facts_by_date
where as_of_date in (select as_of_date from work_rank_dates);

delete from customer_rfm_by_date
where
    as_of_date in (select as_of_date from work_rank_dates)
    or as_of_date not in (select as_of_date from as_of_dates);

create table work_rfm as from rfm_of();

insert into customer_rfm_by_date from work_rfm;

create or replace view dated_rfm as from work_rfm;

delete from customer_segments_by_date
where
    as_of_date in (select as_of_date from work_rank_dates)
    or as_of_date not in (select as_of_date from as_of_dates)
    or customer_id in (select customer_id from work_customers);

insert into customer_segments_by_date from segments_of();

create or replace view dated_facts as
select * from customer_facts_by_date
where
    customer_id in (select customer_id from work_customers)
    and as_of_date not in (select as_of_date from work_rank_dates);

create or replace view dated_rfm as
select * from customer_rfm_by_date
where customer_id in (select customer_id from work_customers);

insert into customer_segments_by_date from segments_of();

-- Features: month-ends of touched customers, everybody at the new date.
create or replace view facts_dates as
select * from as_of_dates where day(as_of_date) = 1;

create or replace view dated_facts as
select * from customer_facts_by_date
where
    customer_id in (select customer_id from work_customers)
    and as_of_date in (select as_of_date from facts_dates);

create or replace view feature_lines as
select * from order_lines where customer_id in (select customer_id from work_customers);

delete from customer_features_by_date
where
    customer_id in (select customer_id from work_customers)
    or as_of_date not in (select as_of_date from as_of_dates where day(as_of_date) = 1);

insert into customer_features_by_date from features_of();

create or replace view facts_dates as
select as_of_dates.* from as_of_dates
inner join work_dates on as_of_dates.as_of_date = work_dates.new_date;

create or replace view dated_facts as
select customer_facts_by_date.* from customer_facts_by_date
inner join work_dates on customer_facts_by_date.as_of_date = work_dates.new_date;

create or replace view feature_lines as
select order_lines.* from order_lines
cross join work_dates
where order_lines.ordered_date >= work_dates.new_date - 365;

insert into customer_features_by_date from features_of();

-- History: only what changed, compared wide.
create table work_changes as
with

assigned as (
    select segments.* from customer_segments_by_date as segments
    inner join work_dates on segments.as_of_date = work_dates.new_date
),

changed as (
    select
        coalesce(assigned.customer_id, before.customer_id) as customer_id,
        coalesce(assigned.rfm, 'none') as rfm,
        coalesce(assigned.lifecycle, 'none') as lifecycle,
        coalesce(assigned.engaged, false) as engaged,
        coalesce(assigned.high_value_mobile, false) as high_value_mobile,
        coalesce(assigned.vip, false) as vip,
        coalesce(assigned.one_time_buyer, false) as one_time_buyer,
        coalesce(assigned.discount_driven, false) as discount_driven,
        coalesce(assigned.frequent_returner, false) as frequent_returner,
        coalesce(assigned.cart_abandoner, false) as cart_abandoner,
        assigned.customer_id is null as is_gone
    from assigned
    full join work_old_segments as before on assigned.customer_id = before.customer_id
    where
        before.customer_id is null
        or assigned.customer_id is null
        or assigned.rfm <> before.rfm
        or assigned.lifecycle <> before.lifecycle
        or assigned.engaged <> before.engaged
        or assigned.high_value_mobile <> before.high_value_mobile
        or assigned.vip <> before.vip
        or assigned.one_time_buyer <> before.one_time_buyer
        or assigned.discount_driven <> before.discount_driven
        or assigned.frequent_returner <> before.frequent_returner
        or assigned.cart_abandoner <> before.cart_abandoner
)

select
    customer_id,
    segment_set,
    case
        when is_gone and customer_id not in (select customer_id from identifiers)
            then 'merged'
        else segment
    end as segment
from (
    select customer_id, is_gone, 'rfm' as segment_set, rfm as segment from changed
    union all
    select customer_id, is_gone, 'lifecycle', lifecycle from changed
    union all
    select customer_id, is_gone, 'cluster', 'none' from changed
    union all
    select
        customer_id, is_gone, segment_set,
        case when is_in then segment_set else 'none' end
    from (
        unpivot (select * exclude (rfm, lifecycle) from changed)
        on columns(* exclude (customer_id, is_gone))
        into name segment_set value is_in
    )
);

create table work_history as
select work_changes.*, history.since_date
from work_changes
left join customer_segments as history
    on
        work_changes.customer_id = history.customer_id
        and work_changes.segment_set = history.segment_set
where history.segment is distinct from work_changes.segment;

insert into membership_ends
select work_history.customer_id, work_history.segment_set, work_history.since_date,
    work_dates.new_date
from work_history
cross join work_dates
where work_history.since_date is not null;

insert into membership_history
select work_history.customer_id, work_history.segment_set, work_history.segment,
    work_dates.new_date
from work_history
cross join work_dates;

create or replace view segment_memberships as
select segment_assignments.*
from segment_assignments
inner join current_date_table
    on segment_assignments.as_of_date = current_date_table.as_of_date
union all
select segments.as_of_date, segments.customer_id, 'cluster', 'none'
from customer_segments_by_date as segments
inner join current_date_table on segments.as_of_date = current_date_table.as_of_date
union all
select
    current_date_table.as_of_date, history.customer_id, history.segment_set,
    history.segment
from customer_segments as history
cross join current_date_table
where
    history.customer_id not in (
        select segments.customer_id from customer_segments_by_date as segments
        inner join current_date_table
            on segments.as_of_date = current_date_table.as_of_date
    );

-- Customers.
delete from customers where customer_id in (select customer_id from work_customers);

create or replace view known_identifiers as
select * from identifiers where customer_id in (select customer_id from work_customers);

insert into customers from customers_of();

delete from customer_consents
where
    customer_id in (select customer_id from work_customers)
    and customer_id not in (select customer_id from customers);

insert into customer_consents
select customers.customer_id, purposes.purpose, 'unknown', true
from customers
cross join (values ('analytics'), ('personalization'), ('advertising'))
    as purposes (purpose)
where
    customers.customer_id in (select customer_id from work_customers)
    and customers.customer_id not in (select customer_id from customer_consents);

create or replace table segment_summary as from summary_of();

-- What became of every record: the new files, and old events that are copies now.
insert into row_accounting
select
    filename,
    count(*) as n_landed,
    count(*) filter (status = 'accepted') as n_accepted,
    count(*) filter (status = 'duplicate') as n_duplicate,
    count(*) filter (status = 'rejected') as n_rejected
from (
    select
        work_events.filename,
        case
            when work_events.reject_reason is not null then 'rejected'
            when work_sessionized.is_copy then 'duplicate'
            else 'accepted'
        end as status
    from work_events
    left join work_sessionized on work_events.event_id = work_sessionized.event_id
    union all
    select
        filename,
        case
            when reject_reason is not null then 'rejected'
            when copy_number > 1 then 'duplicate'
            else 'accepted'
        end
    from work_lines
)
group by filename;

update row_accounting set
    n_accepted = row_accounting.n_accepted - turned.n_copies,
    n_duplicate = row_accounting.n_duplicate + turned.n_copies
from (
    select
        events.filename,
        sum(
            cast(work_sessionized.is_copy as integer)
            - cast(work_before.is_copy as integer)
        ) as n_copies
    from work_before
    inner join work_sessionized on work_before.event_id = work_sessionized.event_id
    inner join events on work_before.event_id = events.event_id
    where work_before.is_copy <> work_sessionized.is_copy
    group by events.filename
) as turned
where row_accounting.filename = turned.filename;

insert into rejected_rows
select filename, file_row_number, reject_reason
from work_events
where reject_reason is not null
union all
select filename, file_row_number, reject_reason
from work_lines
where reject_reason is not null;
