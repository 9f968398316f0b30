"""Events from Segment's own library for Python, over HTTP to the staged table.

A collector on the loopback interface takes what the library sends and writes it where
files land. Every message must be staged exactly once, as it was sent.
"""

from __future__ import annotations

import datetime as dt
import gzip
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from segment.analytics import Client
from warehouses import DataSet

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from warehouses import Built, Workshop

# Received a day after the first message, which a collector's clock would do by itself.
RECEIVED_AT = "2026-02-02T09:00:00.250Z"
UTC = dt.UTC
PARIS = dt.timezone(dt.timedelta(hours=1))
CONSENT = {
    "consent": {
        "categoryPreferences": {
            "Analytics": True,
            "Personalization": False,
            "Advertising": False,
            "Functional": True,
        }
    }
}


@dataclass
class Collector:
    """What writes a sender's batches to landing files, one line a message.

    It answers the first requests with `refusals`, as an overloaded one would.
    """

    folder: Path
    refusals: list[int] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    encodings: list[str | None] = field(default_factory=list)
    batch_sizes: list[int] = field(default_factory=list)
    n_refused: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, path: str, encoding: str | None, body: bytes) -> int:
        """Write one batch, or refuse it, and give the HTTP status."""
        with self._lock:
            if self.refusals:
                self.n_refused += 1
                return self.refusals.pop(0)
            text = gzip.decompress(body) if encoding == "gzip" else body
            envelope = json.loads(text)
            self.paths.append(path)
            self.encodings.append(encoding)
            self.batch_sizes.append(len(envelope["batch"]))
            lines = [
                json.dumps(
                    message | {"sentAt": envelope["sentAt"], "receivedAt": RECEIVED_AT},
                    ensure_ascii=False,
                )
                for message in envelope["batch"]
            ]
            file = self.folder / f"batch-{len(self.paths):04}.jsonl"
            file.write_text("\n".join(lines) + "\n", encoding="utf-8")
            return 200


def serve(collector: Collector) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            encoding = self.headers["Content-Encoding"]
            self.send_response(collector.take(self.path, encoding, body))
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Say nothing: a test's output is no access log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def at(second: int) -> dt.datetime:
    return dt.datetime(2026, 2, 1, 12, 0, second, 125000, tzinfo=UTC)


def send_everything(client: Client, prefix: str) -> list[tuple[Any, ...]]:
    """Send one message of every kind, and others; give what must be staged.

    The columns are those of `STAGED`, written down by hand for each call.
    """
    sent = []

    def send(
        call: Callable[..., tuple[bool, dict[str, Any]]],
        *staged: object,
        **arguments: object,
    ) -> None:
        number = len(sent)
        message_id = f"{prefix}-{number:03}"
        occurred_at = at(number)
        arguments.setdefault("timestamp", occurred_at)
        was_queued, _ = call(message_id=message_id, **arguments)
        assert was_queued
        sent.append((message_id, *staged, occurred_at.replace(tzinfo=None)))

    nothing = (None,) * 3
    send(
        client.track,
        *("track", "Produkt angesehen: Größe 42 👟", None, "zoë-Ⅻ", None),
        *("granted", "denied", "denied", "DE", 59.9),
        user_id="zoë-Ⅻ",
        event="Produkt angesehen: Größe 42 👟",
        properties={"product_id": "sku 1", "price": 59.9, "currency": "eur"},
        context=CONSENT | {"location": {"country": "DE"}},
        # The same moment, said in another zone.
        timestamp=at(0).astimezone(PARIS),
    )
    send(
        client.track,
        *("track", "Order Completed", "device-1", "u-1", None, *nothing, None, None),
        user_id="u-1",
        anonymous_id="device-1",
        event="Order Completed",
        properties={"order_id": "o-1", "revenue": 100.5, "currency": "EUR"},
    )
    send(
        client.page,
        *("page", "Accueil", "device-1", None, None, *nothing, None, None),
        anonymous_id="device-1",
        category="Docs",
        name="Accueil",
        properties={"path": "/", "title": 'Bienvenue "à tous"'},
    )
    send(
        client.screen,
        *("screen", "ホーム", "phone-7", None, None, *nothing, None, None),
        anonymous_id="phone-7",
        name="ホーム",
    )
    send(
        client.identify,
        *("identify", "identify", "device-1", "u-1", None, *nothing, None, None),
        user_id="u-1",
        anonymous_id="device-1",
        traits={"email": "Zoe@Example.COM", "phone": "+49 221 12345678"},
    )
    send(
        client.alias,
        *("alias", "alias", None, "u-1", "guest-1", *nothing, None, None),
        previous_id="guest-1",
        user_id="u-1",
    )
    send(
        client.group,
        *("group", "group", None, "u-1", None, *nothing, None, None),
        user_id="u-1",
        group_id="Müller & Söhne",
        traits={"name": "Müller & Söhne\nGmbH"},
    )
    # A number for an id, which the library makes a text of.
    send(
        client.track,
        *("track", "Signed In", None, "123456789012345678", None),
        *(*nothing, None, None),
        user_id=123456789012345678,
        event="Signed In",
    )
    for number in range(30):
        send(
            client.track,
            *("track", "Product Viewed", f"device-{number}", None, None),
            *(*nothing, None, None),
            anonymous_id=f"device-{number}",
            event="Product Viewed",
        )
    return sent


