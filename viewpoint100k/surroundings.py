"""The user's own panoramas: they are found, checked before anything is rendered, hashed and credited.

A folder may have a manifest such as a folder of objects has, with author, licence and source of each file.
The same place in several sizes or formats, named as Poly Haven names them (`hall_1k.exr`, `hall_4k.hdr`), is
listed once.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from PIL import Image

from viewpoint100k.config import BUNDLED, FileBudgets, RenderConfig, RunConfig
from viewpoint100k.errors import InputError, MissingExtra, ObjectRefused
from viewpoint100k.objects.credit import licence_refusal, normalise_licence, plain_text
from viewpoint100k.objects.folder import assign_uids, file_sha256, open_inside, safe_uid
from viewpoint100k.objects.metadata import NOT_DESCRIBED, Described, read_metadata
from viewpoint100k.records import ObjectRecord, Panorama, Reject, ViewSet

SUFFIXES = (".exr", ".hdr", ".jpg", ".jpeg")  # the best first: a JPEG has no more light than its paper
CATEGORY = "panorama"
EXR_S = 120.0  # for reading one file; those of 8192 x 4096 pixels take seconds
SMALLEST_PX = 256  # wide: less is a blur
HEADER_BYTES = 8192  # of a Radiance file, in which its text must end
RESOLUTION = re.compile(rb"-Y (\d{1,7}) \+X (\d{1,7})$")
OF_A_SIZE = re.compile(r"_\d{1,2}k$", re.IGNORECASE)  # how names of files tell their resolution
LONGEST_RUN = 128  # of a packet of Radiance's run-length encoding; a larger count says that a run follows


class Facts(NamedTuple):
    """What a file's header says."""

    width: int
    height: int


def list_panoramas(config: RunConfig) -> tuple[list[Panorama], list[Reject]]:
    """All usable panoramas of `render.surroundings`, and the reasons why others are not usable.

    Raises:
        InputError: an entry is no folder, or none of its files can be used; says why.
    """
    allow = None if config.licences is None else tuple(config.licences)
    panoramas = list[Panorama]()
    rejects = list[Reject]()
    for number, entry in enumerate(config.render.surroundings):
        if entry == BUNDLED:
            continue
        folder = Path(entry)
        if not folder.is_dir():
            what = "is a file" if folder.exists() else "does not exist"
            raise InputError(
                f"render.surroundings: {entry} {what}; expected {BUNDLED} or a folder of "
                "equirectangular .hdr, .exr or .jpg files"
            )
        found, refused = _list_folder(folder, number, config.files, allow)
        if not found:
            why = f"; the first: {refused[0].reason}" if refused else ""
            raise InputError(f"render.surroundings: {entry} has no usable .hdr, .exr or .jpg panorama{why}")
        panoramas += found
        rejects += refused
    return _distinct(panoramas, rejects), rejects


def panorama_files(view_set: ViewSet, settings: RenderConfig) -> dict[str, str]:
    """Paths of the user's own panoramas that a visit shows, by the names of its lights.

    Raises:
        InputError: a file is gone, or has other bytes than when the run was planned.
    """
    out = dict[str, str]()
    for light in view_set.lights:
        panorama = light.panorama
        if panorama is None:
            continue
        folder = Path(settings.surroundings[panorama.folder])
        try:
            path = open_inside(folder, panorama.path)
            digest = _digest(path, path.stat().st_mtime_ns)
        except ObjectRefused as refusal:
            raise InputError(f"panorama {folder / panorama.path}: {refusal}") from refusal
        if digest != panorama.record.sha256:
            raise InputError(
                f"panorama {folder / panorama.path} has other bytes than when the run was planned: put the "
                f"file "
                "back, or begin another run"
            )
        out[light.name] = str(path.resolve())
    return out


@lru_cache(4096)
def _digest(path: Path, changed_ns: int) -> str:
    """SHA-256 of a file as it was when it was last changed."""
    return file_sha256(path)


def _distinct(panoramas: list[Panorama], rejects: list[Reject]) -> list[Panorama]:
    """Panoramas in the order of their hashes, without those whose bytes an earlier one has."""
    kept = dict[str, Panorama]()
    for panorama in panoramas:
        record = panorama.record
        twin = kept.setdefault(record.sha256, panorama)
        if twin is not panorama:
            reason = f"{panorama.path}: same bytes as {twin.path}"
            rejects.append(Reject(uid=record.uid, stage="list", reason=reason))
    return [kept[digest] for digest in sorted(kept)]


