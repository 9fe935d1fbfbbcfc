"""Objaverse-XL as a source: which files of its annotation tables are used, and where each comes from.

The tables are those that `objaverse.xl` reads, with the columns fileIdentifier, source, license, fileType,
sha256 and metadata. Only files of glTF are used, whatever their source; each is held against its sha256.
"""

import json
import re
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

import numpy as np

from viewpoint100k.config import XL_PARTS, XL_TABLE
from viewpoint100k.errors import InputError, MissingExtra, ObjectRefused, one_line
from viewpoint100k.objects.annotations import read_index, read_tables, record_of
from viewpoint100k.objects.credit import licence_refusal, normalise_licence, plain_text
from viewpoint100k.objects.downloads import OURS, fetch_address, from_hub
from viewpoint100k.objects.objaverse import fetch_objaverse
from viewpoint100k.objects.selection import MOST_REJECTS, Funnel, Lists, Row, choose
from viewpoint100k.objects.tables import MOST_BYTES, MOST_ROWS, Mask, Uids, file_digest
from viewpoint100k.records import ObjectRecord, SourceObject

REPOSITORY = "allenai/objaverse-xl"
COLUMNS = ("fileIdentifier", "source", "license", "fileType", "sha256")
FILE_TYPES = ("glb", "gltf")
NAMED_TYPES = 20  # other types that the funnel counts one by one
_BATCH = 65_536  # rows
_SKETCHFAB = "https://sketchfab.com/3d-models/"
_SMITHSONIAN = "https://3d-api.si.edu/"
_GITHUB = "https://github.com/"
# what an identifier has to look like, by its source: a stranger's table names no other place to fetch from
_ADDRESSES = {
    "sketchfab": rf"{_SKETCHFAB}[0-9a-f]{{32}}",
    "smithsonian": rf"{_SMITHSONIAN}[A-Za-z0-9_.~:/%\-]+",
    "github": rf"{_GITHUB}[A-Za-z0-9_.\-]+/[A-Za-z0-9_.\-]+/blob/[0-9a-f]{{40}}/[^?#\\\x00-\x1f]+",
}
_NOT_THERE = -1
_MOST_METADATA = 100_000  # characters of one row that are read


class _Tables(NamedTuple):
    """The rows of glTF in some tables, and what else there is."""

    rows: Any  # an Arrow table
    types: Counter[str]  # of all rows, by their type
    files: dict[str, str]  # sha256 of each table


def _count_other_types(types: Counter[str], usable: int, funnel: Funnel) -> None:
    """Say how many rows are of types that are no glTF: of the most frequent by name, of the others in one."""
    left = sum(types.values())
    others = Counter({kind: count for kind, count in types.items() if kind not in FILE_TYPES})
    for kind, count in others.most_common(NAMED_TYPES):
        left -= count
        funnel.step(f"not {kind}, which is no glTF", left)
    if left > usable:
        funnel.step("of no other type", usable)


def list_xl(
    name: str, wanted: int, seed: int, lists: Lists, allow: tuple[str, ...] | None = None
) -> tuple[list[SourceObject], Funnel, dict[str, str]]:
    """`wanted` objects in an order that only the seed decides, and what became of the others.

    Args:
        name: one of `XL_PARTS`, or a Parquet file with the same columns.

    Returns:
        The objects, the funnel, and the sha256 of each table.

    Raises:
        InputError: a table cannot be had, or is of another layout.
    """
    tables = _read(name)
    funnel = Funnel()
    funnel.step(
        f"objaverse-xl:{name}" if name in XL_PARTS else "rows of the table", sum(tables.types.values())
    )
    _count_other_types(tables.types, len(tables.rows), funnel)
    files = _known(tables.rows, funnel)
    places = np.random.default_rng(seed).permutation(len(files.uids))
    places = places[lists.by_uid(files.uids[places], funnel)]
    places = _allowed(tables.rows, files, places, allow, funnel)
    folders, names = _folders(files, places, funnel)
    places = places[folders != _NOT_THERE]
    if lists.groups is None:
        places = places[:wanted]  # the first are used, whatever the others are
    folders = folders[folders != _NOT_THERE][: len(places)]
    chosen = choose([Row(files.uids[place].decode(), "unknown") for place in places], lists, funnel, wanted)
    picked = [one.place for one in chosen]
    rows = tables.rows.take(files.rows[places[picked]]).to_pylist()
    uids = [files.uids[place].decode() for place in places[picked]]
    records = _records(rows, uids, [names[number] for number in folders[picked]])
    objects = [
        thing.model_copy(update={"kin": one.kin}) if one.kin else thing
        for thing, one in zip(records, chosen, strict=True)
    ]
    return objects, funnel, tables.files


