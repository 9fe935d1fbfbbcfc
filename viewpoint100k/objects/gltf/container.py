"""The file on disk: its bytes and chunks, its JSON, and the side files that its URIs name."""

import base64
import errno
import json
import re
import stat
import struct
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np

from viewpoint100k.config import FileBudgets
from viewpoint100k.errors import ObjectRefused

# --- the file --------------------------------------------------------------------------------------


def read_bytes(path: Path, limit: int, what: str) -> bytes:
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise ObjectRefused(f"{what} is not an ordinary file")
        if found.st_size > limit:
            raise ObjectRefused(
                f"{what} has {found.st_size:,} bytes; expected at most {limit:,}, side files included"
            )
        with path.open("rb") as stream:
            return stream.read(found.st_size)
    except FileNotFoundError as error:
        raise ObjectRefused(f"{what} is missing: there is no such file") from error
    except (OSError, ValueError) as error:
        raise ObjectRefused(f"{what} cannot be read ({getattr(error, 'strerror', None) or error})") from error


def split(data: bytes) -> tuple[bytes, memoryview | None]:
    """The JSON text and the binary chunk. As in Blender, the content decides and the suffix is ignored."""
    if not data:
        raise ObjectRefused("the file is empty: 0 bytes")
    if data[:4] != b"glTF":
        if data.lstrip(b" \t\r\n")[:1] != b"{":
            raise ObjectRefused(f"this is {kind_of(data)}; expected a GLB (magic glTF) or glTF JSON")
        return data, None
    if len(data) < 20:
        raise ObjectRefused(f"truncated: {len(data)} bytes; expected a GLB header and a JSON chunk")
    version, length = struct.unpack_from("<II", data, 4)
    if version != 2:
        raise ObjectRefused(f"GLB version {version}; expected 2")
    if length != len(data):
        cut = "truncated: " if length > len(data) else ""
        raise ObjectRefused(
            f"{cut}the header declares a length of {length:,} bytes, the file has {len(data):,}"
        )
    text, after = _chunk(data, 12, "JSON")
    if after == len(data):
        return bytes(text), None
    if after + 8 > len(data):
        raise ObjectRefused(
            f"truncated: {len(data) - after} bytes after the JSON chunk; expected none or a BIN chunk"
        )
    if data[after + 4 : after + 8] != b"BIN\0":  # a chunk of some extension is skipped, as the standard says
        return bytes(text), None
    return bytes(text), _chunk(data, after, "BIN\0")[0]


def _chunk(data: bytes, offset: int, expected: str) -> tuple[memoryview, int]:
    length, kind = struct.unpack_from("<I4s", data, offset)
    if kind != expected.encode():
        raise ObjectRefused(f"the first chunk is of type {show(kind.decode('latin-1'))}; expected {expected}")
    start = offset + 8
    end = offset + 8 + length
    name = expected.rstrip("\0")
    if end > len(data):
        raise ObjectRefused(
            f"truncated: the {name} chunk declares {length:,} bytes, {len(data) - start:,} are left"
        )
    return memoryview(data)[start:end], end


_MAGICS = {
    b"\xabKTX": "a KTX texture", b"DDS ": "a DDS texture", b"GIF8": "a GIF", b"BM": "a BMP",
    b"II*\0": "a TIFF", b"MM\0*": "a TIFF", b"\x89PNG": "a PNG", b"\xff\xd8\xff": "a JPEG",
    b"PK\3\4": "a ZIP file", b"ply": "a PLY mesh", b"\x1f\x8b": "a gzip file",
    b"Kaydara FBX": "an FBX file", b"BLENDER": "a .blend file", b"<?xml": "an XML file",
    b"version https://git-lfs": "a git-LFS pointer, not the file itself (run `git lfs pull`)",
    b"\xef\xbb\xbf": "text that begins with a byte order mark (BOM)",
}  # fmt: skip


def kind_of(data: bytes | memoryview) -> str:
    """A description of bytes, for people who expected a model or a picture."""
    head = bytes(data[:256])
    if re.match(rb"[\xef\xbb\xbf\s]*<(!doctype html|html|head|body)", head, re.IGNORECASE):
        return "a web page (HTML), often the error message of a download"
    for magic, name in _MAGICS.items():
        if head.startswith(magic):
            return name
    if head and all(byte >= 32 or byte in b"\t\r\n" for byte in head):
        return f"plain text that begins with {show(head[:16].decode('latin-1'))}"
    return f"of an unknown type that begins with {show(head[:4].decode('latin-1'))}"


# --- its JSON --------------------------------------------------------------------------------------


