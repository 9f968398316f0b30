"""Files in the landing folder: finding them, naming them, knowing their content.

Belongs here: everything about a file that needs no look at its records.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestration.ingestion.contracts import FileFormat

IGNORED_PREFIXES = (".", "_")
IGNORED_SUFFIXES = (".tmp", ".part")
SUFFIXES: dict[FileFormat, tuple[str, ...]] = {
    "csv": (".csv", ".csv.gz"),
    "parquet": (".parquet",),
    "jsonl": (".jsonl", ".ndjson", ".json", ".jsonl.gz", ".ndjson.gz", ".json.gz"),
}
N_STREAM_FOLDERS = 2
# As the macro `mask_contacts` has them.
_EDGE = r"\s@/?#&=;:,<>\"()|"
_CONTACT = re.compile(
    rf"[^{_EDGE}]+(?:@|%40)[^{_EDGE}]+\.[^{_EDGE}]+|(?:\+|%2[Bb])[1-9][0-9]{{7,14}}"
)


class FileReason(StrEnum):
    """Why a file isn't loaded: the codes of `raw.failed_files`."""

    UNKNOWN_STREAM = "unknown_stream"
    UNKNOWN_FORMAT = "unknown_format"
    UNREADABLE_FILE = "unreadable_file"
    EMPTY_FILE = "empty_file"
    NOT_UTF8 = "not_utf8"
    MALFORMED_CSV = "malformed_csv"
    UNCLOSED_QUOTE = "unclosed_quote"
    MISSING_COLUMN = "missing_column"
    DUPLICATE_COLUMN = "duplicate_column"
    CHANGED_CONTENT = "changed_content"
    CHANGED_WHILE_READ = "changed_while_read"


def mask_contacts(text: str) -> str:
    """Return a file's name or path as logs may hold it.

    Parameters
    ----------
    text
        Any text.

    Returns
    -------
    str
        With `*` for every e-mail address and international telephone number.
    """
    return _CONTACT.sub("*", text)


class FileError(Exception):
    """A file that can't be loaded as a whole.

    Attributes
    ----------
    reason_code
        For machines.
    reason
        What was found and what was expected, without any value of a record.
    """

    def __init__(self, reason_code: FileReason, reason: str) -> None:
        super().__init__(reason)
        self.reason_code = reason_code
        self.reason = reason


@dataclass(frozen=True)
class LandedFile:
    r"""A file under the landing folder.

    Attributes
    ----------
    path
        Where it is.
    name
        Its path relative to the landing folder, with `/`. Bytes that are no UTF-8 are
        written as `\xNN`.
    source_name, stream_name
        The first two folders; None where the file lies above them.
    """

    path: Path
    name: str
    source_name: str | None
    stream_name: str | None

    @property
    def stream(self) -> str:
        """Source and stream, joined by a dot."""
        return f"{self.source_name}.{self.stream_name}"

    @property
    def is_compressed(self) -> bool:
        """Whether the name says gzip."""
        return self.name.lower().endswith(".gz")

    def file_format(self, allowed: tuple[FileFormat, ...]) -> FileFormat:
        """Tell the format from the name's ending.

        Raises
        ------
        FileError
            `unknown_format`, when the stream doesn't take such files.
        """
        for file_format in allowed:
            if self.name.lower().endswith(SUFFIXES[file_format]):
                return file_format
        endings = [ending for name in allowed for ending in SUFFIXES[name]]
        raise FileError(
            FileReason.UNKNOWN_FORMAT,
            f"{self.name}: {self.stream} takes files ending in {', '.join(endings)}",
        )


@dataclass(frozen=True)
class Fingerprint:
    """What a file held at one moment.

    Attributes
    ----------
    size
        Bytes.
    modified_ns, inode
        What a change of the file changes even where the bytes stay.
    sha256
        Of the bytes, in hexadecimal digits.
    """

    size: int
    modified_ns: int
    inode: int
    sha256: str


def find_files(landing_dir: Path) -> list[LandedFile]:
    """List the landed files in order of their path.

    Hidden and unfinished files are left out: names that start with `.` or `_`, also of
    folders, and names that end in `.tmp` or `.part`.

    Parameters
    ----------
    landing_dir
        The landing folder; a missing one holds no files.

    Returns
    -------
    list of LandedFile
        Sorted by name, so that every machine loads in the same order.
    """
    files = []
    for path in _walk(landing_dir):
        parts = [_text(part) for part in path.relative_to(landing_dir).parts]
        folders = [*parts[:-1], None, None][:N_STREAM_FOLDERS]
        files.append(
            LandedFile(
                path=path,
                name="/".join(parts),
                source_name=folders[0],
                stream_name=folders[1],
            )
        )
    return sorted(files, key=lambda file: file.name)


def _walk(landing_dir: Path) -> Iterator[Path]:
    visited = set()
    for folder, folders, names in os.walk(
        landing_dir, onerror=_unless_gone, followlinks=True
    ):
        # A link may lead back up: each real folder is entered once.
        real = os.path.realpath(folder)
        if real in visited:
            folders.clear()
            continue
        visited.add(real)
        folders[:] = sorted(
            name for name in folders if not name.startswith(IGNORED_PREFIXES)
        )
        for name in names:
            if not name.startswith(IGNORED_PREFIXES) and not name.lower().endswith(
                IGNORED_SUFFIXES
            ):
                yield Path(folder, name)


def _unless_gone(error: OSError) -> None:
    # A folder that can't be read must not pass for an empty one.
    if not isinstance(error, FileNotFoundError):
        raise error


def _text(part: str) -> str:
    return os.fsencode(part).decode("utf-8", "backslashreplace")


def take_fingerprint(file: LandedFile) -> Fingerprint:
    """Read a file's size, times and content hash.

    Raises
    ------
    FileError
        `unreadable_file`, when it is no regular file or may not be read.
    FileNotFoundError
        When it is gone.
    """
    try:
        status = file.path.stat()
        # Opening a pipe would wait for ever.
        if not stat.S_ISREG(status.st_mode):
            raise FileError(
                FileReason.UNREADABLE_FILE, f"{file.name}: not a regular file"
            )
        with file.path.open("rb") as stream:
            status = os.fstat(stream.fileno())
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    except FileNotFoundError:
        if file.path.is_symlink():
            raise FileError(
                FileReason.UNREADABLE_FILE, f"{file.name}: a link that leads nowhere"
            ) from None
        raise
    except OSError as error:
        raise FileError(
            FileReason.UNREADABLE_FILE,
            f"{file.name}: {error.strerror or 'cannot be read'}",
        ) from None
    return Fingerprint(status.st_size, status.st_mtime_ns, status.st_ino, sha256)
