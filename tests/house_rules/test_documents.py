"""The documents say what is true: commands exist, links resolve, nothing leaks."""

import re
import subprocess
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath

import pytest
from house_model import ROOMS

ROOT = Path(__file__).parents[2]
LOCKS = (
    "requirements.lock",
    "requirements-bench.lock",
    "requirements-bi.lock",
    "requirements-datasets.lock",
    "requirements-dev.lock",
    "requirements-uv.lock",
)
MAX_BYTES = 1024 * 1024


def tracked() -> list[str]:
    """List the files that are, or are about to be, in the repository."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return sorted(path for path in done.stdout.splitlines() if (ROOT / path).is_file())


def documents() -> dict[str, str]:
    """Read the Markdown files."""
    paths = [path for path in tracked() if path.endswith(".md")]
    return {path: (ROOT / path).read_text(encoding="utf-8") for path in paths}


def code_of(markdown: str) -> list[str]:
    """Give the lines of fenced code and the spans of inline code."""
    fences = re.findall(r"^```.*?\n(.*?)^```", markdown, re.DOTALL | re.MULTILINE)
    prose = re.sub(r"^```.*?^```", "", markdown, flags=re.DOTALL | re.MULTILINE)
    lines = [line for fence in fences for line in fence.splitlines()]
    return lines + re.findall(r"`([^`\n]+)`", prose)


def unknown_targets(markdown: str, makefile: str) -> Iterator[str]:
    """Yield what a document tells to make and the Makefile can't."""
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    for code in code_of(markdown):
        found = re.match(r"(?:\$ )?make((?: [^ #]+)*)", code.strip())
        for word in found[1].split() if found else ():
            if not re.fullmatch(r"[a-z][a-z-]*", word):
                break  # A variable; what follows may be its quoted value.
            if word not in targets:
                yield word


def anchor(heading: str) -> str:
    """Give the fragment that a heading is linked by."""
    plain = re.sub(r"[`*]|\[(.*?)\]\(.*?\)", r"\1", heading.strip())
    return re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")


def dead_links(path: str, documents: dict[str, str], files: set[str]) -> Iterator[str]:
    """Yield links of a document to files or headings that don't exist."""
    folders = {str(parent) for file in files for parent in PurePosixPath(file).parents}
    prose = re.sub(r"^```.*?^```", "", documents[path], flags=re.DOTALL | re.MULTILINE)
    for link in re.findall(r"\]\(([^)\s]+)\)", prose):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, fragment = link.partition("#")
        parts: list[str] = list(PurePosixPath(path).parent.parts) if file else [path]
        for part in PurePosixPath(file).parts:
            if part == "..":
                parts = parts[:-1] if parts else ["outside"]
            else:
                parts.append(part)
        target = "/".join(parts) or "."
        if target not in files | folders:
            yield link
        elif fragment:
            text = documents.get(target, "")
            headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
            if fragment not in {anchor(heading) for heading in headings}:
                yield link


def lock_faults(lock: str) -> Iterator[str]:
    """Yield entries of a lock without a version or a hash, and anything not an entry.

    Hosts, paths and options of an index are no entries: a lock is good everywhere.
    """
    for entry in re.sub(r" \\\n\s*", " ", lock).splitlines():
        pinned = r"[a-z0-9.-]+==[^\s;@/]+( ;[^@/\\]*?)?( --hash=sha256:[0-9a-f]{64})+"
        if entry.strip() and not re.fullmatch(pinned, entry.rstrip()):
            yield entry.strip()[:60]


def pins(lock: str) -> set[str]:
    """Give the names and versions in a lock, with their markers."""
    return set(re.findall(r"^[^\s#][^\\\n]*?(?= \\$)", lock, re.MULTILINE))


# A path of somebody's machine, or the address of a package index, is true for nobody
# else. (Written so that these lines don't match themselves.)
_LEAKS = re.compile(
    r"(?<![\w.~$})-])/(?:work|home|root|Users|mnt)/"
    r"|[A-Z]:\\(?:Users)"
    r"|pypi\.(?:org|python)|pythonhosted\.(?:org)|test\.pypi|registry\.npmjs"
    r"|--(?:extra-)?index-(?:url)[ =]|deb\.(?:debian)|proxy\.(?:golang)"
)


def leaks(text: str) -> Iterator[str]:
    """Yield lines that name a path of one machine or a package index."""
    for number, line in enumerate(text.splitlines(), 1):
        if _LEAKS.search(line):
            yield f"line {number}: {line.strip()[:80]}"