def fetch_xl(thing: SourceObject, max_bytes: int) -> Path:
    """The object's file in the cache, downloaded if it is not there.

    Args:
        max_bytes: of a file; a longer one is not downloaded to its end.

    Raises:
        ObjectRefused: it cannot be downloaded, or is not the file that the tables mean.
        InputError: no network.
    """
    address = thing.record.source_url
    sha256 = thing.record.sha256
    known = any(re.fullmatch(pattern, address) for pattern in _ADDRESSES.values())
    if address.startswith(_SKETCHFAB) and known:
        return fetch_objaverse(thing)
    # a plan is a file, too, and names no other place to fetch from or to write to
    if not known or thing.path not in [_place(sha256, kind) for kind in FILE_TYPES]:
        raise ObjectRefused(f"Objaverse-XL has no file {one_line(address, 200)} for {thing.record.uid}")
    addresses = [address]
    if address.startswith(_GITHUB):
        owner, repository, _, rest = address.removeprefix(_GITHUB).split("/", 3)
        rest = quote(rest)
        # files in Git's large file storage are at the second; at the first is a pointer to them
        addresses = [
            f"https://{host}/{owner}/{repository}/{rest}"
            for host in ("raw.githubusercontent.com", "media.githubusercontent.com/media")
        ]
    return fetch_address(addresses, thing.path, sha256, max_bytes)


def _place(sha256: str, kind: str) -> str:
    """Where a file is in the cache: in a folder of its own, for a .gltf may name its neighbours."""
    return f"{OURS}/xl/{sha256[:2]}/{sha256}/object.{kind}"


# --- tables ---------------------------------------------------------------------------------------


def _read(name: str) -> _Tables:
    """Rows of glTF of all tables that a name stands for."""
    pyarrow = _arrow()
    parts = {"all": [part for part in XL_PARTS if part != "all"]}.get(name, [name])
    paths = [
        from_hub(REPOSITORY, f"{part}/{part}.parquet") if part in XL_PARTS else Path(part) for part in parts
    ]
    kept = []
    types = Counter[str]()
    for path in paths:
        kept += _read_table(path, types)
    rows = pyarrow.concat_tables(kept)
    names = [f"objaverse-xl:{part}" if part in XL_PARTS else XL_TABLE for part in parts]
    digests = [file_digest(path) for path in paths]
    return _Tables(rows, types, dict(zip(names, digests, strict=True)))


def _check_file(path: Path) -> None:
    if not path.is_file() or path.suffix.lower() != ".parquet":
        raise InputError(
            f"objaverse-xl:{path}: expected {', '.join(XL_PARTS)}, or a Parquet file with the columns "
            f"{', '.join(COLUMNS)}"
        )
    if path.stat().st_size > MOST_BYTES:
        raise InputError(f"{path}: expected a file of at most {MOST_BYTES:,} bytes")


