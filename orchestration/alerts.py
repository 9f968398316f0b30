"""Alerts: what a run has to say, as one message to a webhook.

Belongs here: wording, limits and delivery. A message names checks, sources, days and
counts, never a value of a record: it leaves the house. What is wrong is decided
elsewhere, by dbt's tests and the quality marts.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from orchestration.ingestion.file_columns import name_or_placeholder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from orchestration.warehouse import Warehouse

    Look = Callable[[Warehouse], Sequence[str]]

WEBHOOK_VARIABLE = "SEGMENTARY_ALERT_WEBHOOK"
TIMEOUT_SECONDS = 10.0
N_ATTEMPTS = 3
FIRST_PAUSE_SECONDS = 1.0
TOO_MANY_REQUESTS = 429
SERVER_ERROR = 500
# Slack cuts a block's text at 3,000 characters and a message at 50 blocks.
MAX_LINES = 20
MAX_LINE_LENGTH = 140


class AlertError(RuntimeError):
    """A digest could not be delivered; the message doesn't name the address."""


@dataclass(frozen=True)
class FailedCheck:
    """A check that failed in a run.

    Attributes
    ----------
    asset_name, check_name
        The table, and the dbt test or check on it.
    is_error
        Whether it keeps the run from being published; else it warns.
    findings
        What it found, where the check says so in words that may leave the house.
    """

    asset_name: str
    check_name: str
    is_error: bool
    findings: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunDigest:
    """What a finished run has to say.

    Attributes
    ----------
    shop_name
        Whose run it was.
    run_id, job_name
        Which run.
    is_success
        Whether it got to its end.
    failed_steps
        Steps that failed; their errors are in the Dagster UI.
    failed_checks
        Checks that failed.
    is_canceled
        Whether somebody stopped it.
    standing
        Where the run didn't get to look for late sources or anomalies: headings and
        what the marts before it say, in words that may leave the house.
    """

    shop_name: str
    run_id: str
    job_name: str
    is_success: bool
    failed_steps: tuple[str, ...] = ()
    failed_checks: tuple[FailedCheck, ...] = ()
    is_canceled: bool = False
    standing: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def is_clean(self) -> bool:
        """Whether there is nothing to say."""
        return self.is_success and not self.failed_checks

    def title(self) -> str:
        """Say in one line what happened."""
        outcome = "failed" if not self.is_success else "needs a look"
        if self.is_canceled:
            outcome = "was canceled"
        return f"{self.shop_name}: {self.job_name} {outcome} (run {self.run_id[:8]})"

    def sections(self) -> list[tuple[str, list[str]]]:
        """List what happened, under headings; empty ones are left out."""
        # A check that says what it found is told by that.
        telling = [check for check in self.failed_checks if check.findings]
        sections = [("Failed steps", sorted(self.failed_steps))]
        for heading, is_error in (("Failed checks", True), ("Warnings", False)):
            lines = sorted(
                f"{check.asset_name}: {check.check_name}"
                for check in self.failed_checks
                if check.is_error is is_error and check not in telling
            )
            sections.append((heading, lines))
        sections += [
            (f"{check.asset_name}: {check.check_name}", list(check.findings))
            for check in sorted(telling, key=lambda check: check.asset_name)
        ]
        sections += [(heading, list(lines)) for heading, lines in self.standing]
        return [(heading, _cut(lines)) for heading, lines in sections if lines]

    def text(self) -> str:
        """Write the digest for people, in plain text."""
        parts = [self.title()]
        for heading, lines in self.sections():
            parts += [f"{heading}:", *(f"- {line}" for line in lines)]
        return "\n".join(parts)

    def message(self) -> dict[str, Any]:
        """Write the digest as Slack's incoming webhooks take it.

        Returns
        -------
        dict
            `text`, which notifications and other receivers show, and `blocks`.
        """
        title = {"type": "plain_text", "text": self.title()[:MAX_LINE_LENGTH]}
        blocks: list[dict[str, Any]] = [{"type": "header", "text": title}]
        for heading, lines in self.sections():
            listed = "\n".join(f"• {_escape(line)}" for line in lines)
            text = {"type": "mrkdwn", "text": f"*{_escape(heading)}*\n{listed}"}
            blocks.append({"type": "section", "text": text})
        return {"text": self.text(), "blocks": blocks}


class _Flow(NamedTuple):
    """Customers who moved, or left, in a month."""

    name: str
    rises: bool
    n_customers: int
    rate: float
    usual_rate: float


def late_sources(warehouse: Warehouse) -> list[str]:
    """Say which streams are late at the as-of date.

    Parameters
    ----------
    warehouse
        With the mart `source_freshness`.

    Returns
    -------
    list of str
        One line each.
    """
    with warehouse.read() as connection:
        rows = connection.execute(
            "select source_name, stream_name, newest_record_date, age_days, "
            "max_age_days from marts.source_freshness where is_late "
            "order by source_name, stream_name"
        ).fetchall()
    return [
        f"{source}.{stream}: newest record of {newest}, {age} days old, "
        f"{allowed} allowed"
        for source, stream, newest, age, allowed in rows
    ]