def test_documented_commands_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    found = {
        path: unknown
        for path, text in documents().items()
        if (unknown := list(unknown_targets(text, makefile)))
    }
    assert not found


def test_every_target_is_explained_and_phony() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    assert targets == set(re.findall(r"^([a-z-]+):.*? ## \w", makefile, re.MULTILINE))
    assert targets == set(re.findall(r"^\.PHONY: ([a-z-]+)$", makefile, re.MULTILINE))


@pytest.mark.parametrize(
    ("markdown", "unknown"),
    [
        ("Run `make demo DATASET=x`.", []),
        ("Run `make fly`.", ["fly"]),
        ("```\n$ make demo fly\n```", ["fly"]),
        ("```sh\nmake query SQL='select a'  # make fly\n```", []),
        ("You make fly.", []),
        ("`make`", []),
    ],
)
def test_an_unknown_command_is_seen(markdown: str, unknown: list[str]) -> None:
    assert list(unknown_targets(markdown, "demo: x ## Y\nquery: ## Z\n")) == unknown


def test_links_resolve() -> None:
    texts, files = documents(), set(tracked())
    found = {
        path: dead for path in texts if (dead := list(dead_links(path, texts, files)))
    }
    assert not found


@pytest.mark.parametrize(
    ("link", "is_dead"),
    [
        ("b.md", False),
        ("../README.md", False),
        ("../README.md#the-first-run", False),
        ("#a-heading", False),
        ("../models", False),
        ("https://example.com/x", False),
        ("c.md", True),
        ("/b.md", True),
        ("../../README.md", True),
        ("b.md#nothing", True),
        ("#nothing", True),
    ],
)
def test_a_dead_link_is_seen(link: str, *, is_dead: bool) -> None:
    texts = {
        "docs/a.md": f"# A heading\n[x]({link})",
        "docs/b.md": "",
        "README.md": "## The `first` run\n",
    }
    files = {*texts, "models/a.sql"}
    assert list(dead_links("docs/a.md", texts, files)) == [link] * is_dead


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_is_pinned_and_hashed(name: str) -> None:
    assert not list(lock_faults((ROOT / name).read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "fault",
    [
        "a==1.0",
        "a>=1.0 --hash=sha256:" + "0" * 64,
        "a==1.0 --hash=md5:" + "0" * 64,
        "a @ https://example.com/a.whl --hash=sha256:" + "0" * 64,
        "--extra-index https://example.com",
        "--find-links wheels/",
        "./wheels/a.whl --hash=sha256:" + "0" * 64,
    ],
)
def test_a_loose_lock_is_seen(fault: str) -> None:
    good = "b==2 ; python_full_version < '3.12' \\\n    --hash=sha256:" + "a" * 64
    assert list(lock_faults(f"{good}\n{fault}\n")) == [fault[:60]]


def test_locks_agree_with_each_other() -> None:
    text = {name: (ROOT / name).read_text(encoding="utf-8") for name in LOCKS}
    # What reads the published file has an older DuckDB on purpose.
    run_time, bench, _, datasets, dev, uv = (pins(text[name]) for name in LOCKS)
    assert run_time < datasets < dev
    assert run_time < bench < dev
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert uv == {f"uv=={re.findall(r'UV_VERSION := (.*)', makefile)[0]}"}


def test_no_file_names_a_machine_or_an_index() -> None:
    found: dict[str, Collection[str]] = {}
    for path in tracked():
        content = (ROOT / path).read_bytes()
        if b"\0" not in content:
            found[path] = list(leaks(content.decode("utf-8", errors="replace")))
    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    ("line", "is_leak"),
    [
        ("path: /" + "home/somebody/x", True),
        ('"/' + 'work/main"', True),
        ("/" + "Users/me", True),
        ("https://pypi" + ".org/simple", True),
        ("files.python" + "hosted.org", True),
        ("--extra-index" + "-url x", True),
        ("docs/" + "work/x", False),
        ("https://example.com/" + "home/x", False),
        ("state/warehouse.duckdb", False),
        ("pip install --require-hashes", False),
    ],
)
def test_a_leak_is_seen(line: str, *, is_leak: bool) -> None:
    assert list(leaks(f"a\n{line}")) == [f"line 2: {line}"] * is_leak


def test_no_file_is_large() -> None:
    large = {path for path in tracked() if (ROOT / path).stat().st_size > MAX_BYTES}
    assert not large


def test_contributing_names_every_room() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    missing = [room.folder for room in ROOMS if f"`{room.folder}/" not in text]
    assert not missing
