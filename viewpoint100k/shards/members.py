"""The members of a tar: which there may be, and where each lies.

`tarfile` follows links and chains of headers, makes room for whatever size they name, and takes a damaged
header for the end; so only single headers are left to it.
"""

import os
import re
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from viewpoint100k.errors import InputError, one_line

MEMBER = re.compile(r"([A-Za-z0-9_\-]{1,90})\.(json|view_[0-3]\.jpg)")  # key and extension of a member's name
MOST_JSON_BYTES = 2 << 20  # of a sample; ours have 10 to 30 kB
MOST_PICTURE_BYTES = 32 << 20  # of a view, in JPEG; ours have 10 to 500 kB
MOST_REST_BYTES = 1 << 20  # behind the mark of a tar's end: it may be filled up to a large block
NOT_REGULAR = {
    tarfile.LNKTYPE: "a hard link",
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.DIRTYPE: "a folder",
    tarfile.FIFOTYPE: "a FIFO",
    tarfile.GNUTYPE_SPARSE: "a sparse file",
    tarfile.GNUTYPE_LONGNAME: "the header of a long name",
    tarfile.GNUTYPE_LONGLINK: "the header of a long link",
    tarfile.XGLTYPE: "a header for all members",
    tarfile.SOLARIS_XHDTYPE: "a header of Solaris",
}
MOST_PAX_BYTES = 4096  # of a second header with times and owners, which other writers leave
PAX_RECORD = re.compile(rb"\d{1,4} ([^=\n]+)=[^\n]*\n")
# what says nothing of the content
PAX_HARMLESS = frozenset({b"mtime", b"atime", b"ctime", b"uid", b"gid", b"uname", b"gname", b"comment"})


class Member(NamedTuple):
    """A regular member of a shard, and where it lies: all in bytes from the start of the file."""

    key: str
    extension: str  # json, view_0.jpg, view_1.jpg, ...
    start: int  # of its headers
    data: int  # of its content
    size: int  # of its content
    end: int  # where the next member starts

    @property
    def name(self) -> str:
        return f"{self.key}.{self.extension}"


class Header(NamedTuple):
    """What the header of a member says of it."""

    name: str
    size: int  # bytes
    kind: bytes  # tarfile.REGTYPE, ...


def members_of(file: BinaryIO, path: Path) -> Iterator[Member]:
    """The members of an open shard, in order; the caller may read one, and leave the file anywhere.

    Raises:
        InputError: not a whole tar file of members such as we write: names the file and the member.
    """
    whole = os.fstat(file.fileno()).st_size
    at = 0
    start = 0
    while (block := _header_block(file, path, at, whole)) is not None:
        header = _header(block, path, at)
        is_second = header.kind == tarfile.XHDTYPE and at == start  # two could as well be ten thousand
        name = None if is_second else _member_name(header, path)
        data = at + tarfile.BLOCKSIZE
        _check_size(header, path, data, whole)
        at = data + -(-header.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
        if name is None:
            file.seek(data)
            _check_pax(file.read(header.size), path, header.name)
        else:
            yield Member(name[1], name[2], start, data, header.size, at)
            start = at


def _header_block(file: BinaryIO, path: Path, at: int, whole: int) -> bytes | None:
    """The block at a place of the file where a header is due; None: it is the mark of the tar's end."""
    file.seek(at)
    block = file.read(tarfile.BLOCKSIZE)
    if len(block) < tarfile.BLOCKSIZE:
        raise InputError(
            f"{path} is not a whole tar file: it ends at byte {whole}, without the mark of its end"
        )
    if block[0] or any(block):
        return block
    if whole - at > MOST_REST_BYTES:
        raise InputError(f"{path} is not a whole tar file: {whole - at} bytes follow the mark of its end")
    return None


def _member_name(header: Header, path: Path) -> re.Match[str]:
    """Key and extension of a member, which must be a regular file with a name such as we write."""
    if header.kind not in (tarfile.REGTYPE, tarfile.AREGTYPE):
        what = NOT_REGULAR.get(header.kind, f"of the unknown kind {header.kind!a}")
        raise InputError(f"{path}: member {one_line(header.name)!a} is {what}; expected regular files alone")
    if (match := MEMBER.fullmatch(header.name)) is None:
        raise InputError(
            f"{path}: member {one_line(header.name)!a}: expected names such as train-00000-00003.json and "
            "train-00000-00003.view_0.jpg"
        )
    return match


def _check_size(header: Header, path: Path, data: int, whole: int) -> None:
    """A member's content, which starts at `data`, is no larger than it may be, and all there."""
    if header.kind == tarfile.XHDTYPE:
        most = MOST_PAX_BYTES
    elif header.name.endswith(".json"):
        most = MOST_JSON_BYTES
    else:
        most = MOST_PICTURE_BYTES
    if not 0 <= header.size <= most:
        raise InputError(
            f"{path}: member {one_line(header.name)!a} has {header.size} bytes; expected at most {most}"
        )
    if data + header.size > whole:
        raise InputError(
            f"{path} is not a whole tar file: it ends at byte {whole}, within the {header.size} bytes of "
            f"member {one_line(header.name)!a}"
        )


def read_member(file: BinaryIO, path: Path, member: Member) -> bytes:
    """The content of a member."""
    file.seek(member.data)
    data = file.read(member.size)
    if len(data) < member.size:
        raise InputError(f"{path} is not a whole tar file: it ends within member {member.name}")
    return data


def _header(block: bytes, path: Path, at: int) -> Header:
    """What a header says; one such as we write is read at a third of the cost."""
    kind = block[156:157]
    # a size beyond octal digits, or damage: the standard library reads it, or says what is wrong
    with suppress(ValueError):
        plain = kind == tarfile.REGTYPE and not block[345]
        if plain and int(block[148:156].strip(b" \0"), 8) == 256 + sum(block[:148]) + sum(block[156:]):
            name = block[:100].split(b"\0", 1)[0].decode("ascii")
            return Header(name, int(block[124:136].strip(b" \0"), 8), kind)
    try:
        info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.TarError, ValueError) as error:
        raise InputError(
            f"{path} is not a whole tar file: no header of a member at byte {at}: {error}"
        ) from error
    return Header(info.name, info.size, info.type)


def _check_pax(data: bytes, path: Path, name: str) -> None:
    """Let second headers pass that give a member times and owners, and none that give it anything else."""
    names = {record[1] for record in PAX_RECORD.finditer(data)}
    if sum(len(record[0]) for record in PAX_RECORD.finditer(data)) != len(data) or names - PAX_HARMLESS:
        raise InputError(
            f"{path}: member {one_line(name)!a} is a second header that says more than times and owners; "
            "expected plain members"
        )
