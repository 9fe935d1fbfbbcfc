"""Checks images that textures use: their location, their size by the header, and that JPEGs are complete."""

import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image

from viewpoint100k.config import FileBudgets
from viewpoint100k.errors import ObjectRefused
from viewpoint100k.objects.gltf.buffers import View
from viewpoint100k.objects.gltf.container import SideFiles, kind_of, show
from viewpoint100k.objects.gltf.shape import extension

_TAIL = 1 << 16  # bytes at the end of an image in which its end marker is searched


def check_images(
    tree: dict[str, Any], views: list[View], side_files: SideFiles, budgets: FileBudgets
) -> tuple[int, int]:
    """The number of images that Blender would load, and their pixels in units of 4 bytes.

    Others: only where they lead.
    """
    wanted = _wanted_images(tree, budgets)
    pixels = size = 0
    for number, item in enumerate(tree.get("images", [])):
        where = f"images[{number}]"
        uri = item.get("uri")
        if number not in wanted:
            if uri is not None and not uri.startswith("data:"):
                side_files.locate(uri, where)
            continue
        if (uri is None) == ("bufferView" not in item):
            has = "neither uri nor" if uri is None else "both uri and"
            raise ObjectRefused(f"{where} has {has} bufferView; expected one of them")
        data = views[item["bufferView"]].data if uri is None else side_files.read(uri, f"{where}.uri")
        width, height = _image_size(data, where)
        # 16 bits per channel, which Blender keeps as floats
        deep = bytes(data[:4]) == b"\x89PNG" and data[24] == 16
        pixels += width * height * (4 if deep else 1)
        size += len(data)
        found = f"{where} has {width} x {height} = {width * height:,} pixels"
        if not 0 < width * height <= budgets.max_texture_pixels:
            raise ObjectRefused(f"{found}; expected 1 to {budgets.max_texture_pixels:,}")
        if pixels > budgets.max_total_texture_pixels:
            limit = budgets.max_total_texture_pixels
            note = ", those of 16 bits counted four times" if deep else ""
            raise ObjectRefused(f"{found}, {pixels:,} with those before{note}; expected at most {limit:,}")
        if bytes(data[:3]) == b"\xff\xd8\xff" and _is_cut(bytes(data)):
            raise ObjectRefused(
                f"{where} is truncated: {width} x {height} pixels, but its JPEG data end before the last"
            )
        if size > budgets.max_bytes:  # images may share bytes, but Blender copies them for each image
            raise ObjectRefused(
                f"{where} makes {size:,} bytes of images; expected at most {budgets.max_bytes:,}"
            )
    return len(wanted), pixels


def _wanted_images(tree: dict[str, Any], budgets: FileBudgets) -> set[int]:
    """The numbers of images that textures show."""
    wanted = set()
    for number, texture in enumerate(tree.get("textures", [])):
        source = texture.get("source", (extension(texture, "EXT_texture_webp") or {}).get("source"))
        if source is not None:
            wanted.add(source)
        elif texture.get("extensions"):
            name = show(next(iter(texture["extensions"])))
            raise ObjectRefused(f"textures[{number}] has only an image of {name}, which Blender cannot read")
        elif number in (worn := dict(_worn(tree.get("materials", []), "materials"))):
            raise ObjectRefused(f"textures[{number}] has no source image, but {worn[number]} shows it")
    if len(wanted) > budgets.max_images:
        raise ObjectRefused(f"{len(wanted):,} images; expected at most {budgets.max_images:,}")
    return wanted


def _worn(value: Any, where: str) -> Iterator[tuple[int, str]]:
    """The numbers of the textures that materials show, and the places that name them."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        inner = f"{where}.{show(key)[1:-1]}" if isinstance(key, str) else f"{where}[{key}]"
        if (
            isinstance(key, str)
            and key.endswith("Texture")
            and isinstance(item, dict)
            and type(item.get("index")) is int
        ):
            yield item["index"], inner
        if isinstance(item, (dict, list)):
            yield from _worn(item, inner)


_CUT_LOOKS = 4  # grey levels of 255: a decoder fills missing data with grey, up to rounding
_MORE = b"\x5a\xa5\x3c\xc3" * 64  # coded data of any kind


def _is_cut(data: bytes) -> bool:
    """Whether a JPEG has an end marker but lacks some of its coded data.

    Decoders fill the rest with grey and say nothing. Whatever stands behind the last block of a whole one is
    passed over; behind a cut one it is taken for the next blocks. The search costs two decodings, so it is
    for pictures that end in grey, and for progressive ones, of which a part of the detail is missing.
    """
    end = data.rfind(b"\xff\xd9")
    try:
        with Image.open(io.BytesIO(data)) as picture:
            progressive = bool(picture.info.get("progressive"))
            if not progressive:
                picture.draft("L", (max(1, picture.width // 8), max(1, picture.height // 8)))
            pixels = np.asarray(picture)
        if not progressive and np.abs(pixels[-1, -1].astype(int) - 128).max() > _CUT_LOOKS:
            return False
        with Image.open(io.BytesIO(data[:end] + _MORE + data[end:])) as picture:
            if not progressive:
                picture.draft("L", (max(1, picture.width // 8), max(1, picture.height // 8)))
            return not np.array_equal(pixels, np.asarray(picture))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return False  # Blender will report it


def _image_size(data: memoryview, where: str) -> tuple[int, int]:
    """Width and height from the header; nothing is decoded. An image cut short is refused."""
    head = bytes(data[:64])
    tail = bytes(data[-_TAIL:])
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        if head[12:16] != b"IHDR" or head[29:33] != zlib.crc32(head[12:29]).to_bytes(4, "big"):
            raise ObjectRefused(f"{where} is a PNG whose header is damaged")
        width, height = struct.unpack(">II", head[16:24])
        whole = b"IEND" in tail
    elif head.startswith(b"\xff\xd8\xff"):
        width, height = _jpeg_size(data, where)
        whole = b"\xff\xd9" in tail
    elif head[:4] == b"RIFF" and head[8:12] == b"WEBP" and len(head) >= 30:
        width, height = _webp_size(head, where)
        whole = int.from_bytes(head[4:8], "little") + 8 <= len(data)
    else:
        raise ObjectRefused(f"{where} is {kind_of(data)}; expected PNG, JPEG or WebP")
    if not whole:
        raise ObjectRefused(
            f"{where} is truncated: a header of {width} x {height} pixels, but no end of the data"
        )
    return width, height


def _jpeg_size(data: memoryview, where: str) -> tuple[int, int]:
    at = 2
    for _ in range(4096):  # segments; real files have tens before the frame header
        if at + 9 > len(data) or data[at] != 0xFF:
            break
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        if marker in (0xD9, 0xDA):
            break
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker == 0x01 or 0xD0 <= marker <= 0xD8:  # alone, without a length
            at += 2
        else:
            at += 2 + max(2, int.from_bytes(data[at + 2 : at + 4], "big"))
    raise ObjectRefused(f"{where} is a JPEG without a readable header: truncated or damaged")


def _webp_size(head: bytes, where: str) -> tuple[int, int]:
    if head[12:16] == b"VP8X":
        return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    if head[12:16] == b"VP8L" and head[20] == 0x2F:
        bits = int.from_bytes(head[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if head[12:16] == b"VP8 " and head[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack("<HH", head[26:30])
        return width & 0x3FFF, height & 0x3FFF
    raise ObjectRefused(f"{where} is a WebP whose header is damaged")