def _list_folder(
    folder: Path, number: int, budgets: FileBudgets, allow: tuple[str, ...] | None
) -> tuple[list[Panorama], list[Reject]]:
    names = sorted(_names(folder))
    uids = assign_uids(names)
    _, entries = read_metadata(folder)
    found = list[Panorama]()
    rejects = list[Reject]()
    for place, files in sorted(_by_place(names).items()):
        usable = False
        for name in files:
            try:
                if usable:
                    raise ObjectRefused(f"shows the same place as {found[-1].path}, by its name")
                entry = _entry(entries, name)
                digest = check_panorama(folder, name, entry, budgets, allow)
            except ObjectRefused as refusal:
                reason = f"{plain_text(name)}: {refusal}"
                rejects.append(Reject(uid=uids[name], stage="check", reason=reason))
                continue
            usable = True
            record = _record(entry, f"{safe_uid(place)[:60]}-{digest[:8]}", digest)
            found.append(Panorama(record=record, folder=number, path=name))
    return found, rejects


def _names(folder: Path) -> Iterator[str]:
    """Relative paths of the panoramas below a folder. Links to folders are not followed."""
    for parent, _, files in os.walk(folder):
        for file in files:
            if file.lower().endswith(SUFFIXES):
                yield Path(parent, file).relative_to(folder).as_posix()


def _by_place(names: list[str]) -> dict[str, list[str]]:
    """Names of files by the place that they show, the best first: by format, then by resolution."""
    out = dict[str, list[str]]()
    for name in names:
        out.setdefault(OF_A_SIZE.sub("", PurePosixPath(name).stem), []).append(name)

    def quality(name: str) -> tuple[int, int]:
        size = OF_A_SIZE.search(PurePosixPath(name).stem)
        thousands = int(size.group()[1:-1]) if size else 0
        return SUFFIXES.index(PurePosixPath(name).suffix.lower()), -thousands

    return {place: sorted(files, key=quality) for place, files in out.items()}


def _entry(entries: dict[str, Described], name: str) -> Described:
    """What the folder's manifest says of a file: by its path, its name, or these without suffix and size."""
    path = PurePosixPath(name)
    keys = [name, path.name, str(path.with_suffix("")), path.stem, OF_A_SIZE.sub("", path.stem)]
    return next((entries[key] for key in keys if key in entries), NOT_DESCRIBED)


def _record(entry: Described, uid: str, digest: str) -> ObjectRecord:
    return entry.record(uid, digest, CATEGORY).model_copy(update={"category": CATEGORY})


def check_panorama(
    folder: Path, name: str, entry: Described, budgets: FileBudgets, allow: tuple[str, ...] | None
) -> str:
    """Check that a file of a folder is a complete equirectangular picture within the budgets.

    Returns:
        Its sha256.

    Raises:
        ObjectRefused: it is not, or its licence is not allowed; says why.
        MissingExtra: reading .exr files needs a package that is not installed.
    """
    if any("\ud800" <= character <= "\udfff" for character in name):
        raise ObjectRefused("its name is not UTF-8 and cannot be written into a plan; rename it")
    refusal = licence_refusal(normalise_licence(entry.licence), allow)
    if refusal:
        raise ObjectRefused(refusal)
    path = open_inside(folder, name)
    size = path.stat().st_size
    if size > budgets.max_bytes:
        raise ObjectRefused(f"has {size:,} bytes; expected at most {budgets.max_bytes:,}")
    read = {".hdr": _check_radiance, ".exr": _check_exr}.get(path.suffix.lower(), _check_jpeg)
    read(path, budgets)
    digest = file_sha256(path)
    if entry.sha256 not in ("", digest):
        raise ObjectRefused(f"its sha256 is {digest}, the manifest says {entry.sha256}; get the file again")
    return digest


def _check_size(facts: Facts, budgets: FileBudgets) -> None:
    """Check the facts of a header before anything is decoded."""
    width, height = facts
    if width * height > budgets.max_panorama_pixels:
        raise ObjectRefused(
            f"has {width:,} x {height:,} = {width * height:,} pixels; expected at most "
            f"{budgets.max_panorama_pixels:,} (files.max_panorama_pixels)"
        )
    if width != 2 * height or width < SMALLEST_PX:
        raise ObjectRefused(
            f"is {width} x {height} pixels; an equirectangular panorama is twice as wide as high, and at "
            f"least {SMALLEST_PX} wide"
        )


def _check_radiance(path: Path, budgets: FileBudgets) -> None:
    """Check that a Radiance file is complete; its format has no infinite or NaN values."""
    data = path.read_bytes()
    head = data[:HEADER_BYTES]
    if not head.startswith((b"#?RADIANCE", b"#?RGBE")):
        raise ObjectRefused("is called .hdr and does not begin as a Radiance file does (#?RADIANCE)")
    text, blank, rest = head.partition(b"\n\n")
    size = RESOLUTION.match(rest.partition(b"\n")[0])
    if not blank or size is None:
        raise ObjectRefused("its header does not end with a line such as -Y 1024 +X 2048")
    if b"FORMAT=32-bit_rle_rgbe" not in text.splitlines():
        raise ObjectRefused("its header does not say FORMAT=32-bit_rle_rgbe, the format that is read")
    facts = Facts(int(size.group(2)), int(size.group(1)))
    _check_size(facts, budgets)
    start = len(text) + len(blank) + size.end() + 1
    whole = _scanlines(data, start, facts)
    if whole < facts.height:
        raise ObjectRefused(f"is truncated or damaged: line {whole} of {facts.height} cannot be read")