def parse(data: bytes, budgets: FileBudgets) -> dict[str, Any]:
    if len(data) > budgets.max_json_bytes:
        raise ObjectRefused(f"its JSON has {len(data):,} bytes; expected at most {budgets.max_json_bytes:,}")
    _check_json_size(data, budgets)
    try:
        tree = json.loads(
            data.decode(), parse_int=_whole, parse_constant=_constant, object_pairs_hook=_without_twins
        )
    except UnicodeDecodeError as error:
        raise ObjectRefused(f"its JSON is not UTF-8: byte {error.start:,}") from error
    except json.JSONDecodeError as error:
        raise ObjectRefused(f"its JSON has a syntax error: {error.msg}, character {error.pos:,}") from error
    if not isinstance(tree, dict):
        raise ObjectRefused(f"its JSON is {show(tree)}; expected an object with `asset`")
    return tree


def _check_json_size(data: bytes, budgets: FileBudgets) -> None:
    """The number of values and the depth, found without parsing, in time that no input stretches."""
    plain = np.frombuffer(data.replace(b"\\\\", b"").replace(b'\\"', b""), np.uint8)
    in_string = np.cumsum(plain == ord('"'), dtype=np.uint8) & 1  # wraps around, but odd stays odd
    structure = plain[in_string == 0]
    opening, closing = ((structure == ord(a)) | (structure == ord(b)) for a, b in ("[{", "]}"))
    brackets = opening[opening | closing]
    values = np.count_nonzero(structure == ord(",")) + len(brackets)
    if values > budgets.max_json_values:
        raise ObjectRefused(
            f"its JSON has about {values:,} values; expected at most {budgets.max_json_values:,}"
        )
    depth = np.cumsum(np.where(brackets, 1, -1)).max(initial=0)
    if depth > budgets.max_json_depth:
        raise ObjectRefused(f"its JSON is nested {depth:,} deep; expected at most {budgets.max_json_depth}")


def _whole(text: str) -> int | float:
    return int(text) if len(text) <= 20 else float(text)  # int() of very long numbers is slow, or an error


def _constant(text: str) -> float:
    raise ObjectRefused(f"its JSON contains {text}; expected finite numbers")


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(found := dict(pairs)) < len(pairs):
        twin = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise ObjectRefused(f"its JSON has the duplicate key {show(twin)} in one object")
    return found


def show(value: Any) -> str:
    """One short line of ASCII, whatever a stranger wrote."""
    if isinstance(value, (list, dict)):
        return "a list" if isinstance(value, list) else "an object"
    return ascii(value[:60]) if isinstance(value, str) else str(value)


# --- its side files --------------------------------------------------------------------------------


@dataclass
class SideFiles:
    """Reads the files that URIs name, inside one folder, until `left` bytes are used up."""

    folder: Path
    left: int
    used: dict[Path, None] = field(default_factory=dict)  # a set that keeps its order

    def read(self, uri: str, where: str) -> memoryview:
        if uri.startswith("data:"):
            return _decode_data_uri(uri, where)
        path = self.locate(uri, where)
        data = read_bytes(path, self.left, f"{where} {show(uri)}")
        self.left -= len(data)  # counted at each mention, because Blender reads it again as well
        self.used[path] = None
        return memoryview(data)

    def locate(self, uri: str, where: str) -> Path:
        """The path that Blender would open for this URI."""
        decoded = unquote(uri)
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", uri):
            raise ObjectRefused(f"{where} is {show(uri)}; expected a file beside the object or a data: URI")
        inside = (
            decoded and not decoded.startswith("/") and "\\" not in decoded and ".." not in decoded.split("/")
        )
        try:
            path = self.folder / decoded
            if not inside or not _resolved(path).is_relative_to(self.folder.resolve()):
                raise ObjectRefused(f"{where} {show(uri)} leads outside the folder of the object")
        except (OSError, ValueError, RuntimeError) as error:  # too long, NUL inside, links in a circle
            raise ObjectRefused(f"{where} {show(uri)} cannot be the name of a file") from error
        return path


def _resolved(path: Path) -> Path:
    """The real path that a path leads to, whether the file exists or not.

    Raises:
        OSError, RuntimeError: through links in a circle, which `Path.resolve` alone finds in some versions of
        Python only.
    """
    try:
        return path.resolve(strict=True)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise
        return path.resolve()


def _decode_data_uri(uri: str, where: str) -> memoryview:
    _, mark, body = uri.partition(";base64,")
    if not mark:  # Blender would take it for the path of a file
        raise ObjectRefused(f"{where} {show(uri)} is a data: URI without ;base64,")
    try:
        return memoryview(base64.b64decode(body, validate=True))
    except ValueError as error:
        raise ObjectRefused(f"{where} is a data: URI that is not valid base64 ({error})") from error
