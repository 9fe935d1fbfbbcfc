"""Objaverse-XL as a source: which files of its annotation tables are used, and where each comes from.

The tables are those that `objaverse.xl` reads, with the columns fileIdentifier, source, license, fileType,
sha256 and metadata. Only files of glTF are used, whatever their source; each is held against its sha256.
"""

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

import numpy as np

from viewpoint100k.config import XL_PARTS, XL_TABLE
from viewpoint100k.errors import InputError, MissingExtra, one_line
from viewpoint100k.objects.annotations import read_index, read_tables, record_of
from viewpoint100k.objects.credit import licence_refusal, normalise_licence, plain_text
from viewpoint100k.objects.downloads import OURS, fetch_address, fetch_glb, from_hub
from viewpoint100k.objects.selection import Funnel, Lists, Row, choose
from viewpoint100k.objects.tables import MOST_BYTES, MOST_ROWS, file_digest
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
    "sketchfab": rf"^{_SKETCHFAB}[0-9a-f]{{32}}$",
    "smithsonian": rf"^{_SMITHSONIAN}[A-Za-z0-9_.~:/%\-]+$",
    "github": rf"^{_GITHUB}[A-Za-z0-9_.\-]+/[A-Za-z0-9_.\-]+/blob/[0-9a-f]{{40}}/[^?#\\\x00-\x1f]+$",
}
_MOST_METADATA = 100_000  # characters of one row that are read


class _Tables(NamedTuple):
    """The rows of glTF in some tables, and what else there is."""

    rows: Any  # an Arrow table
    types: Counter[str]  # of all rows, by their type
    files: dict[str, str]  # sha256 of each table


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
    left = sum(tables.types.values())
    funnel.step(f"objaverse-xl:{name}" if name in XL_PARTS else "rows of the table", left)
    others = Counter({kind: count for kind, count in tables.types.items() if kind not in FILE_TYPES})
    for kind, count in others.most_common(NAMED_TYPES):
        left -= count
        funnel.step(f"not {kind}, which is no glTF", left)
    if left > len(tables.rows):
        funnel.step("of no other type", len(tables.rows))
    rows = _known(tables.rows, funnel)
    uids = np.array(rows["uid"].to_pylist(), dtype=np.bytes_)
    places = np.random.default_rng(seed).permutation(len(uids))
    places = places[lists.by_uid(uids[places], funnel)]
    places = _allowed(rows, places, allow, funnel)
    folders = _folders(rows, places)
    there = np.array([place not in folders or folders[place] != "" for place in places], dtype=bool)
    if not there.all():
        places = places[there]
        funnel.step("of Sketchfab: in Objaverse's index", len(places))
    chosen = choose([Row(uids[place].decode(), "unknown") for place in places], lists, funnel, wanted)
    picked = [places[one.place] for one in chosen]
    records = _records(rows.take(picked).to_pylist(), [folders.get(place, "") for place in picked])
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
    if address.startswith(_SKETCHFAB):
        return fetch_glb(thing.path)
    addresses = [address]
    if address.startswith(_GITHUB):
        owner, repository, _, rest = address.removeprefix(_GITHUB).split("/", 3)
        rest = quote(rest)
        # files in Git's large file storage are at the second; at the first is a pointer to them
        addresses = [
            f"https://{host}/{owner}/{repository}/{rest}"
            for host in ("raw.githubusercontent.com", "media.githubusercontent.com/media")
        ]
    return fetch_address(addresses, thing.path, thing.record.sha256, max_bytes)


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


def _read_table(path: Path, types: Counter[str]) -> list[Any]:
    """The rows of glTF in one file; counts all of it by type."""
    pyarrow = _arrow()
    import pyarrow.compute as pc
    from pyarrow import parquet

    if not path.is_file() or path.suffix.lower() != ".parquet":
        raise InputError(
            f"objaverse-xl:{path}: expected {', '.join(XL_PARTS)}, or a Parquet file with the columns "
            f"{', '.join(COLUMNS)}"
        )
    if path.stat().st_size > MOST_BYTES:
        raise InputError(f"{path}: expected a file of at most {MOST_BYTES:,} bytes")
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