STAGED = """
    select
        message_id, event_type, event_name, anonymous_id, user_id, previous_id,
        analytics_consent, personalization_consent, advertising_consent, country_code,
        cast(price_amount as double), occurred_at
    from staging.stg_segment__events
    order by message_id
"""


@dataclass(frozen=True)
class Journey:
    """What was sent, what the collector saw and what was staged of it."""

    sent: list[tuple[Any, ...]]
    plain: Collector
    zipped: Collector
    shop: Built


@pytest.fixture(scope="module")
def journey(workshop: Workshop, tmp_path_factory) -> Journey:
    landing = tmp_path_factory.mktemp("senders")
    sent: list[tuple[Any, ...]] = []
    collectors = []
    for name, options, refusals in (
        # Two refusals that mean "again": the library resends the same messages.
        ("plain", {"gzip": False, "upload_size": 7}, [503, 429]),
        ("zipped", {"gzip": True, "upload_size": 100}, []),
    ):
        folder = landing / "segment" / "events" / name
        folder.mkdir(parents=True)
        collector = Collector(folder, refusals)
        server = serve(collector)
        errors: list[object] = []
        client = Client(
            "a write key",
            host=f"http://127.0.0.1:{server.server_port}",
            on_error=lambda error, _batch, errors=errors: errors.append(error),
            proxies={"http": "", "https": ""},
            **options,
        )
        sent += send_everything(client, name)
        client.shutdown()
        server.shutdown()
        server.server_close()
        assert not errors
        collectors.append(collector)
    shop = workshop.new(
        DataSet("senders", {"sources": ["segment"]}, dt.date(2026, 3, 1))
    )
    report = shop.land(landing)
    assert not report.failed, report.lines()
    shop.build("--select", "stg_segment__events")
    return Journey(sent, *collectors, shop)


def test_every_message_is_staged_exactly_once_as_it_was_sent(journey):
    assert journey.shop.rows(STAGED) == sorted(journey.sent)
    assert len(journey.sent) == 76


def test_nothing_is_rejected(journey):
    reasons = "select distinct reject_reason from staging.stg_segment__events"
    assert journey.shop.rows(reasons) == [(None,)]
    assert journey.shop.row("select count(*) from raw.rejected_lines") == (0,)


def test_the_time_of_receipt_is_the_collectors(journey):
    (received,) = journey.shop.row(
        "select min(received_at) from staging.stg_segment__events "
        "having min(received_at) = max(received_at)"
    )
    assert received == dt.datetime(2026, 2, 2, 9, 0, 0, 250000)  # noqa: DTZ001


def test_traits_of_a_person_are_normalised(journey):
    rows = journey.shop.rows(
        "select distinct email, phone from staging.stg_segment__events "
        "where event_type = 'identify'"
    )
    assert rows == [("zoe@example.com", "+4922112345678")]


def test_an_order_keeps_its_id_and_its_revenue(journey):
    rows = journey.shop.rows(
        "select distinct order_id, currency_code, cast(revenue_amount as double) "
        "from staging.stg_segment__events where event_name = 'Order Completed'"
    )
    assert rows == [("o-1", "EUR", 100.5)]


def test_the_library_sent_in_batches_plain_and_zipped(journey):
    assert set(journey.plain.paths + journey.zipped.paths) == {"/v1/batch"}
    assert set(journey.plain.encodings) == {None}
    assert set(journey.zipped.encodings) == {"gzip"}
    assert max(journey.plain.batch_sizes) <= 7
    assert max(journey.zipped.batch_sizes) > 7


def test_the_library_sent_again_what_was_refused(journey):
    assert journey.plain.n_refused == 2
    assert sum(journey.plain.batch_sizes) == 38


def test_the_same_files_again_change_nothing(journey, workshop):
    """A collector that lands a batch twice, under another name."""
    again = workshop.new(journey.shop.data_set, like=journey.shop)
    folder = journey.plain.folder
    report = again.land(folder.parents[2])
    assert report.n_new_records == 0
    copy = folder / "batch-again.jsonl"
    copy.write_bytes((folder / "batch-0001.jsonl").read_bytes())
    try:
        assert again.land(folder.parents[2]).n_new_records == 0
    finally:
        copy.unlink()
    assert again.rows(STAGED) == sorted(journey.sent)
