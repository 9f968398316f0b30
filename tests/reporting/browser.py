"""A headless Chromium that tells what a page does, over its debugging pipe."""

from __future__ import annotations

import itertools
import json
import os
import select
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)
SECONDS = 60
# What sticks out of the window, but for what scrolls by itself or is off on purpose.
_OVERFLOW = """
(() => {
    const width = document.documentElement.clientWidth;
    const out = [...document.querySelectorAll('body *')].filter(element =>
        element.getBoundingClientRect().right > width + 1
        && !element.closest('.scroll, svg, .skip'));
    return [document.documentElement.scrollWidth - width,
            out.slice(0, 5).map(element => element.outerHTML.slice(0, 80))];
})()
"""


def find_chromium() -> str | None:
    """Return the path of a Chromium, if there is one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@dataclass
class Visit:
    """What happened while a page was open.

    Attributes
    ----------
    requests
        Addresses that it asked for beside its own.
    complaints
        Errors and warnings of the console.
    overflow
        Pixels by which it is wider than the window.
    outside
        Elements that stick out of the window.
    """

    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    overflow: int = 0
    outside: list[str] = field(default_factory=list)


class Browser:
    """Chromium, as long as the block lasts."""

    def __init__(self, chromium: str, profile: Path) -> None:
        self._command = [chromium, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        self._numbers = itertools.count(1)
        self._events: list[dict[str, Any]] = []
        self._buffer = b""

    def __enter__(self) -> Self:
        to_read, self._out = os.pipe()
        self._in, to_write = os.pipe()
        # Chromium listens on file 3 and answers on file 4, whatever ours are.
        launch = (
            "import fcntl, os, sys\n"
            "listen, answer, *command = sys.argv[1:]\n"
            "ends = (listen, answer)\n"
            "ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in ends]\n"
            "[os.dup2(end, file) for file, end in enumerate(ends, 3)]\n"
            "os.execv(command[0], command)\n"
        )
        self._process = subprocess.Popen(
            [sys.executable, "-c", launch, str(to_read), str(to_write), *self._command],
            pass_fds=(to_read, to_write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(to_write)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(SECONDS)
        os.close(self._out)
        os.close(self._in)

    def visit(self, page: Path, width: int) -> Visit:
        """Open a page in a window of a width."""
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        session = self._ask("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self._ask(f"{domain}.enable", session)
        self._ask(
            "Emulation.setDeviceMetricsOverride",
            session,
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=width < 500,
        )
        self._events.clear()
        self._ask("Page.navigate", session, url=page.as_uri())
        while not any(
            event.get("method") == "Page.loadEventFired" for event in self._events
        ):
            self._events.append(self._receive())
        overflow, outside = self._ask(
            "Runtime.evaluate", session, expression=_OVERFLOW, returnByValue=True
        )["result"]["value"]
        # What the page asks for late would be answered after this.
        self._ask("Runtime.evaluate", session, expression="1")
        visit = Visit(overflow=overflow, outside=outside)
        for event in self._events:
            self._note(visit, event, page.as_uri())
        self._ask("Target.closeTarget", targetId=target)
        return visit

    @staticmethod
    def _note(visit: Visit, event: dict[str, Any], own: str) -> None:
        parameters = event.get("params", {})
        match event.get("method"):
            case "Network.requestWillBeSent":
                address = parameters["request"]["url"]
                if address not in (own, "data:,"):
                    visit.requests.append(address)
            case "Runtime.exceptionThrown":
                visit.complaints.append(parameters["exceptionDetails"]["text"])
            case "Runtime.consoleAPICalled" if parameters["type"] in (
                "error",
                "warning",
            ):
                visit.complaints.append(str(parameters["args"]))
            case "Log.entryAdded" if parameters["entry"]["level"] in (
                "error",
                "warning",
            ):
                visit.complaints.append(parameters["entry"]["text"])

    def _ask(self, method: str, session: str | None = None, **parameters: Any) -> Any:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]
            self._events.append(answer)

    def _receive(self) -> dict[str, Any]:
        ends_at = time.monotonic() + SECONDS
        while b"\0" not in self._buffer:
            left = ends_at - time.monotonic()
            assert left > 0, "Chromium doesn't answer"
            if select.select([self._in], [], [], left)[0]:
                chunk = os.read(self._in, 1 << 16)
                assert chunk, "Chromium has ended"
                self._buffer += chunk
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)