def _known(rows: Any, funnel: Funnel) -> Any:
    """The rows that say where a file is and what its hash is, each file once, sorted by their uids."""
    import pyarrow.compute as pc

    hashed = pc.match_substring_regex(rows["sha256"], "^[0-9a-f]{64}$")
    placed = None
    for source, pattern in _ADDRESSES.items():
        mine = pc.and_(
            pc.equal(rows["source"], source), pc.match_substring_regex(rows["fileIdentifier"], pattern)
        )
        placed = mine if placed is None else pc.or_(placed, mine)
    rows = rows.filter(pc.fill_null(pc.and_(hashed, placed), False))
    funnel.step("has a sha256 and an address of its source", len(rows))
    # an object of Sketchfab keeps the uid by which Objaverse, and labels of it, know it
    own = pc.utf8_slice_codeunits(rows["fileIdentifier"], -32)
    hashes = pc.utf8_slice_codeunits(rows["sha256"], 0, 32)
    uids = pc.if_else(pc.equal(rows["source"], "sketchfab"), own, hashes)
    rows = rows.append_column("uid", uids)
    rows = rows.sort_by([("sha256", "ascending"), ("source", "descending"), ("fileIdentifier", "ascending")])
    rows = rows.take(_firsts(rows["sha256"].to_pylist()))
    funnel.step("one of each sha256", len(rows))
    rows = rows.sort_by([("uid", "ascending")])
    return rows.take(_firsts(rows["uid"].to_pylist()))


def _firsts(names: Sequence[str]) -> list[int]:
    """Places in a sorted list where another name begins."""
    return [place for place, name in enumerate(names) if not place or names[place - 1] != name]


def _allowed(rows: Any, places: Any, allow: tuple[str, ...] | None, funnel: Funnel) -> Any:
    """The places whose licence may be used, in order."""
    spelt = rows["license"].take(places).to_pylist()
    refusals = {text: licence_refusal(normalise_licence(text or ""), allow) for text in set(spelt)}
    for place, text in zip(places, spelt, strict=True):
        if refusals[text]:
            funnel.drop("licence", rows["uid"][int(place)].as_py(), str(refusals[text]))
    kept = np.array([refusals[text] is None for text in spelt], dtype=bool)
    name = "licence: not no-derivatives" if allow is None else f"licence: {', '.join(allow)}"
    funnel.step(name, int(kept.sum()))
    return places[kept]


# --- objects --------------------------------------------------------------------------------------


def _folders(rows: Any, places: Any) -> dict[int, str]:
    """Of places with objects of Sketchfab, the folder of Objaverse that holds the file; empty: none does."""
    sources = rows["source"].take(places).to_pylist()
    mine = [int(place) for place, source in zip(places, sources, strict=True) if source == "sketchfab"]
    if not mine:
        return {}
    index = read_index()
    found = index.folder_of(np.array(rows["uid"].take(mine).to_pylist(), dtype=np.bytes_))
    return {
        place: index.names[folder] if folder >= 0 else "" for place, folder in zip(mine, found, strict=True)
    }


def _records(rows: Sequence[dict[str, Any]], folders: Sequence[str]) -> list[SourceObject]:
    """The objects of some rows; whom to thank for those of Sketchfab, Objaverse's annotations know."""
    needed = sorted({folder for folder in folders if folder})
    wanted = {row["uid"] for row, folder in zip(rows, folders, strict=True) if folder}
    annotations = dict[str, dict[str, Any]]()
    for folder in needed:
        table = read_tables([folder], ("tags", "categories"))
        annotations |= {row["uid"]: row for row in table.to_pylist() if row["uid"] in wanted}
    out = []
    for row, folder in zip(rows, folders, strict=True):
        sha256 = row["sha256"]
        licence = normalise_licence(row["license"] or "")
        if folder and row["uid"] in annotations:
            record = record_of(annotations[row["uid"]], "unknown")
        else:
            record = _credit(row)
        path = f"glbs/{folder}/{row['uid']}.glb"
        if not folder:  # in a folder of its own, for a .glTF file may name its neighbours
            path = f"{OURS}/xl/{sha256[:2]}/{sha256}/object.{row['fileType'].lower()}"
        facts = {"sha256": sha256, "licence": licence, "source_url": row["fileIdentifier"]}
        out.append(SourceObject(record=record.model_copy(update=facts), path=path))
    return out


def _credit(row: dict[str, Any]) -> ObjectRecord:
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
    return ObjectRecord(uid=row["uid"], category="unknown", title=title[:200], author=author)


def _arrow() -> Any:
    try:
        import pyarrow
    except ImportError as error:
        raise MissingExtra(
            "objaverse-xl: sources need pyarrow and objaverse: pip install 'viewpoint100k[objaverse]'"
        ) from error
    return pyarrow
