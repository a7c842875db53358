"""Captures at URLs, read through fsspec; this module is loaded when a URL is given.

What a store's library raises is its own affair: here it becomes OSError or CaptureError, in one
line and without secrets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem
from fsspec.registry import available_protocols, registry

from auditor.capture.reader import FileReader, copy_into, os_reason
from auditor.capture.urls import hide, quotes_secret, reveal, without_secrets
from auditor.errors import CaptureError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from typing import IO

    from fsspec.spec import AbstractFileSystem

    from auditor.capture.reader import ByteReader

MOST_AHEAD_BYTES = 1 << 22
"""Bytes of a request, at most, where a file is read from end to end."""

FEW_AHEAD_BYTES = 1 << 18
"""The same where so many files are read at once that each must do with little."""

_NOT_ALLOWED = frozenset({401, 403})
_GONE = frozenset({404, 410})


class RemoteReader:
    """A file at a URL, read in requests that grow while it is read on.

    fsspec's read-ahead fetches a whole block however little is wanted: too much for a look at the
    first bytes of each file of a directory, too little for a long file.
    """

    reopenable = True

    def __init__(self, name: str) -> None:
        """Open the URL `name`; raise CaptureError if it can be none, OSError."""
        self._name = name
        self._system, self._path = _resolve(name)
        self.consumed = 0
        self._ahead = memoryview(b"")
        self._request_bytes = 0
        self._most_bytes = MOST_AHEAD_BYTES
        try:
            self._file: IO[bytes] = self._system.open(self._path, "rb", cache_type="none")
            self.size = _size(self._system, self._path, self._file)
        except Exception as error:  # noqa: BLE001 - every store's library raises its own
            raise _os_error(error, name) from None

    def read(self, limit: int) -> bytes:
        """Return at least one and at most `limit` bytes, none at the end; raise OSError."""
        if not self._ahead:
            data = self._fetch(max(limit, self._request_bytes))
            self._request_bytes = min(2 * max(limit, self._request_bytes), self._most_bytes)
            if not data and self.consumed < self.size:
                raise OSError(f"it ended after {self.consumed:,} of {self.size:,} bytes")
            self._ahead = memoryview(data)
        piece = bytes(self._ahead[:limit])
        self._ahead = self._ahead[limit:]
        self.consumed += len(piece)
        return piece

    def readinto(self, buffer: memoryview) -> int:
        """Do the same into a buffer, and return how many bytes; raise OSError."""
        return copy_into(buffer, self.read(len(buffer)))

    def _fetch(self, count: int) -> bytes:
        try:
            try:
                return self._file.read(count)
            except ValueError:
                # An HTTP server without range requests is found out at the second one.
                if not self.consumed:
                    raise
                self._restart_as_stream()
                return self._file.read(count)
        except Exception as error:  # noqa: BLE001 - as above
            raise _os_error(error, self._name) from None

    def _restart_as_stream(self) -> None:
        self._file.close()
        self._file = self._system.open(self._path, "rb", block_size=0, cache_type="none")
        missing = self.consumed
        while missing > 0:
            skipped = len(self._file.read(min(missing, MOST_AHEAD_BYTES)))
            if not skipped:
                raise OSError(f"it ended after {self.consumed - missing:,} bytes")
            missing -= skipped

    def rest(self) -> None:
        """Hold little from now on; between requests there is no handle to give back."""
        self._most_bytes = FEW_AHEAD_BYTES
        self._request_bytes = min(self._request_bytes, FEW_AHEAD_BYTES)

    def close(self) -> None:
        """Close the file."""
        self._ahead = memoryview(b"")
        self._file.close()


def open_url(name: str) -> ByteReader:
    """Open the URL `name`; raise CaptureError if it can be none, OSError."""
    path = local_path(name)
    return RemoteReader(name) if path is None else FileReader(path)


@dataclass(frozen=True, slots=True)
class Place:
    """What a URL leads to."""

    name: str
    is_directory: bool


def places(name: str) -> list[Place]:
    """Find what the URL `name` means: itself, or what it matches as a glob, sorted.

    Raise CaptureError where nothing is there.
    """
    system, path = _resolve(name)
    try:
        if not _has_magic(path) or system.exists(path):
            # To HTTP everything is a file; what ends like a directory is an index page of one.
            return [Place(name, _is_directory(system.info(path)) or path.endswith("/"))]
        matches = sorted(system.glob(path, detail=True).items())
    except Exception as error:  # noqa: BLE001 - as above
        raise CaptureError(name, f"expected a capture, found {_reason(error, name)}") from None
    if not matches:
        raise CaptureError(name, "expected captures of such a name, found none")
    rename = _renamer(name, system, path)
    return [Place(rename(match), _is_directory(info)) for match, info in matches]


def files_in(name: str) -> list[str]:
    """List the files right below the directory at `name`, sorted; raise CaptureError."""
    system, path = _resolve(name)
    try:
        entries = system.ls(path, detail=True)
    except Exception as error:  # noqa: BLE001 - as above
        raise CaptureError(name, f"expected captures, found {_reason(error, name)}") from None
    rename, above = _renamer(name, system, path), path.strip("/")
    return sorted(
        rename(entry["name"])
        for entry in entries
        if not _is_directory(entry) and _is_child(entry["name"].strip("/"), above)
    )


def identity(name: str) -> Hashable:
    """Return what is the same for two URLs of one file; raise CaptureError."""
    return _resolve(name)


def local_path(name: str) -> str | None:
    """Return the path of a file that lies here, None of one elsewhere; raise CaptureError."""
    system, path = _resolve(name)
    return path if isinstance(system, LocalFileSystem) else None


def _resolve(name: str) -> tuple[AbstractFileSystem, str]:
    """Find the store and the path in it; raise CaptureError."""
    url = reveal(name)
    known = {*registry, *available_protocols()}
    for link in url.split("::"):
        protocol, separator, _ = link.partition("://")
        if separator and protocol not in known:
            raise CaptureError(name, f"expected a protocol that fsspec knows, found {protocol}://")
    try:
        system, path = url_to_fs(url)
    except ImportError as error:
        protocol = url.partition("://")[0]
        lack = f"expected a package for {protocol}://, found it missing"
        raise CaptureError(name, f"{lack} ({_line(error, name)})") from None
    except Exception as error:  # noqa: BLE001 - as above
        raise CaptureError(name, f"expected a capture, found {_reason(error, name)}") from None
    return system, path


def _has_magic(path: str) -> bool:
    # In a URL of HTTP a question mark begins the query.
    return any(sign in path for sign in ("*[" if "://" in path else "*?["))


def _is_directory(info: dict[str, object]) -> bool:
    return info["type"] == "directory"


def _is_child(path: str, above: str) -> bool:
    """Leave out what index pages link to besides: the directory itself, other orders, others."""
    rest = path.removeprefix(above).lstrip("/")
    return path.startswith(above) and rest != "" and "/" not in rest and rest[0] != "?"


def _renamer(name: str, system: AbstractFileSystem, path: str) -> Callable[[str], str]:
    """Make a function that names other files of the store as `name` names what is at `path`.

    A store's own paths lack the host, the user and what else the URL was chained to.
    """
    links, tail = reveal(name).split("::"), path.strip("/")
    for number, link in enumerate(links):
        if tail and not link.rstrip("/").endswith(tail):
            continue
        before, after = links[:number], links[number + 1 :]
        base = link.rstrip("/").removesuffix(tail) if tail else _root(link)
        return lambda other: hide("::".join([*before, base + other.lstrip("/"), *after]))
    return lambda other: hide(str(system.unstrip_protocol(other)))


def _root(link: str) -> str:
    if "://" not in link:
        return f"{link}://"
    return link if link.endswith("/") else f"{link}/"


def _size(system: AbstractFileSystem, path: str, file: IO[bytes]) -> int:
    """Return the bytes in all, 0 where the store does not say."""
    size = file.size if hasattr(file, "size") else system.info(path).get("size")
    return int(size or 0)


def _os_error(error: Exception, name: str) -> OSError:
    """Say of whatever a store's library raised what the operating system would have said."""
    if isinstance(error, FileNotFoundError) and error.__cause__ is not None:
        # fsspec's HTTP says "not found" of a server that is down or refuses, too.
        error = error.__cause__ if isinstance(error.__cause__, Exception) else error
    status = getattr(error, "status", None) or getattr(error, "code", None)
    if isinstance(error, FileNotFoundError) or status in _GONE:
        return FileNotFoundError()
    if isinstance(error, PermissionError) or status in _NOT_ALLOWED:
        return PermissionError()
    if isinstance(error, TimeoutError):
        return OSError("no answer in time")
    if "Credential" in type(error).__name__:
        return OSError(f"no credentials: {_line(error, name)}")
    return OSError(_line(error, name))


def _reason(error: Exception, name: str) -> str:
    return os_reason(_os_error(error, name))


def _line(error: Exception, name: str) -> str:
    """Return what an error about the URL `name` says, in one line and without secrets."""
    kind = type(error).__name__
    text = str(getattr(error, "strerror", None) or error) or kind
    if quotes_secret(text, name):
        return kind
    return without_secrets(" ".join(text.split())).rstrip(".")[:300]
