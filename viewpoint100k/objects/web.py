"""One file from an address of the web, held against its hash: for what lies on no Hub."""

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
_ANSWER_S = 60.0  # how long a server may be silent
_CHUNK = 1 << 20
_POINTER = b"version https://git-lfs"  # what GitHub has in place of a large file


class DamagedError(Exception):
    """A download that is not what was promised; another try may be better."""


def from_addresses(addresses: Sequence[str], path: Path, sha256: str, max_bytes: int) -> Path:
    """Download a file, once, from the first address that has it.

    Raises:
        DamagedError: it is cut short, or another file.
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
    """Whether another try may succeed."""
    if isinstance(error, urllib.error.HTTPError):
        return error.code in BUSY
    return isinstance(error, OSError | http.client.HTTPException)


def failed_on_the_web(address: str, error: Exception) -> ViewpointError:
    """What to raise after the last try: the object's fault, or that of the line."""
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
    """The sha256 of what an address sends."""
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
    """Follows redirections that stay encrypted: a server of the web sends nobody to what is inside."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if urlsplit(newurl).scheme != "https":
            raise urllib.error.HTTPError(newurl, code, "leads to an address that is not https", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


_OPENER = urllib.request.build_opener(_OnlyWeb)
