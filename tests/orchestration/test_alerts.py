"""One digest for each run with something to say: what is in it, and who gets it."""

import datetime as dt
import http.server
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from orchestration import alerts
from orchestration.alerts import AlertError, FailedCheck, RunDigest
from orchestration.defs import alerts as alert_definitions
from orchestration.defs.alerts import alerts_sensor, digest_of
from orchestration.warehouse import Warehouse

# What a check's own words could hold, and no digest may.
SECRET = "jane@example.com"  # noqa: S105


@dataclass
class Receiver:
    """A webhook on this machine: what it was sent, and what it answers."""

    url: str = ""
    posts: list[dict[str, Any]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    received = Receiver()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.headers["Content-Type"].startswith("application/json")
            received.posts.append(json.loads(body))
            self.send_response(received.statuses.pop(0) if received.statuses else 200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    received.url = f"http://127.0.0.1:{server.server_port}/hook"
    monkeypatch.setenv(alerts.WEBHOOK_VARIABLE, received.url)
    monkeypatch.setattr(alert_definitions, "post", quick_post)
    yield received
    server.shutdown()
    server.server_close()


def quick_post(url: str, message: dict[str, Any]) -> None:
    alerts.post(url, message, timeout_seconds=5, pause_seconds=0.01)


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    # On disk, as in use: events of each run lie in a file of their own there.
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield instance


def run(
    instance: dg.DagsterInstance, *, findings: tuple[str, ...] = (), **how: bool
) -> str:
    """Run a small graph whose checks, or whose last step, can fail."""

    @dg.asset(key=["marts", "source_freshness"])
    def table() -> None:
        # So does dbt's step where an error test fails: checks on it don't run.
        if how.get("dbt_fails"):
            raise ValueError(SECRET)

    @dg.asset_check(asset=table)
    def sources_are_on_time() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(
            passed=not findings,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"findings": list(findings)},
        )

    @dg.asset_check(asset=table)
    def unique_table_key() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(
            passed=not how.get("check_fails"),
            description=SECRET,
            metadata={"findings": [SECRET], "value": SECRET},
        )

    @dg.asset(deps=[table])
    def last() -> None:
        if how.get("step_fails"):
            raise ValueError(SECRET)

    definitions = dg.Definitions(
        assets=[table, last],
        asset_checks=[sources_are_on_time, unique_table_key],
        jobs=[dg.define_asset_job("everything", dg.AssetSelection.all())],
        executor=dg.in_process_executor,
    )
    return (
        definitions.resolve_job_def("everything")
        .execute_in_process(instance=instance, raise_on_error=False)
        .run_id
    )


@dg.job(name="nothing")
def empty_job() -> None:
    """Hold no step."""


# Another process that has the warehouse open for writing.
HOLD = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("open", flush=True)
sys.stdin.readline()
"""


class Daemon:
    """Looks as Dagster's daemon does: a tick that fails keeps no cursor."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self.cursor: str | None = None

    def look(self) -> str:
        context = dg.build_sensor_context(instance=self.instance, cursor=self.cursor)
        result = alerts_sensor(context)
        assert isinstance(result, dg.SkipReason)
        self.cursor = context.cursor
        return result.skip_message or ""


@pytest.fixture
def daemon(instance: dg.DagsterInstance) -> Daemon:
    daemon = Daemon(instance)
    daemon.look()
    return daemon


def test_one_post_for_a_run_with_all_that_failed(
    daemon: Daemon, receiver: Receiver
) -> None:
    run_id = run(daemon.instance, findings=("pos.order_lines: late",), check_fails=True)
    said = daemon.look()
    daemon.look()
    (message,) = receiver.posts
    assert message["text"] == said
    assert said.splitlines() == [
        f"My shop: everything needs a look (run {run_id[:8]})",
        "Failed checks:",
        "- marts/source_freshness: unique_table_key",
        "marts/source_freshness: sources_are_on_time:",
        "- pos.order_lines: late",
    ]
    assert [block["type"] for block in message["blocks"]] == [
        "header",
        "section",
        "section",
    ]
    assert message["blocks"][1]["text"] == {
        "type": "mrkdwn",
        "text": "*Failed checks*\n• marts/source_freshness: unique_table_key",
    }


def test_a_run_that_fails_names_its_steps_and_no_values(
    daemon: Daemon, receiver: Receiver
) -> None:
    run(daemon.instance, step_fails=True, check_fails=True)
    daemon.look()
    (message,) = receiver.posts
    assert "everything failed" in message["text"]
    assert "Failed steps:\n- last" in message["text"]
    assert "jane" not in json.dumps(message)


def test_a_clean_run_is_not_worth_a_post(daemon: Daemon, receiver: Receiver) -> None:
    run(daemon.instance)
    assert daemon.look() == "no run has ended with something to say"
    assert receiver.posts == []


def test_each_run_is_posted_once_and_in_order(
    daemon: Daemon, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alert_definitions, "RUNS_A_LOOK", 2)
    kinds: list[dict[str, Any]] = [
        {"check_fails": True},
        {},
        {"findings": ("late",)},
        {"step_fails": True},
        {"check_fails": True},
        {"step_fails": True},
    ]
    ids = [run(daemon.instance, **kind) for kind in kinds]
    for _ in range(10):
        daemon.look()
    posted = [post["text"].splitlines()[0][-9:-1] for post in receiver.posts]
    assert posted == [run_id[:8] for run_id in ids if run_id != ids[1]]


def test_what_ended_before_the_sensor_was_on_is_not_posted(
    instance: dg.DagsterInstance, receiver: Receiver
) -> None:
    run(instance, check_fails=True)
    run(instance, step_fails=True)
    daemon = Daemon(instance)
    for _ in range(3):
        daemon.look()
    assert receiver.posts == []


def test_a_webhook_that_is_down_is_tried_again_and_nothing_is_posted_twice(
    daemon: Daemon, receiver: Receiver
) -> None:
    first = run(daemon.instance, findings=("late",))
    second = run(daemon.instance, check_fails=True)
    daemon.look()
    receiver.statuses = [503, 429, 500]
    with pytest.raises(AlertError, match="answered 500"):
        daemon.look()
    assert len(receiver.posts) == 4
    daemon.look()
    daemon.look()
    titles = [post["text"].splitlines()[0] for post in receiver.posts]
    assert [first[:8] in title for title in titles] == [True, *[False] * 4]
    assert [second[:8] in title for title in titles] == [False, *[True] * 4]


def test_a_refusal_is_not_repeated(daemon: Daemon, receiver: Receiver) -> None:
    run(daemon.instance, check_fails=True)
    receiver.statuses = [404]
    with pytest.raises(AlertError, match="answered 404") as error:
        daemon.look()
    assert len(receiver.posts) == 1
    assert receiver.url not in str(error.value)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/secret", "file:///secret", "secret"]
)
def test_an_address_that_leads_nowhere_is_not_repeated(url: str) -> None:
    with pytest.raises(AlertError) as error:
        quick_post(url, {})
    assert "secret" not in str(error.value)
    assert error.value.__cause__ is None