def _read_table(path: Path, types: Counter[str]) -> list[Any]:
    """The rows of glTF in one file; counts all of it by type."""
    pyarrow = _arrow()
    import pyarrow.compute as pc
    from pyarrow import parquet

    _check_file(path)
    text = pyarrow.large_string()
    kept = [pyarrow.table({name: pyarrow.array([], text) for name in (*COLUMNS, "metadata")})]
    try:
        with parquet.ParquetFile(path) as file:
            missing = [name for name in COLUMNS if name not in file.schema_arrow.names]
            if missing:
                raise InputError(
                    f"{path} has no column {missing[0]}: expected a table of Objaverse-XL with "
                    f"{', '.join(COLUMNS)}"
                )
            if file.metadata.num_rows > MOST_ROWS:
                raise InputError(f"{path} has more than {MOST_ROWS:,} rows")
            columns = [name for name in (*COLUMNS, "metadata") if name in file.schema_arrow.names]
            for batch in file.iter_batches(batch_size=_BATCH, columns=columns):
                table = pyarrow.Table.from_batches([batch])
                table = pyarrow.table({name: table[name].cast(text) for name in columns})
                kinds = pc.utf8_lower(pc.fill_null(table["fileType"], "unknown"))
                for count in pc.value_counts(kinds).to_pylist():
                    types[plain_text(count["values"])[:20] or "unknown"] += count["counts"]
                table = table.filter(pc.is_in(kinds, pyarrow.array(FILE_TYPES, text)))
                if "metadata" not in columns:
                    table = table.append_column("metadata", pyarrow.nulls(len(table), text))
                kept.append(table)
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(
            f"{path} is not a Parquet file of Objaverse-XL: {one_line(str(error), 100)}"
        ) from error
    return kept


class _Files(NamedTuple):
    """Files that may be used, each once, sorted by their uids."""

    rows: Any  # (n,) of each, a row of the tables
    uids: Uids  # (n,)
    on_sketchfab: Mask  # (n,)


def _known(rows: Any, funnel: Funnel) -> _Files:
    """The files of which a table says where they are and what their hash is.

    By numbers of rows and by hashes of fixed length: the tables have millions of rows.
    """
    import pyarrow.compute as pc

    hashed = pc.match_substring_regex(rows["sha256"], "^[0-9a-f]{64}$")
    mine = {
        source: pc.and_(
            pc.equal(rows["source"], source), pc.match_substring_regex(rows["fileIdentifier"], f"^{pattern}$")
        )
        for source, pattern in _ADDRESSES.items()
    }
    usable = {source: _mask(pc.and_(hashed, where)) for source, where in mine.items()}
    numbers = np.flatnonzero(np.any(list(usable.values()), axis=0))
    funnel.step("has a sha256 and an address of its source", len(numbers))
    hashes = _fixed(rows["sha256"].take(numbers), 64)
    elsewhere = ~usable["sketchfab"][numbers]
    first = _firsts(hashes, np.lexsort((elsewhere, hashes)))  # whom to thank is best known of Sketchfab's
    funnel.step("one of each sha256", len(first))
    numbers = numbers[first]
    uids = hashes[first].astype("S32")
    on_sketchfab = ~elsewhere[first]
    # an object of Sketchfab keeps the uid by which Objaverse, and labels of it, know it
    own = pc.utf8_slice_codeunits(rows["fileIdentifier"].take(numbers[on_sketchfab]), -32)
    uids[on_sketchfab] = _fixed(own, 32)
    first = _firsts(uids, np.argsort(uids, kind="stable"))
    return _Files(numbers[first], uids[first], on_sketchfab[first])


def _mask(column: Any) -> Mask:
    return np.asarray(column.fill_null(False).to_numpy(zero_copy_only=False), dtype=bool)


def _fixed(column: Any, width: int) -> Uids:
    """(n,) texts of a column, all of which have as many ASCII characters."""
    array = column.combine_chunks()
    if not len(array):
        return np.array([], dtype=f"S{width}")
    _, offsets, data = array.buffers()
    start = int(np.frombuffer(offsets, np.int64)[array.offset])
    return np.frombuffer(data, f"S{width}", count=len(array), offset=start)


def _firsts(names: Uids, order: Any) -> Any:
    """Of places in an order that sorts some names, those where another name begins."""
    inorder = names[order]
    return order[np.concatenate([[True], inorder[1:] != inorder[:-1]])[: len(order)]]


