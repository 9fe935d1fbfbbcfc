"""Downloads one file from the web and checks its hash, for files that are on no Hub."""

import hashlib
import http.client
import os
import socket
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from viewpoint100k.errors import InputError, ObjectRefused, ViewpointError, one_line
from viewpoint100k.hub_client import BUSY

MIRROR = "VIEWPOINT100K_WEB_MIRROR"  # https://HOST/PATH is then asked of MIRROR/HOST/PATH
_ANSWER_S = 60.0  # longest silence of a server
_CHUNK = 1 << 20
_POINTER = b"version https://git-lfs"  # what GitHub returns in place of a large file


class DamagedError(Exception):
    """A download differs from what was promised; another attempt may succeed."""


def from_addresses(addresses: Sequence[str], path: Path, sha256: str, max_bytes: int) -> Path:
    """Download a file from the first address that has it, without retries.

    Raises:
        DamagedError: it is truncated, or has another hash.
        ObjectRefused: it is too long.
        OSError, HTTPException: the server does not answer, or has no such file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for place, address in enumerate(addresses):
        found = _from_address(address, path, max_bytes)
        if found == sha256:
            return path
        with path.open("rb") as stream:
            is_pointer = stream.read(len(_POINTER)) == _POINTER
        if not is_pointer or place == len(addresses) - 1:
            raise DamagedError(f"its sha256 is {found}, and not {sha256}")
    raise AssertionError("the last address returns or raises")


def may_pass_on_the_web(error: Exception) -> bool:
    """Whether another attempt may succeed."""
    if isinstance(error, urllib.error.HTTPError):
        return error.code in BUSY
    return isinstance(error, OSError | http.client.HTTPException)


def failed_on_the_web(address: str, error: Exception) -> ViewpointError:
    """The error after the last attempt: a fault of the object, or of the network."""
    if isinstance(error, ViewpointError):
        return error
    reason = getattr(error, "reason", None)
    if isinstance(reason, socket.gaierror | ConnectionRefusedError):
        return InputError(
            f"{urlsplit(address).netloc} cannot be reached ({reason}): needs network, or a mirror that "
            f"{MIRROR} names"
        )
    return ObjectRefused(f"cannot download {one_line(address, 200)}: {one_line(str(error), 200)}")


def _from_address(address: str, path: Path, max_bytes: int) -> str:
    """Download one address into `path`, and return its sha256."""
    request = urllib.request.Request(_mirrored(address), headers={"User-Agent": "viewpoint100k"})
    digest = hashlib.sha256()
    size = 0
    with _OPENER.open(request, timeout=_ANSWER_S) as answer, path.open("wb") as stream:
        promised = answer.headers.get("Content-Length")
        while chunk := answer.read(_CHUNK):
            size += len(chunk)
            if size > max_bytes:
                raise ObjectRefused(f"is longer than {max_bytes:,} bytes, as files.max_bytes allows")
            digest.update(chunk)
            stream.write(chunk)
    if promised is not None and promised.isdecimal() and int(promised) != size:
        raise DamagedError(f"cut short, {size:,} of {int(promised):,} bytes")
    return digest.hexdigest()


def _mirrored(address: str) -> str:
    mirror = os.environ.get(MIRROR, "")
    return f"{mirror.rstrip('/')}/{address.removeprefix('https://')}" if mirror else address


class _OnlyWeb(urllib.request.HTTPRedirectHandler):
    """Follows only redirects to https, so that no server can redirect us into the local network."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if urlsplit(newurl).scheme != "https":
            raise urllib.error.HTTPError(newurl, code, "leads to an address that is not https", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


_OPENER = urllib.request.build_opener(_OnlyWeb)
