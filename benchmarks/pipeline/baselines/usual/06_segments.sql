create table rfm_segments as
select * from (
    values
    (5, 5, 'champions'), (5, 4, 'champions'), (5, 3, 'potential_loyalists'),
    (5, 2, 'potential_loyalists'), (5, 1, 'new_customers'), (4, 5, 'champions'),
    (4, 4, 'loyal_customers'), (4, 3, 'potential_loyalists'),
    (4, 2, 'potential_loyalists'), (4, 1, 'promising'), (3, 5, 'loyal_customers'),
    (3, 4, 'loyal_customers'), (3, 3, 'need_attention'), (3, 2, 'about_to_sleep'),
    (3, 1, 'about_to_sleep'), (2, 5, 'at_risk'), (2, 4, 'at_risk'), (2, 3, 'at_risk'),
    (2, 2, 'hibernating'), (2, 1, 'hibernating'), (1, 5, 'cant_lose_them'),
    (1, 4, 'cant_lose_them'), (1, 3, 'at_risk'), (1, 2, 'hibernating'),
    (1, 1, 'hibernating')
) as t (recency_score, frequency_score, segment);

create table rfm_scored as
select
    customer_date_key,
    cast(5 - floor(5.0 * (
        rank() over (partition by as_of_date order by recency_days) - 1
    ) / count(*) over (partition by as_of_date)) as bigint) as recency_score,
    cast(1 + floor(5.0 * (
        rank() over (partition by as_of_date order by n_orders_window) - 1
    ) / count(*) over (partition by as_of_date)) as bigint) as frequency_score,
    cast(1 + floor(5.0 * (
        rank() over (partition by as_of_date order by net_amount_window) - 1
    ) / count(*) over (partition by as_of_date)) as bigint) as monetary_score
from customer_facts_by_date
where n_orders_window > 0;

create table customer_rfm_by_date as
select
    facts.customer_date_key, facts.as_of_date, facts.customer_id, facts.recency_days,
    facts.n_orders_window, facts.net_amount_window, rfm_scored.recency_score,
    rfm_scored.frequency_score, rfm_scored.monetary_score,
    coalesce(rfm_segments.segment, 'inactive') as segment
from customer_facts_by_date as facts
left join rfm_scored on facts.customer_date_key = rfm_scored.customer_date_key
left join rfm_segments
    on
        rfm_scored.recency_score = rfm_segments.recency_score
        and rfm_scored.frequency_score = rfm_segments.frequency_score
where facts.n_orders > 0;

create table customer_lifecycle_by_date as
select
    *,
    case
        when n_purchase_days = 0 then 'prospect'
        when as_of_date - first_purchase_date <= 30 then 'new'
        when recency_days > 4 * interval_days then 'lapsed'
        when recency_days > 2 * interval_days then 'lapsing'
        when last_purchase_date - previous_purchase_date > 4 * previous_interval_days
            then 'reactivated'
        else 'active'
    end as segment
from (
    select
        customer_date_key, as_of_date, customer_id, n_purchase_days, recency_days,
        first_purchase_date, previous_purchase_date, last_purchase_date,
        case
            when n_purchase_days >= 3
                then least(greatest(
                    1.0 * (last_purchase_date - first_purchase_date)
                    / (n_purchase_days - 1), 7
                ), 90)
            else 45
        end as interval_days,
        case
            when n_purchase_days >= 4
                then least(greatest(
                    1.0 * (previous_purchase_date - first_purchase_date)
                    / (n_purchase_days - 2), 7
                ), 90)
            else 45
        end as previous_interval_days
    from customer_facts_by_date
);

create table customer_rule_segments_by_date as
select
    facts.customer_date_key,
    facts.as_of_date,
    facts.customer_id,
    facts.n_sessions_7d >= 6 as engaged,
    coalesce(rfm.monetary_score, 0) = 5 and facts.n_mobile_orders_30d > 0
        as high_value_mobile,
    coalesce(rfm.monetary_score, 0) = 5 and coalesce(rfm.frequency_score, 0) = 5 as vip,
    facts.n_orders = 1 as one_time_buyer,
    facts.n_orders_window >= 2 and coalesce(
        cast(facts.discount_amount_window as double)
        / nullif(cast(facts.gross_amount_window as double), 0), 0
    ) >= 0.25 as discount_driven,
    facts.n_orders_window >= 2 and coalesce(
        cast(facts.refund_amount_window as double) / nullif(cast(
            facts.gross_amount_window - facts.discount_amount_window as double
        ), 0), 0
    ) >= 0.2 as frequent_returner,
    facts.n_products_added_30d > 0 and facts.n_orders_30d = 0 as cart_abandoner
from customer_facts_by_date as facts
left join customer_rfm_by_date as rfm
    on facts.customer_date_key = rfm.customer_date_key;

create table segment_assignments as
select
    facts.as_of_date, facts.customer_id, 'rfm' as segment_set,
    coalesce(rfm.segment, 'none') as segment
from customer_facts_by_date as facts
left join customer_rfm_by_date as rfm
    on facts.customer_date_key = rfm.customer_date_key
union all
select as_of_date, customer_id, 'lifecycle', segment from customer_lifecycle_by_date
union all
select
    as_of_date, customer_id, segment_set,
    case when is_in then segment_set else 'none' end
from (
    unpivot customer_rule_segments_by_date
    on columns(* exclude (customer_date_key, as_of_date, customer_id))
    into name segment_set value is_in
);

create table customer_segment_months as
select
    md5(as_of_date || '|' || customer_id || '|' || segment_set) as membership_month_key, *
from segment_assignments
where day(as_of_date) = 1;

create table segment_memberships as
select md5(customer_id || '|' || segment_set) as membership_key, *
from (
    select * from segment_assignments
    where as_of_date = cast(getvariable('as_of') as date)
    union all
    select as_of_date, customer_id, 'cluster', 'none'
    from customer_facts_by_date
    where as_of_date = cast(getvariable('as_of') as date)
);

create table membership_history as
select *, as_of_date as valid_from, cast(null as date) as valid_to
from segment_memberships;

create table segment_summary as
select
    m.segment_set, m.segment, count(*) as n_customers, sum(f.n_orders_window) as n_orders,
    sum(f.net_amount_window) as net_amount, median(f.recency_days) as median_recency_days
from segment_memberships as m
left join customer_facts_by_date as f
    on m.customer_id = f.customer_id and m.as_of_date = f.as_of_date
group by m.segment_set, m.segment;

create table row_accounting as
select filename, status, count(*) as n_records
from (
    select
        filename,
        case
            when reject_reason is not null then 'rejected'
            when copy_number > 1 then 'duplicate'
            else 'accepted'
        end as status
    from events_ranked
    union all
    select filename, case when copy_number > 1 then 'duplicate' else 'accepted' end
    from order_lines_ranked
)
group by filename, status;
