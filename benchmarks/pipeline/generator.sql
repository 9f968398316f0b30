-- A shop's files by arithmetic: whatever is asked of event `e` is a function of its
-- number, so a day can be made alone, in any order, and again. Shares that tests count
-- are remainders of the number; the rest is `hash`, stable within a version of DuckDB.
--
-- Sessions come in cycles of fifteen (1, 1, 2, 2, ... 7, 7, 8 events: 64 together).

create or replace macro share_of(x, salt) as
    cast(hash(x, salt) >> 11 as double) / 9007199254740992.0;

create or replace macro cycle_root(e) as
    cast(floor((sqrt(4.0 * (e % 64) + 1) - 1) / 2) as bigint);

create or replace macro price_of(product) as
    cast(5 + product % 95 + 0.99 as decimal(18, 2));

create or replace macro line_product(s, n) as
    cast(floor(1000 * pow(share_of(s, 'product' || n), 2)) as bigint);

create or replace macro line_quantity(s, n) as
    cast(1 + hash(s, 'quantity' || n) % 2 as bigint);

create or replace macro n_lines_of(s) as cast(1 + hash(s, 'lines') % 3 as bigint);

create or replace macro customer_of(s, n_customers) as
    case
        -- Every other session goes round all customers; the rest have favourites.
        when s % 2 = 0 then ((s // 2) * 7919) % n_customers
        else cast(floor(n_customers * pow(share_of(s, 'customer'), 2)) as bigint)
    end;

create or replace macro user_of(customer) as 'u' || lpad(cast(customer as varchar), 8, '0');

-- Three in eight sessions of three events and more would be too many: 300,000 orders
-- among ten million events are 0.1745 of them.
create or replace macro has_order(s) as
    s % 15 >= 4 and share_of(s, 'order') < 0.1745;

create or replace macro started_at(s, sessions_per_day, first_day) as
    cast(first_day as timestamp)
    + to_days(cast(s // sessions_per_day as integer))
    + to_milliseconds(cast(floor(80000000 * share_of(s, 'start')) as bigint));

-- Orders as lines of the tills' system: one in a hundred orders is known to events only.
create or replace macro sold_lines(d, n_customers, sessions_per_day, first_day) as table
select
    'o' || s as order_id,
    cast(unnest(range(1, n_lines_of(s) + 1)) as bigint) as line_number,
    s,
    started_at(s, sessions_per_day, first_day) + to_seconds(900) as sold_at
from range(d * sessions_per_day, (d + 1) * sessions_per_day) as numbers (s)
where has_order(s) and s % 101 <> 7;

-- What day `d` sold, and what customers brought back of what was sold ten days before.
create or replace macro order_lines_of(
    d, n_customers, sessions_per_day, first_day
) as table
select
    order_id,
    cast(line_number as varchar) as line_id,
    strftime(sold_at, '%Y-%m-%dT%H:%M:%S.%gZ') as ordered_at,
    'p' || line_product(s, line_number) as product_id,
    'Product ' || line_product(s, line_number) as product_name,
    line_quantity(s, line_number) as quantity,
    price_of(line_product(s, line_number)) as unit_price,
    cast(
        case when s % 4 = 1 then price_of(line_product(s, line_number)) * 0.3 else 0 end
        as decimal(18, 2)
    ) as discount_amount,
    'USD' as currency_code,
    case when s % 53 <> 2 then user_of(customer_of(s, n_customers)) end as customer_id,
    case when s % 3 = 0 then 'store' else 'web' end as channel,
    'completed' as line_status
from sold_lines(d, n_customers, sessions_per_day, first_day)
union all
select
    order_id,
    'r' || line_number as line_id,
    strftime(sold_at + to_days(10), '%Y-%m-%dT%H:%M:%S.%gZ') as ordered_at,
    'p' || line_product(s, line_number) as product_id,
    'Product ' || line_product(s, line_number) as product_name,
    -line_quantity(s, line_number) as quantity,
    price_of(line_product(s, line_number)) as unit_price,
    cast(0 as decimal(18, 2)) as discount_amount,
    'USD' as currency_code,
    case when s % 53 <> 2 then user_of(customer_of(s, n_customers)) end as customer_id,
    case when s % 3 = 0 then 'store' else 'web' end as channel,
    'returned' as line_status
from sold_lines(d - 10, n_customers, sessions_per_day, first_day)
where s >= 0 and line_number = 1 and s % 31 = 11
order by ordered_at, order_id, line_id;

-- The deliveries in the file of day `d`: its own events, what came one to three days
-- late, and copies, in the same file or a day later.
create or replace macro deliveries_of(d, events_per_day) as table
with

numbers as (
    select
        e,
        e // events_per_day
        + case when e % 199 = 19 then 1 + (e // 199) % 3 else 0 end as file_day
    from range(
        greatest((d - 4) * events_per_day, 0), (d + 1) * events_per_day
    ) as numbers (e)
)

select e, 0 as copy from numbers where file_day = d
union all
select e, 1 as copy from numbers where file_day = d and e % 67 = 5
union all
select e, 2 as copy from numbers where file_day = d - 1 and e % 613 = 23;

create or replace macro events_of(
    d, n_customers, events_per_day, sessions_per_day, first_day
) as table
with

placed as (
    select
        e,
        copy,
        (e // 64) * 15
        + 2 * cycle_root(e)
        + (e % 64 - cycle_root(e) * (cycle_root(e) + 1)) // (cycle_root(e) + 1) as s,
        (e % 64 - cycle_root(e) * (cycle_root(e) + 1)) % (cycle_root(e) + 1)
            as position
    from deliveries_of(d, events_per_day)
),

sessions as (
    select
        *,
        s % 15 // 2 + 1 as n_events,
        customer_of(s, n_customers) as customer,
        s % 211 = 3 as is_household,
        case when share_of(s, 'device') < 0.8 then 0 else 1 end as device_number,
        has_order(s) as is_order,
        case
            when not has_order(s) and share_of(s, 'known') >= 0.45 then null
            when s % 15 >= 4 and share_of(s, 'login') < 0.6 then 1
            else 0
        end as login_position,
        case
            when share_of(s, 'campaign') < 0.3
                then cast(floor(3 * share_of(s, 'which')) as bigint)
        end as campaign,
        started_at(s, sessions_per_day, first_day) as session_started_at
    from placed
),

events as (
    select
        *,
        case
            when login_position = 1 and position = 1 then 'identify'
            when is_order and position = n_events - 1 then 'order'
            when position = 0 or e % 5 = 2 then 'page'
            when share_of(e, 'name') < 0.15 then 'added'
            else 'viewed'
        end as kind,
        session_started_at
        + to_milliseconds(position * 60000 + cast(hash(e, 'gap') % 50000 as bigint))
        -- One session in 23 pauses for longer than the timeout.
        + case
            when s % 23 = 4 and position > cast(hash(s, 'pause') % 4 as bigint)
                then to_seconds(2400)
            else to_seconds(0)
        end
        -- Which of two events of one moment comes first is up to each program's keys.
        + to_microseconds(e % 997) as occurred_at,
        line_product(e, 1) as product
    from sessions
),

received as (
    select
        *,
        occurred_at
        + to_milliseconds(cast(200 + hash(e, 'network') % 2000 as bigint))
        + case when e % 211 = 17 then to_hours(3 + e % 7) else to_hours(0) end
        + case
            when e % 199 = 19 then to_days(cast(1 + (e // 199) % 3 as integer))
            else to_days(0)
        end
        + to_seconds(case copy when 0 then 0 when 1 then 90 else 86400 end)
            as received_at
    from events
)

select
    case when e % 2003 <> 11 then cast(cast(md5('m' || e) as uuid) as varchar) end
        as "messageId",
    cast(cast(md5(
        case
            when is_household then 'h' || customer // 2
            else 'a' || customer || '-' || device_number
        end
    ) as uuid) as varchar) as "anonymousId",
    case when position >= login_position then user_of(customer) end as "userId",
    case kind when 'identify' then 'identify' when 'page' then 'page' else 'track' end
        as "type",
    case kind
        when 'order' then 'Order Completed'
        when 'added' then 'Product Added'
        when 'viewed' then 'Product Viewed'
    end as "event",
    case when kind = 'page' then 'Page ' || e % 7 end as "name",
    case
        when e % 1009 = 7 then 'not a time'
        when e % 5003 = 13
            then strftime(received_at + to_days(40), '%Y-%m-%dT%H:%M:%S.%gZ')
        else strftime(occurred_at, '%Y-%m-%dT%H:%M:%S.%fZ')
    end as "timestamp",
    strftime(received_at, '%Y-%m-%dT%H:%M:%S.%gZ') as "receivedAt",
    struct_pack(
        "userAgent" := case
            when s % 307 = 5 then 'Mozilla/5.0 (compatible; Googlebot/2.1)'
            when device_number = 1 or is_household
                then 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1) Mobile/15E148'
            else 'Mozilla/5.0 (X11; Linux x86_64) Chrome/' || 120 + customer % 12
        end,
        page := struct_pack(
            path := case
                when kind in ('viewed', 'added') then '/products/p' || product
                else '/pages/' || e % 7
            end,
            referrer := case when position = 0 then 'https://search.test/?q=' || e % 9 end
        ),
        campaign := struct_pack(
            source := case campaign
                when 0 then 'google' when 1 then 'newsletter' when 2 then 'facebook'
            end,
            medium := case campaign
                when 0 then 'cpc' when 1 then 'email' when 2 then 'social'
            end,
            name := 'campaign ' || campaign
        ),
        device := struct_pack(
            type := case
                when is_household then 'tablet'
                when device_number = 1 then 'mobile'
                else 'desktop'
            end
        ),
        location := struct_pack(
            country := (['US', 'GB', 'DE', 'FR', 'CA', 'NL'])[customer % 6 + 1]
        ),
        traits := struct_pack(
            -- Two users in a hundred share an address with each other.
            email := case
                when kind = 'identify'
                    then 'c' || case
                        when customer % 100 = 0 then customer + 1 else customer
                    end || '@example.com'
            end
        )
    ) as context,
    struct_pack(
        product_id := case when kind in ('viewed', 'added') then 'p' || product end,
        category := case
            when kind in ('viewed', 'added') then 'category ' || product % 10
        end,
        price := case when kind in ('viewed', 'added') then price_of(product) end,
        quantity := case when kind = 'added' then 1 + e % 3 end,
        currency := case when kind in ('viewed', 'added', 'order') then 'USD' end,
        order_id := case when kind = 'order' then 'o' || s end,
        revenue := case
            when kind = 'order'
                then cast(
                    line_quantity(s, 1) * price_of(line_product(s, 1)) as decimal(18, 2)
                )
        end
    ) as properties
from received
order by received_at, e, copy;

create or replace macro products() as table
select
    'p' || n as product_id,
    'Product ' || n as product_name,
    'category ' || n % 10 as category,
    'subcategory ' || n % 40 as subcategory,
    'brand ' || n % 25 as brand,
    price_of(n) as list_price,
    'USD' as currency_code,
    '2015-01-01T00:00:00Z' as updated_at
from range(1000) as numbers (n);