def _allowed(rows: Any, files: _Files, places: Any, allow: tuple[str, ...] | None, funnel: Funnel) -> Any:
    """The places whose licence may be used, in order."""
    import pyarrow.compute as pc

    spelt = pc.fill_null(rows["license"].take(files.rows[places]), "").combine_chunks().dictionary_encode()
    refusals = [licence_refusal(normalise_licence(text), allow) for text in spelt.dictionary.to_pylist()]
    of_each = spelt.indices.to_numpy(zero_copy_only=False)
    kept = np.array([refusal is None for refusal in refusals] or [True])[of_each]
    for place in np.flatnonzero(~kept)[:MOST_REJECTS]:
        funnel.drop("licence", files.uids[places[place]].decode(), str(refusals[of_each[place]]))
    name = "licence: not no-derivatives" if allow is None else f"licence: {', '.join(allow)}"
    funnel.step(name, int(kept.sum()))
    return places[kept]


# --- objects --------------------------------------------------------------------------------------


def _folders(files: _Files, places: Any, funnel: Funnel) -> tuple[Any, list[str]]:
    """Which folder of Objaverse holds each object of Sketchfab.

    Returns:
        (n,) places among the names, which are of folders; the first name is empty, for files of other
        sources. `_NOT_THERE`: no folder holds it.
    """
    mine = files.on_sketchfab[places]
    found = np.zeros(len(places), np.int64)
    if not mine.any():
        return found, [""]
    index = read_index()
    folders = index.folder_of(files.uids[places[mine]])
    found[mine] = np.where(folders >= 0, folders + 1, _NOT_THERE)
    if (found == _NOT_THERE).any():
        funnel.step("of Sketchfab: in Objaverse's index", int((found != _NOT_THERE).sum()))
    return found, ["", *index.names]


def _records(
    rows: Sequence[dict[str, Any]], uids: Sequence[str], folders: Sequence[str]
) -> list[SourceObject]:
    """The objects of some rows; whom to thank for those of Sketchfab, Objaverse's annotations know."""
    needed = sorted({folder for folder in folders if folder})
    wanted = {uid for uid, folder in zip(uids, folders, strict=True) if folder}
    annotations = dict[str, dict[str, Any]]()
    for folder in needed:
        table = read_tables([folder], ("tags", "categories"))
        annotations |= {row["uid"]: row for row in table.to_pylist() if row["uid"] in wanted}
    out = []
    for row, uid, folder in zip(rows, uids, folders, strict=True):
        sha256 = row["sha256"]
        licence = normalise_licence(row["license"] or "")
        if folder and uid in annotations:
            record = record_of(annotations[uid], "unknown")
        else:
            record = _credit(row, uid)
        path = f"glbs/{folder}/{uid}.glb" if folder else _place(sha256, row["fileType"].lower())
        facts = {"sha256": sha256, "licence": licence, "source_url": row["fileIdentifier"]}
        out.append(SourceObject(record=record.model_copy(update=facts), path=path))
    return out


def _credit(row: dict[str, Any], uid: str) -> ObjectRecord:
    """Whom to thank: of a file on GitHub its owner."""
    facts = dict[str, Any]()
    with suppress(ValueError, RecursionError):
        facts = json.loads((row["metadata"] or "{}")[:_MOST_METADATA])
    named = plain_text(facts.get("title")) if isinstance(facts, dict) else ""
    address = row["fileIdentifier"]
    author = {"smithsonian": "Smithsonian Institution"}.get(row["source"], "unknown")
    if row["source"] == "github":
        author = address.removeprefix(_GITHUB).split("/")[0]
    title = named or plain_text(PurePosixPath(unquote(address)).stem)
    return ObjectRecord(uid=uid, category="unknown", title=title[:200], author=author)


def _arrow() -> Any:
    try:
        import pyarrow
    except ImportError as error:
        raise MissingExtra(
            "objaverse-xl: sources need pyarrow and objaverse: pip install 'viewpoint100k[objaverse]'"
        ) from error
    return pyarrow