def test_without_a_webhook_the_digest_is_in_the_ui(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(alerts.WEBHOOK_VARIABLE, raising=False)
    run(daemon.instance, findings=("pos.order_lines: late",))
    assert "- pos.order_lines: late" in daemon.look()
    assert "late" not in daemon.look()


def test_a_deleted_run_is_passed_over(instance: dg.DagsterInstance) -> None:
    run_id = run(instance, check_fails=True)
    instance.delete_run(run_id)
    assert digest_of(instance, run_id) is None


def test_a_message_fits_whatever_failed() -> None:
    checks = tuple(
        FailedCheck("marts/t", f"check_{number:02}<{'x' * 200}>", is_error=number > 9)
        for number in range(40)
    )
    digest = RunDigest("Shop", "0123456789", "job", True, (), checks)  # noqa: FBT003
    blocks = digest.message()["blocks"]
    assert [len(block["text"]["text"]) <= 3000 for block in blocks] == [True] * 3
    assert blocks[1]["text"]["text"].endswith("• and 10 more")
    assert "<" not in blocks[1]["text"]["text"]
    assert "more" not in blocks[2]["text"]["text"]


LATE = "ga4.events: newest record of 2025-02-28, 5 days old, 4 allowed"
CHAMPIONS = (
    "2025-02: spike of rfm champions to at_risk: 400 of 1,500 (27%), expected 10%"
)
SPIKE = "2025-03-02: spike of web 'Sign Up': 90, expected 10"


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    monkeypatch.setenv("SEGMENTARY_STATE", str(tmp_path))
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    with warehouse.write() as connection:
        connection.execute(
            """
            create schema marts;
            create table marts.dim_as_of_dates as
                select date '2025-03-01' as as_of_date, false as is_current
                union all select date '2025-03-05', true;
            create table marts.source_freshness as select * from (values
                ('pos', 'order_lines', date '2025-03-01', 4, 2, true),
                ('ga4', 'events', date '2025-02-28', 5, 4, true),
                ('segment', 'events', date '2025-03-04', 1, 2, false)
            ) as t (source_name, stream_name, newest_record_date, age_days,
                max_age_days, is_late);
            create table marts.volume_anomalies as select * from (values
                (date '2025-03-04', 'pos', 'orders', null, 'drop', 1200, 5000.4),
                (date '2025-03-02', 'web', 'events', 'Sign Up', 'spike', 90, 10.0),
                (date '2025-03-02', 'web', 'events', 'ann@shop.com', 'drop', 0, 9.0),
                (date '2025-03-01', 'web', 'events', 'Sign Up', 'drop', 0, 10.0),
                (date '2025-03-04', 'web', 'events', 'Sign Up', 'none', 9, 10.0)
            ) as t (volume_date, source_name, record_type, event_name, anomaly_type,
                n_records, expected_records);
            create table marts.segment_flow_anomalies as select * from (values
                (date '2025-03-01', 'rfm', 'champions', 'champions', 'drop',
                    1500, 900, 1200.0, 0.6, 0.8),
                (date '2025-03-01', 'rfm', 'champions', 'at_risk', 'spike',
                    1500, 400, 150.0, 400 / 1500, 0.1),
                (date '2025-03-01', 'rfm', 'champions', 'inactive', 'none',
                    1500, 200, 150.0, 200 / 1500, 0.1),
                (date '2025-03-01', 'vip', 'vip', 'vip', 'spike',
                    100, 95, 60.0, 0.95, 0.6),
                (date '2025-03-01', 'vip', 'vip', 'none', 'drop',
                    100, 5, 40.0, 0.05, 0.4),
                (date '2025-02-01', 'vip', 'vip', 'none', 'spike',
                    100, 90, 40.0, 0.9, 0.4)
            ) as t (as_of_date, segment_set, from_segment, to_segment, anomaly_type,
                n_from_customers, n_customers, expected_customers, transition_rate,
                expected_rate);
            alter table marts.segment_flow_anomalies add column transition_month date;
            update marts.segment_flow_anomalies
                set transition_month = as_of_date - interval 1 month;
            """
        )
    return warehouse


def test_late_sources_are_named(warehouse: Warehouse) -> None:
    assert alerts.late_sources(warehouse) == [
        "ga4.events: newest record of 2025-02-28, 5 days old, 4 allowed",
        "pos.order_lines: newest record of 2025-03-01, 4 days old, 2 allowed",
    ]


def test_anomalies_of_the_last_days_are_named(warehouse: Warehouse) -> None:
    assert alerts.recent_anomalies(warehouse, 3) == [
        "2025-03-04: drop of pos orders: 1,200, expected 5,000",
        "2025-03-02: spike of web 'Sign Up': 90, expected 10",
        "2025-03-02: drop of web '*': 0, expected 9",
    ]


def test_unusual_flows_of_the_newest_month_are_named(warehouse: Warehouse) -> None:
    """Where all who left went one way, that they left isn't told as well."""
    assert alerts.unusual_flows(warehouse, 4) == [
        "2025-02: spike of rfm champions leaving: 600 of 1,500 (40%), expected 20%",
        CHAMPIONS,
        "2025-02: drop of vip to none: 5 of 100 (5%), expected 40%",
    ]


def test_unusual_flows_are_named_for_some_days_only(warehouse: Warehouse) -> None:
    assert alerts.unusual_flows(warehouse, 3) == []


def test_a_run_that_fails_before_its_checks_tells_what_the_marts_say(
    warehouse: Warehouse, daemon: Daemon, receiver: Receiver
) -> None:
    run_id = run(daemon.instance, dbt_fails=True)
    daemon.look()
    (message,) = receiver.posts
    by_the_marts = "(not looked for in this run; by the marts as of 2025-03-05)"
    assert message["text"].splitlines() == [
        f"My shop: everything failed (run {run_id[:8]})",
        "Failed steps:",
        "- marts__source_freshness",
        f"Late sources {by_the_marts}:",
        f"- {LATE}",
        "- pos.order_lines: newest record of 2025-03-01, 4 days old, 2 allowed",
        f"Drops and spikes {by_the_marts}:",
        "- 2025-03-04: drop of pos orders: 1,200, expected 5,000",
        f"- {SPIKE}",
        "- 2025-03-02: drop of web '*': 0, expected 9",
        f"Unusual flows {by_the_marts}:",
        "- 2025-02: spike of rfm champions leaving: 600 of 1,500 (40%), expected 20%",
        f"- {CHAMPIONS}",
        "- 2025-02: drop of vip to none: 5 of 100 (5%), expected 40%",
    ]
    with warehouse.write() as connection:
        connection.execute("select 1")


@pytest.mark.usefixtures("warehouse")
def test_what_the_run_has_looked_for_is_not_told_twice(daemon: Daemon) -> None:
    run(daemon.instance, step_fails=True)
    said = daemon.look()
    assert SPIKE in said
    assert LATE not in said


@pytest.mark.usefixtures("warehouse")
def test_a_run_that_is_well_tells_nothing_of_other_marts(daemon: Daemon) -> None:
    run(daemon.instance, check_fails=True)
    assert SPIKE not in daemon.look()


@pytest.mark.parametrize("place", ["writer", "run"])
def test_the_warehouse_is_left_to_whoever_writes(
    warehouse: Warehouse, daemon: Daemon, place: str
) -> None:
    """Then the published file is asked, be it of an older day."""
    published = warehouse.path.parent / "published" / "segmentary.duckdb"
    run(daemon.instance, dbt_fails=True)
    run(daemon.instance, dbt_fails=True)
    if place == "run":
        daemon.instance.create_run_for_job(
            empty_job, status=dg.DagsterRunStatus.STARTED
        )
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(warehouse.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        if place == "writer":
            assert holder.stdout
            assert holder.stdout.readline() == b"open\n"
        else:
            holder.communicate(b"\n")
        assert "not known: no marts can be read now" in daemon.look()
        published.parent.mkdir()
        shutil.copy(warehouse.path, published)
        with duckdb.connect(published) as connection:
            connection.execute(
                "update marts.dim_as_of_dates set as_of_date = as_of_date - 1"
            )
        said = daemon.look()
        assert "by the marts as of 2025-03-04" in said
        assert LATE in said
    finally:
        holder.kill()
        holder.communicate()


@pytest.mark.usefixtures("warehouse")
def test_a_run_that_is_canceled_is_told(daemon: Daemon, receiver: Receiver) -> None:
    canceled = daemon.instance.create_run_for_job(empty_job)
    daemon.instance.report_run_canceled(canceled)
    failed = run(daemon.instance, step_fails=True)
    for _ in range(3):
        daemon.look()
    titles = [post["text"].splitlines()[0] for post in receiver.posts]
    assert titles == [
        f"My shop: nothing was canceled (run {canceled.run_id[:8]})",
        f"My shop: everything failed (run {failed[:8]})",
    ]
    assert f"- {LATE}" in receiver.posts[0]["text"].splitlines()


def test_the_sensor_looks_often_and_waits_to_be_switched_on() -> None:
    assert dt.timedelta(seconds=alerts_sensor.minimum_interval_seconds or 0) <= (
        dt.timedelta(minutes=1)
    )
    assert alerts_sensor.default_status is dg.DefaultSensorStatus.STOPPED
