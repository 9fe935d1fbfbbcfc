"""Decodes meshopt compression with Python and numpy only.

A gate reads strangers' bytes in the process that runs everything else: a native decoder that crashes there
would end the run. This one cannot, and is slower: 15 MB a second, or 200,000 to a million triangles. A stream
that is not exactly as long as its elements need is damaged.

Source: KHR_meshopt_compression, appendices A (bitstreams) and B (filters). Those of EXT_meshopt_compression
are among them: it has version 0 of the attributes, and no filter for colours.
"""

from array import array
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

_GROUP = 16  # elements whose deltas are stored together
_BLOCK_BYTES = 8192  # greatest size of an attribute block, decompressed
_BLOCK_ELEMENTS = 256
_CHUNK_BLOCKS = 256  # blocks that are decoded by the same array operations
_BYTES_OF_BITS = {0: 0, 1: 2, 2: 4, 4: 8, 8: 16}  # bytes of a group, by the bits of its deltas
_BITS_V0 = (0, 2, 4, 8)  # of a group's deltas, by its two header bits
_BITS_V1 = ((0, 1, 2, 4), (1, 2, 4, 8))  # the same by control mode
_NO_DATA = 2  # the other control modes
_LITERAL = 3
_TRIANGLES_HEADER = 0xE1
_INDICES_HEADER = 0xD1
_VARINT_BYTES = 5
_MAX_EXPONENT = 100

Bytes = NDArray[np.uint8]


def decode(data: memoryview, mode: str, filtering: str, count: int, stride: int) -> memoryview:
    """The bytes of a compressed bufferView.

    Args:
        data: of its compressed form, all of it.
        mode: ATTRIBUTES, TRIANGLES or INDICES.
        filtering: NONE, OCTAHEDRAL, QUATERNION, EXPONENTIAL or COLOR.
        count: of elements.
        stride: bytes of an element.

    Returns:
        `count` times `stride` bytes.

    Raises:
        ValueError: mode, filter, count and stride do not fit together, or the data are damaged.
    """
    check_layout(mode, filtering, count, stride)
    if not len(data):
        raise ValueError("there are none")
    stored = np.frombuffer(data, np.uint8)
    elements: NDArray[Any]
    if mode == "ATTRIBUTES":
        elements = _decode_attributes(stored, count, stride)
        if filtering != "NONE":
            elements = _FILTERS[filtering](elements)
    else:
        triangles = mode == "TRIANGLES"
        indices = _decode_triangles(bytes(data), count) if triangles else _decode_indices(stored, count)
        elements = indices.astype(f"<u{stride}")  # two bytes: with wrap-around
    return memoryview(np.ascontiguousarray(elements).view(np.uint8).ravel().data)


def check_layout(mode: str, filtering: str, count: int, stride: int) -> None:
    """Refuse faults that decoders do not check and that make some of them write outside their memory.

    Raises:
        ValueError: mode, filter, count and stride do not fit together.
    """
    strides: dict[str, tuple[int, ...]] = {
        "NONE": tuple(range(4, 257, 4)),
        "OCTAHEDRAL": (4, 8),
        "QUATERNION": (8,),
        "EXPONENTIAL": tuple(range(4, 257, 4)),
        "COLOR": (4, 8),
    }
    if mode != "ATTRIBUTES" and filtering != "NONE":
        raise ValueError(f"mode {mode} with the filter {filtering}; expected none")
    allowed = strides[filtering] if mode == "ATTRIBUTES" else (2, 4)
    if stride not in allowed:
        expected = " or ".join(map(str, allowed)) if len(allowed) < 3 else "a multiple of 4 up to 256"
        raise ValueError(f"byteStride {stride} with mode {mode} and filter {filtering}; expected {expected}")
    if mode == "TRIANGLES" and count % 3:
        raise ValueError(f"{count} indices with mode TRIANGLES; expected whole triangles")


# --- attributes ------------------------------------------------------------------------------------


