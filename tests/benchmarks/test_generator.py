import datetime as dt
import json

import duckdb
import pytest

from benchmarks.pipeline.generator import Shop, shop_of, write_days

# Twenty days of 128 events: two cycles of fifteen sessions each.
SHOP = Shop(n_customers=40, n_days=20, events_per_day=128)


@pytest.fixture(scope="module")
def landing(tmp_path_factory):
    folder = tmp_path_factory.mktemp("landing")
    write_days(SHOP, folder, range(SHOP.n_days))
    return folder


def rows(landing, sql):
    with duckdb.connect() as connection:
        connection.execute(
            f"create view events as from read_parquet('{landing}/segment/events/*',"
            " filename = true)"
        )
        connection.execute(
            f"create view lines as from read_parquet('{landing}/pos/order_lines/*')"
        )
        return connection.execute(sql).fetchall()


@pytest.mark.parametrize(
    ("n_events", "expected"),
    [
        # 1,000,000 / 366 / 64 = 42.7 cycles a day.
        (1_000_000, Shop(100_000, 366, 43 * 64)),
        # 10,000,000 / 366 / 64 = 426.9.
        (10_000_000, Shop(1_000_000, 366, 427 * 64)),
        # The same customers and days, ten times as long.
        (100_000_000, Shop(1_000_000, 3660, 427 * 64)),
    ],
)
def test_sizes(n_events, expected):
    assert shop_of(n_events) == expected


def test_a_day_is_whole_cycles():
    with pytest.raises(ValueError, match="expected a multiple of 64"):
        Shop(1, 1, 100)


def test_a_format_is_known(tmp_path):
    with pytest.raises(ValueError, match="expected parquet or jsonl"):
        write_days(SHOP, tmp_path, range(1), file_format="csv")


def test_history_ends_with_the_year():
    assert SHOP.date_of(19) == dt.date(2025, 12, 31)
    assert SHOP.date_of(20) == dt.date(2026, 1, 1)


def test_the_same_files_again_and_in_any_order(landing, tmp_path):
    for day in (7, 3):
        write_days(SHOP, tmp_path, range(day, day + 1))
        for stream in ("segment/events", "pos/order_lines"):
            file = f"{stream}/{SHOP.date_of(day)}.parquet"
            found, expected = (
                duckdb.sql(f"from '{folder}/{file}'").fetchall()
                for folder in (tmp_path, landing)
            )
            assert found == expected


def test_json_lines_say_the_same(landing, tmp_path):
    write_days(SHOP, tmp_path, range(1), file_format="jsonl")
    file = f"segment/events/{SHOP.date_of(0)}"
    texts = duckdb.sql(
        f"select to_json(e) from '{landing}/{file}.parquet' as e"
    ).fetchall()
    lines = duckdb.sql(
        f"select line from read_csv('{tmp_path}/{file}.jsonl.gz', header = false,"
        " delim = '\x01', quote = '', escape = '', columns = {'line': 'varchar'})"
    ).fetchall()
    assert [json.loads(text) for (text,) in lines] == [
        json.loads(text) for (text,) in texts
    ]


# Events are numbered 0 to 2559, 128 a day. Of e % 199 = 19 (19, 218, ... 2407), only
# 2208 comes past the end: it is the twelfth, so three days late, and of day 17. 2407 is
# the thirteenth, a day late, and of day 18.
def test_planted_copies_and_bad_records(landing):
    n_events = 20 * 128
    late_past_the_end = [
        e
        for e in range(n_events)
        if e % 199 == 19 and e // 128 + 1 + (e // 199) % 3 > 19
    ]
    assert late_past_the_end == [2208]
    found = rows(
        landing,
        """select count(*), count(distinct "messageId"),
        count(*) filter ("messageId" is null),
        count(*) filter ("timestamp" = 'not a time') from events""",
    )
    # Same-file copies, e % 67 = 5: 39 of 2560. A day later, e % 613 = 23: 23, 636,
    # 1249, 1862, and 2475, which (day 19) is redelivered after the end.
    # 2208 has no copy to lose. Missing ids: 11 and 2014; bad times: 7, 1016, 2025; none
    # of the five has a copy.
    n_landed = n_events - 1 + 39 + 4
    assert found == [(n_landed, n_events - 1 - 2, 2, 3)]


def test_a_copy_differs_in_its_receipt_only(landing):
    found = rows(
        landing,
        """select count(distinct "timestamp"), count(distinct "receivedAt"),
        count(distinct "anonymousId"), count(*)
        from events where "messageId" is not null
        group by "messageId" having count(*) > 1""",
    )
    assert all(times == 1 and devices == 1 for times, _, devices, _ in found)
    assert all(receipts == copies for _, receipts, _, copies in found)


def test_late_events_are_in_a_later_day_s_file(landing):
    found = rows(
        landing,
        """select count(*) from events
        where try_cast("timestamp" as timestamp) is not null
        and date_diff('day', cast("timestamp" as date),
            cast(parse_filename(filename, true) as date)) between 1 and 3
        and hash("messageId") is not null""",
    )
    # Twelve late ones and four copies of the next day at least; events after midnight
    # count a day less, so no more can be said by hand.
    assert found[0][0] >= 12


def test_orders_name_users_that_events_know(landing):
    unknown = rows(
        landing,
        """select count(*) from lines where customer_id is not null
        and customer_id not in (
            select "userId" from events where "userId" is not null
        )""",
    )
    assert unknown == [(0,)]


def test_a_return_takes_back_a_line_sold_ten_days_before(landing):
    found = rows(
        landing,
        """select cast(r.ordered_at as timestamp) - cast(s.ordered_at as timestamp),
        r.quantity + s.quantity, r.unit_price - s.unit_price
        from lines as r inner join lines as s
        on r.order_id = s.order_id and r.line_id = 'r' || s.line_id""",
    )
    assert all(row == (dt.timedelta(days=10), 0, 0) for row in found)