def recent_anomalies(warehouse: Warehouse, n_days: int) -> list[str]:
    """Say on which of the last days far too little or too much arrived.

    Parameters
    ----------
    warehouse
        With the marts `volume_anomalies` and `dim_as_of_dates`.
    n_days
        How many days before the as-of date are recent.

    Returns
    -------
    list of str
        One line each, newest first.
    """
    with warehouse.read() as connection:
        rows = connection.execute(
            "select volume_date, source_name, record_type, event_name, anomaly_type, "
            "n_records, expected_records from marts.volume_anomalies "
            "where anomaly_type <> 'none' and volume_date >= ("
            "select as_of_date from marts.dim_as_of_dates where is_current"
            ") - cast(? as integer) "
            "order by volume_date desc, source_name, record_type, "
            "event_name nulls first",
            [n_days],
        ).fetchall()
    return [
        f"{day}: {anomaly} of {source} "
        # Senders name events; a name that holds data stays here.
        + (repr(name_or_placeholder(event)) if event else record_type)
        + f": {n_records:,}, expected {expected:,.0f}"
        for day, source, record_type, event, anomaly, n_records, expected in rows
    ]


def unusual_flows(warehouse: Warehouse, n_days: int) -> list[str]:
    """Say between which segments customers moved otherwise than in months before.

    Leaving is what isn't staying; where all who left took one way that is told of, it
    isn't told twice.

    Parameters
    ----------
    warehouse
        With the marts `segment_flow_anomalies` and `dim_as_of_dates`.
    n_days
        How many days before the as-of date the month may have ended.

    Returns
    -------
    list of str
        One line each, of the newest complete month; the most customers beyond what was
        expected first.
    """
    with warehouse.read() as connection:
        rows = connection.execute(
            "select strftime(transition_month, '%Y-%m'), segment_set, from_segment, "
            "to_segment, anomaly_type = 'spike', n_from_customers, n_customers, "
            "transition_rate, expected_rate from marts.segment_flow_anomalies "
            "where anomaly_type <> 'none' and as_of_date = ("
            "select max(as_of_date) from marts.segment_flow_anomalies"
            ") and as_of_date >= ("
            "select as_of_date from marts.dim_as_of_dates where is_current"
            ") - cast(? as integer) "
            "order by abs(n_customers - expected_customers) desc, segment_set, "
            "from_segment, to_segment",
            [n_days],
        ).fetchall()
    moves = {
        (segment_set, left, n_moved)
        for _, segment_set, left, reached, _, _, n_moved, _, _ in rows
        if left != reached
    }
    lines = []
    for month, segment_set, left, reached, rises, n_from, n_moved, rate, usual in rows:
        if left != reached:
            flow = _Flow(f"{left} to {reached}", rises, n_moved, rate, usual)
        elif (segment_set, left, n_from - n_moved) in moves:
            continue
        else:
            flow = _Flow(
                f"{left} leaving", not rises, n_from - n_moved, 1 - rate, 1 - usual
            )
        lines.append(
            f"{month}: {'spike' if flow.rises else 'drop'} of "
            # A rule's only segment has its name.
            f"{'' if segment_set in (left, reached) else segment_set + ' '}"
            f"{flow.name}: {flow.n_customers:,} of {n_from:,} ({flow.rate:.0%}), "
            f"expected {flow.usual_rate:.0%}"
        )
    return lines


def standing_findings(
    warehouse: Warehouse, looks: Mapping[str, Look]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Say what the marts as they stand have to tell that a run didn't get to tell.

    Parameters
    ----------
    warehouse
        With the marts, or the published file.
    looks
        What to look for, by heading.

    Returns
    -------
    tuple
        For each that found something its heading, with the day that the marts
        describe, and one line per finding.
    """
    with warehouse.read() as connection:
        row = connection.execute(
            "select as_of_date from marts.dim_as_of_dates where is_current"
        ).fetchone()
    day = row[0] if row else "no day"
    found = {heading: tuple(look(warehouse)) for heading, look in looks.items()}
    return tuple(
        (f"{heading} (not looked for in this run; by the marts as of {day})", lines)
        for heading, lines in found.items()
        if lines
    )


def post(
    url: str,
    message: Mapping[str, Any],
    *,
    timeout_seconds: float = TIMEOUT_SECONDS,
    n_attempts: int = N_ATTEMPTS,
    pause_seconds: float = FIRST_PAUSE_SECONDS,
) -> None:
    """Send a message as JSON, again after a pause where the receiver may recover.

    Parameters
    ----------
    url
        The webhook, `https` or `http`. It is a secret and never repeated.
    message
        What to send.
    timeout_seconds
        For each attempt.
    n_attempts
        How often at most.
    pause_seconds
        Before the second attempt; doubled before each further one.

    Raises
    ------
    AlertError
        When no attempt was accepted.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        message_ = f"{WEBHOOK_VARIABLE} is no http or https address"
        raise AlertError(message_)
    request = urllib.request.Request(  # noqa: S310 - the scheme is checked
        url,
        data=json.dumps(message).encode(),
        headers={"Content-Type": "application/json; charset=utf-8"},
        method="POST",
    )
    for attempt in range(n_attempts):
        if attempt:
            time.sleep(pause_seconds * 2 ** (attempt - 1))
        try:
            with urllib.request.urlopen(request, timeout=timeout_seconds):  # noqa: S310
                return
        except urllib.error.HTTPError as error:
            failure = f"answered {error.code}"
            error.close()
            if error.code < SERVER_ERROR and error.code != TOO_MANY_REQUESTS:
                break
        except (OSError, ValueError) as error:
            failure = f"can't be reached ({type(error).__name__})"
    message_ = f"the alert webhook {failure}; the digest is posted at the next look"
    raise AlertError(message_)


def _cut(lines: Sequence[str]) -> list[str]:
    """Keep what a message can hold, and say how much more there is."""
    kept = [
        line if len(line) <= MAX_LINE_LENGTH else line[: MAX_LINE_LENGTH - 1] + "…"
        for line in lines[:MAX_LINES]
    ]
    more = len(lines) - len(kept)
    return [*kept, f"and {more} more"] if more else kept


def _escape(text: str) -> str:
    """Keep Slack from reading marks and mentions into names."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