def _decode_attributes(data: Bytes, count: int, stride: int) -> Bytes:
    """(count, stride) of the elements, before a filter."""
    version = int(data[0]) - 0xA0
    if version not in (0, 1):
        raise ValueError(f"attributes begin with the byte {data[0]:#04x}; expected 0xa0 or 0xa1")
    modes_size = stride // 4 if version else 0
    tail_size = stride + modes_size
    padded_size = max(tail_size, 24 if version else 32)
    end = len(data) - padded_size
    if end < 1:
        raise ValueError(f"{len(data)} bytes of attributes; expected more than {padded_size}")
    tail = data[len(data) - tail_size :]
    baseline = tail[:stride]
    modes = tail[stride:] if version else np.zeros(stride // 4, np.uint8)
    if ((modes & 15) > 2).any() or ((modes & 15 != 2) & (modes >> 4 > 0)).any():
        raise ValueError("an unknown channel mode")
    elements = np.empty((count, stride), np.uint8)
    at = 1
    done = 0
    block = min((_BLOCK_BYTES // stride) & ~(_GROUP - 1), _BLOCK_ELEMENTS)
    while done < count:
        size = min(block, count - done)
        blocks = min(_CHUNK_BLOCKS, (count - done) // size)
        deltas, at = _read_blocks(data, at, end, (blocks, size, stride), version)
        chunk = elements[done : done + blocks * size]
        _undo_deltas(deltas, modes, baseline, chunk)
        baseline = chunk[-1]
        done += blocks * size
    if at != end:
        raise ValueError(f"{end - at} bytes more than the attributes need")
    return elements


def _read_blocks(
    data: Bytes, at: int, end: int, shape: tuple[int, int, int], version: int
) -> tuple[Bytes, int]:
    """Deltas of some blocks of the same size from a place on, and where they end.

    Args:
        shape: number of blocks, elements of each, and bytes of an element.

    Returns:
        (blocks * elements, stride) as stored, not yet summed up.
    """
    blocks, size, stride = shape
    groups = -(-size // _GROUP)
    # a group has at most 24 bytes, and what stands before the groups of a byte at most four more
    window = data[at : min(end, at + blocks * stride * (groups * 24 + 5))]
    starts, bits, used = _find_groups(window, shape, version)
    padded = np.concatenate([window, np.zeros(2 * _GROUP, np.uint8)])
    found = np.zeros((len(starts), _GROUP), np.uint8)
    for width in (1, 2, 4, 8):
        chosen = np.flatnonzero(bits == width)
        if len(chosen):
            found[chosen] = _unpack(padded, starts[chosen], width)
    deltas = found.reshape(blocks, stride, groups * _GROUP)[:, :, :size]
    return deltas.transpose(0, 2, 1).reshape(blocks * size, stride), at + used


def _find_groups(
    window: Bytes, shape: tuple[int, int, int], version: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Where the groups start, how many bits their deltas have, and where the last one ends."""
    blocks, size, stride = shape
    groups = -(-size // _GROUP)
    stored = window.tobytes()
    sizes = {bits: table.tobytes() for bits, table in _group_sizes(window).items()}
    sizes |= {0: bytes(len(stored) + 1), 8: bytes([16]) * (len(stored) + 1)}
    starts: list[int] = []
    bits: list[int] = []
    at = 0
    try:
        for _ in range(blocks):
            control = stored[at : at + stride // 4] if version else b""
            at += len(control)
            for byte in range(stride):
                mode = control[byte // 4] >> 2 * (byte % 4) & 3 if version else -1
                if mode == _NO_DATA:
                    starts += [0] * groups
                    bits += [0] * groups
                elif mode == _LITERAL:
                    starts += range(at, at + groups * _GROUP, _GROUP)
                    bits += [8] * groups
                    at += size
                else:
                    widths = _BITS_V1[mode] if version else _BITS_V0
                    header = int.from_bytes(stored[at : at + (groups + 3) // 4], "little")
                    at += (groups + 3) // 4
                    for _ in range(groups):
                        width = widths[header & 3]
                        header >>= 2
                        starts.append(at)
                        bits.append(width)
                        at += sizes[width][at]
    except IndexError:
        at = len(stored) + 1
    if at > len(stored):
        raise ValueError("the attributes end before the last element")
    return np.array(starts), np.array(bits), at


def _group_sizes(window: Bytes) -> dict[int, Bytes]:
    """The length of a group that starts at each place, for each number of bits of its deltas.

    It has those deltas, and one byte more for each sentinel among them.
    """
    values = np.arange(256, dtype=np.uint8)
    tables = {}
    for bits in (1, 2, 4):
        per_byte = [(values >> shift & (1 << bits) - 1) == (1 << bits) - 1 for shift in range(0, 8, bits)]
        sentinels = np.sum(per_byte, axis=0, dtype=np.uint8)[window]
        base = _BYTES_OF_BITS[bits]
        padded = np.concatenate([sentinels, np.zeros(base, np.uint8)])
        total = np.full(len(window) + 1, base, np.uint8)
        for place in range(base):
            total += padded[place : place + len(total)]
        tables[bits] = total
    return tables


def _unpack(window: Bytes, starts: NDArray[np.int64], bits: int) -> Bytes:
    """(groups, 16) deltas of groups whose deltas have this number of bits."""
    base = _BYTES_OF_BITS[bits]
    packed: Bytes = window[starts[:, None] + np.arange(base)]
    if bits == 8:
        return packed
    shifts = np.arange(0, 8, bits) if bits == 1 else np.arange(8 - bits, -1, -bits)
    most = (1 << bits) - 1
    deltas = (packed[:, :, None] >> shifts.astype(np.uint8) & most).reshape(-1, _GROUP)
    sentinel = deltas == most
    rank = np.cumsum(sentinel, axis=1) - 1
    unpacked: Bytes = np.where(sentinel, window[starts[:, None] + base + np.maximum(rank, 0)], deltas)
    return unpacked


def _undo_deltas(deltas: Bytes, modes: Bytes, baseline: Bytes, out: Bytes) -> None:
    """Sum up deltas, (n, stride), from a first element on."""
    for channel, mode in enumerate(modes.tolist()):
        place = np.s_[4 * channel : 4 * channel + 4]
        unit = {0: "<u1", 1: "<u2", 2: "<u4"}[mode & 15]
        steps = np.ascontiguousarray(deltas[:, place]).view(unit)
        first = np.ascontiguousarray(baseline[place]).view(unit)
        if mode & 15 == 2:
            turn = mode >> 4
            turned = steps >> turn | steps << (32 - turn & 31) if turn else steps
            values = np.bitwise_xor.accumulate(turned, axis=0) ^ first
        else:
            signed = steps >> 1 ^ -(steps & 1).astype(unit)  # the lowest bit is the sign
            values = np.cumsum(signed, axis=0, dtype=unit) + first
        out[:, place] = np.ascontiguousarray(values.astype(unit)).view(np.uint8)


# --- filters ---------------------------------------------------------------------------------------


def _undo_octahedral(elements: Bytes) -> NDArray[Any]:
    stored = elements.view("<i1" if elements.shape[1] == 4 else "<i2")
    most = np.iinfo(stored.dtype).max
    x, y = (stored[:, :2] / stored[:, 2:3].astype(np.float64)).T
    z = 1.0 - np.abs(x) - np.abs(y)
    fold = np.minimum(z, 0.0)
    unit = np.stack([x - np.copysign(fold, x), y - np.copysign(fold, y), z], axis=1)
    unit = np.nan_to_num(unit / np.linalg.norm(unit, axis=1, keepdims=True))
    out = stored.copy()
    out[:, :3] = np.rint(np.clip(unit, -1.0, 1.0) * most)
    return out


def _undo_quaternion(elements: Bytes) -> NDArray[Any]:
    stored = elements.view("<i2")
    one = (stored[:, 3:] | 3).astype(np.float64)
    xyz = stored[:, :3] / one * np.sqrt(0.5)
    w = np.sqrt(np.maximum(0.0, 1.0 - np.sum(xyz**2, axis=1, keepdims=True)))
    values = np.rint(np.clip(np.concatenate([w, xyz], axis=1), -1.0, 1.0) * 32767).astype("<i2")
    place = ((stored[:, 3:] & 3) + np.arange(4)) % 4  # of w, x, y and z
    out = stored.copy()
    np.put_along_axis(out, place.astype(np.int64), values, axis=1)
    return out


def _undo_exponential(elements: Bytes) -> NDArray[Any]:
    stored = elements.view("<i4")
    exponent = stored >> 24
    if (np.abs(exponent) > _MAX_EXPONENT).any():
        raise ValueError(f"the filter EXPONENTIAL has an exponent beyond {_MAX_EXPONENT}")
    return np.asarray(np.ldexp((stored << 8 >> 8).astype("<f4"), exponent))


def _undo_color(elements: Bytes) -> NDArray[Any]:
    unsigned = elements.view("<u1" if elements.shape[1] == 4 else "<u2")
    most = int(np.iinfo(unsigned.dtype).max)
    luma = unsigned[:, 0].astype(np.int64)
    orange, green = elements.view("<i1" if elements.shape[1] == 4 else "<i2")[:, 1:3].T.astype(np.int64)
    alpha = unsigned[:, 3].astype(np.int64)
    scale = (1 << np.frexp(alpha.astype(np.float64))[1]) - 1  # all bits up to the highest of alpha
    alpha &= scale >> 1
    alpha = alpha << 1 | alpha & 1
    rgba = np.stack([luma + orange - green, luma + green, luma - orange - green, alpha], axis=1)
    shown = np.clip(np.rint(rgba * (most / np.maximum(scale, 1))[:, None]), 0, most)
    return np.asarray(shown.astype(unsigned.dtype))


_FILTERS: dict[str, Callable[[Bytes], NDArray[Any]]] = {
    "OCTAHEDRAL": _undo_octahedral,
    "QUATERNION": _undo_quaternion,
    "EXPONENTIAL": _undo_exponential,
    "COLOR": _undo_color,
}


# --- indices ---------------------------------------------------------------------------------------


def _decode_indices(data: Bytes, count: int) -> NDArray[np.uint32]:
    """Indices of any topology: varints, each a step from one of two indices before it."""
    if data[0] != _INDICES_HEADER:
        raise ValueError(f"indices begin with the byte {data[0]:#04x}; expected {_INDICES_HEADER:#04x}")
    stored = data[1 : max(1, len(data) - 4)]
    ends = np.flatnonzero(stored < 0x80)
    if len(ends) != count or ends[-1] != len(stored) - 1:
        raise ValueError(f"{len(ends):,} indices; expected {count:,} and nothing behind them")
    starts = np.append(0, ends[:-1] + 1)
    lengths = ends - starts + 1
    if lengths.max() > _VARINT_BYTES:
        raise ValueError("an index of more than five bytes")
    values = np.zeros(count, np.uint64)
    for place in range(_VARINT_BYTES):
        there = lengths > place
        part = stored[starts[there] + place] & 0x7F
        values[there] |= part.astype(np.uint64) << np.uint64(7 * place)
    values = values.astype(np.uint32)
    steps = values >> 2 ^ -(values >> 1 & 1).astype(np.uint32)
    indices = np.empty(count, np.uint32)
    for baseline in (0, 1):
        mine = values & 1 == baseline
        indices[mine] = np.cumsum(steps[mine], dtype=np.uint32)
    return indices


class _Triangles:
    """The state of a triangle decoder: the latest edges and vertices."""

    def __init__(self, data: bytes, count: int) -> None:
        self.data = data
        self.at = 1 + count // 3  # of what codes need besides; its end is looked at once all are decoded
        self.next = 0
        self.last = 0
        self.edges: list[tuple[int, int]] = []
        self.vertices: list[int] = []

    def stored(self) -> int:
        """An index that is stored as a step from the last such one."""
        value = 0
        for shift in range(0, 7 * _VARINT_BYTES, 7):
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                value &= 0xFFFFFFFF
                step = value >> 1 ^ -(value & 1)  # the lowest bit is the sign
                self.last = self.last + step & 0xFFFFFFFF
                return self.last
        raise ValueError("an index of more than five bytes")

    def corner(self, number: int) -> int:
        """A corner by a number of four bits: a new vertex, a stored one, or one of the latest."""
        if number == 0:
            self.next += 1
            return self.next - 1
        return self.stored() if number == 15 else self.vertices[-number]


def _decode_triangles(data: bytes, count: int) -> NDArray[np.uint32]:
    """(count,) indices of triangles, most of which share an edge with one of the latest."""
    if data[0] != _TRIANGLES_HEADER:
        raise ValueError(f"triangles begin with the byte {data[0]:#04x}; expected {_TRIANGLES_HEADER:#04x}")
    state = _Triangles(data, count)
    end = len(data) - 16
    if end < state.at:
        least = state.at + 16
        raise ValueError(f"{len(data):,} bytes; expected at least {least:,} for {count // 3:,} triangles")
    table = data[end:]
    out = array("I")
    edges = state.edges
    try:
        for code in data[1 : 1 + count // 3]:
            if code < 0xF0:
                a, b = edges[-1 - (code >> 4)]
                c = _third_corner(state, code & 15)
                out.extend((a, b, c))
                edges += ((c, b), (a, c))
            else:
                out.extend(_whole_triangle(state, code, table))
            if len(edges) > 4096:
                del edges[:-16]
                del state.vertices[:-16]
    except IndexError as error:
        raise ValueError("triangles end early, or share what none of the latest has") from error
    if state.at != end:
        raise ValueError(f"the triangles need {state.at + 16:,} bytes; there are {len(data):,}")
    return np.array(out, np.uint32)


def _third_corner(state: _Triangles, number: int) -> int:
    """The corner of a triangle that is not on the edge which it shares."""
    if 0 < number < 13:
        return state.vertices[-1 - number]
    if number in (13, 14):
        found = state.last = state.last + (1 if number == 14 else -1) & 0xFFFFFFFF
    else:
        found = state.corner(number)
    state.vertices.append(found)
    return found


def _whole_triangle(state: _Triangles, code: int, table: bytes) -> tuple[int, int, int]:
    """A triangle that shares no edge with one of the latest."""
    corners = table[code & 15]
    if code >= 0xFE:
        corners = state.data[state.at]
        state.at += 1
        if corners == 0:
            state.next = 0
    second = corners >> 4
    third = corners & 15
    a = state.corner(15 if code == 0xFF else 0)
    b = state.corner(second)
    c = state.corner(third)
    state.edges += ((b, a), (c, b), (a, c))
    state.vertices.append(a)
    if second in (0, 15):
        state.vertices.append(b)
    if third in (0, 15):
        state.vertices.append(c)
    return a, b, c