def _scanlines(data: bytes, at: int, facts: Facts) -> int:
    """How many lines of pixels are whole, run-length encoded or not, from a place in the file on."""
    for line in range(facts.height):
        head = data[at : at + 4]
        packed = head[:2] == b"\x02\x02" and len(head) == 4 and head[2] < LONGEST_RUN
        if not packed:
            left = (facts.height - line) * facts.width * 4
            return facts.height if len(data) - at >= left else line + (len(data) - at) // (4 * facts.width)
        if int.from_bytes(head[2:], "big") != facts.width:
            return line
        at = _after_packets(data, at + 4, facts.width)
        if at > len(data):
            return line
    return facts.height


def _after_packets(data: bytes, at: int, width: int) -> int:
    """Where the four channels of a line end; beyond the end of the data if they are not whole."""
    beyond = len(data) + 1
    for _ in range(4):
        column = 0
        while column < width:
            if at >= len(data):
                return beyond
            count = data[at]
            run = count > LONGEST_RUN
            length = count - LONGEST_RUN if run else count
            if length == 0 or column + length > width:
                return beyond
            column += length
            at += 2 if run else 1 + length
    return at


# In a process of its own: the library is C++, prints what it finds, and the file may be anything.
READ_EXR = """
import json, sys
import numpy as np
import OpenEXR

path, most = sys.argv[1], int(sys.argv[2])
with OpenEXR.File(path, header_only=True) as file:
    low, high = file.header()["dataWindow"]
facts = {"width": int(high[0]) - int(low[0]) + 1, "height": int(high[1]) - int(low[1]) + 1}
if 0 < facts["width"] * facts["height"] <= most:
    with OpenEXR.File(path) as file:
        channels = {name: channel.pixels for name, channel in file.channels().items()}
    light = [pixels for name, pixels in channels.items() if name in {"RGB", "RGBA", "R", "G", "B"}]
    facts["channels"] = sorted(channels)
    facts["values"] = sum(pixels.size for pixels in light)
    facts["not_finite"] = sum(int(np.count_nonzero(~np.isfinite(pixels))) for pixels in light)
    facts["negative"] = any(bool((pixels < 0).any()) for pixels in light)
print("##" + json.dumps(facts))
"""


def _check_exr(path: Path, budgets: FileBudgets) -> None:
    """Check an OpenEXR file by decoding it, because it may hold infinite or NaN values."""
    if find_spec("OpenEXR") is None:
        raise MissingExtra("reading .exr panoramas needs OpenEXR: pip install 'viewpoint100k[panoramas]'")
    command = [sys.executable, "-c", READ_EXR, str(path), str(budgets.max_panorama_pixels)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=EXR_S)
    except subprocess.TimeoutExpired as error:
        raise ObjectRefused(f"is not read within {EXR_S:.0f} s") from error
    answer = [line for line in done.stdout.splitlines() if line.startswith("##")]
    if not answer:
        said = (done.stderr.strip().splitlines() or [f"the reader ended with code {done.returncode}"])[-1]
        raise ObjectRefused(f"is not a whole OpenEXR file: {plain_text(said)[:200]}")
    facts = json.loads(answer[-1][2:])
    _check_size(Facts(facts["width"], facts["height"]), budgets)
    if not facts["values"]:
        raise ObjectRefused(f"has the channels {', '.join(facts['channels'])[:80]}; expected R, G and B")
    if facts["not_finite"]:
        wrong = facts["not_finite"]
        raise ObjectRefused(f"{wrong:,} of its {facts['values']:,} values are not finite numbers")
    if facts["negative"]:
        raise ObjectRefused("holds negative light")


def _check_jpeg(path: Path, budgets: FileBudgets) -> None:
    """Check a JPEG by decoding it, because a truncated one has an intact header."""
    try:
        with Image.open(path, formats=["JPEG"]) as picture:
            _check_size(Facts(*picture.size), budgets)
            picture.convert("RGB")
    except Image.DecompressionBombError as error:
        raise ObjectRefused(
            f"has too many pixels; expected at most {budgets.max_panorama_pixels:,} "
            f"(files.max_panorama_pixels): {plain_text(str(error))[:60]}"
        ) from error
    except (OSError, SyntaxError, ValueError) as error:
        raise ObjectRefused(f"is not a whole JPEG: {plain_text(str(error))[:200]}") from error
