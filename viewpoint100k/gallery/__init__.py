"""One HTML page to look at a dataset: the pictures, the questions, and where the cameras stood.

The page makes no request to elsewhere. A small dataset is one file. A large one has its samples in a folder
beside the page, in scripts of a few samples each that the page loads when they are turned to: scripts,
because a page opened from a file system may load nothing else. Texts of objects come from strangers: they
travel as JSON and become text nodes.
"""

import base64
import filecmp
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import resources
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote

from viewpoint100k.errors import InputError
from viewpoint100k.gallery.cards import make_card
from viewpoint100k.gallery.summary import Summary, histogram, summarise
from viewpoint100k.pages import check_jinja, render
from viewpoint100k.records import FAMILIES, Question, Sample
from viewpoint100k.shards import StoredSample, in_sample, iter_samples, iter_stored, write_atomically

CHUNK = 20  # samples per script and per page of the page: turning to the next one loads about 0.7 MB
ONE_FILE = 300  # up to this many samples, all is in the page itself: about 10 MB
GOLDEN = 0.6180339887498949  # its multiples, modulo 1, fill an interval evenly and follow no period

FILTERS: dict[str, Callable[[Any], str]] = {
    "px": lambda value: f"{value:.1f}",
    "plain": lambda text: str(text).replace("_", " "),
}

Progress = Callable[[int, int], None]
T = TypeVar("T")


class Written(NamedTuple):
    """What `write_gallery` wrote."""

    samples: int  # shown
    total: int  # in the dataset
    folder: Path | None  # where the samples are, if not in the page itself
    bytes: int  # of page and folder


def write_gallery(
    dataset: Path, page: Path, *, limit: int = 2000, progress: Progress | None = None
) -> Written:
    """Write an HTML page that shows a dataset, and for more than `ONE_FILE` samples a folder beside it.

    The page is replaced in one step when all that it needs is there; what an earlier one had is removed.

    Args:
        dataset: the folder that holds the shards.
        page: the HTML file. `page.html` has its samples in `page_files/`.
        limit: the most samples to show, spread evenly over all; the figures at the top count every one.
        progress: called with (samples done, of).

    Raises:
        InputError: no dataset there, a picture that cannot be read, or the page cannot be written.
        MissingExtra: jinja2 is not installed.
    """
    if limit < 1:
        raise InputError(f"limit = {limit}: a gallery shows at least 1 sample")
    check_jinja()
    summary = summarise(stored.sample for stored in iter_samples(dataset))
    places = even_spread(summary.samples, limit)
    folder = page.with_name(f"{page.stem}_files")
    index = Index()
    chunks = _chunks(_counted(pick(iter_stored(dataset), places), len(places), progress), index)
    try:
        page.parent.mkdir(parents=True, exist_ok=True)
        version = ""
        size = 0
        if len(places) <= ONE_FILE:
            html = render_page(dataset.resolve().name, summary, index, list(chunks))
        else:
            version, size = _write_version(folder, chunks)
            html = render_page(dataset.resolve().name, summary, index, [], f"{folder.name}/{version}")
        write_atomically(page, html.encode())
        _remove_versions(folder, keep=version)
    except OSError as error:
        raise InputError(f"cannot write {page}: {error.strerror}; pass an HTML file you may write") from error
    beside = folder if len(places) > ONE_FILE else None
    return Written(len(places), summary.samples, beside, size + len(html.encode()))


def even_spread(total: int, limit: int) -> list[int]:
    """At most `limit` of the numbers 0..total-1: one from each of `limit` equal stretches, in order.

    Not every n-th: reversal twins lie side by side, and any even n would show one of the two directions only.
    """
    count = min(total, limit)
    edges = [i * total // count for i in range(count)] + [total] if count else []
    return [low + int((i * GOLDEN % 1) * (high - low)) for i, (low, high) in enumerate(pairwise(edges))]


def pick(samples: Iterable[T], places: Sequence[int]) -> Iterator[T]:
    """The samples at these places (ascending), reading no further than the last."""
    wanted = set(places)
    return (stored for i, stored in enumerate(islice(samples, max(places, default=-1) + 1)) if i in wanted)


def _counted(samples: Iterable[T], total: int, progress: Progress | None) -> Iterator[T]:
    for done, stored in enumerate(samples, 1):
        yield stored
        if progress is not None:
            progress(done, total)


# --- what the page knows of every sample ---------------------------------------------------------


class Index:
    """Columns to filter by, without pictures: about 60 bytes a sample.

    Names are written once and counted through.
    """

    def __init__(self) -> None:
        self.keys: list[str] = []
        names = ("family", "background", "split", "object", "kinds")
        self.columns: dict[str, list[int]] = {name: [] for name in names}
        self._names: dict[str, dict[Any, int]] = {
            "family": {},
            "background": {},
            "split": {},
            "kind": {},
            "kinds": {},
            "object": {},
        }
        self._objects: list[dict[str, str]] = []

    def add(self, key: str, sample: Sample) -> None:
        thing = sample.object
        self.keys.append(key)
        self.columns["family"].append(self._number("family", sample.family))
        self.columns["background"].append(self._number("background", sample.views[0].background))
        self.columns["split"].append(self._number("split", sample.split))
        self.columns["object"].append(self._number("object", thing.uid))
        if len(self._names["object"]) > len(self._objects):
            self._objects.append(
                {
                    "uid": thing.uid,
                    "title": thing.title or thing.uid,
                    "category": thing.category,
                    "author": thing.author,
                }
            )
        asked = tuple(sorted({self._number("kind", question.type) for question in sample.questions}))
        self.columns["kinds"].append(self._number("kinds", asked))

    def _number(self, names: str, name: Any) -> int:
        return self._names[names].setdefault(name, len(self._names[names]))

    def to_json(self) -> dict[str, Any]:
        """Numbers in `columns` count through the lists; `kinds` counts through sets of kinds."""
        return {
            "keys": self.keys,
            **self.columns,
            "names": {
                "family": list(self._names["family"]),
                "background": list(self._names["background"]),
                "split": list(self._names["split"]),
                "kind": list(self._names["kind"]),
                "object": self._objects,
            },
            "kind_sets": [list(kinds) for kinds in self._names["kinds"]],
        }


def _chunks(samples: Iterable[tuple[Path, StoredSample]], index: Index) -> Iterator[list[dict[str, Any]]]:
    """Cards, `CHUNK` at a time, each noted in the index."""
    cards: list[dict[str, Any]] = []
    for path, stored in samples:
        index.add(stored.key, stored.sample)
        with in_sample(path, stored.key):
            cards.append(make_card(stored))
        if len(cards) == CHUNK:
            yield cards
            cards = []
    if cards:
        yield cards


# --- files -------------------------------------------------------------------------------------

VERSION = re.compile(
    r"^[0-9a-f]{16}(\.\d+\.partial)?$"
)  # what we make in a page's folder, and nothing else there


def _write_version(folder: Path, chunks: Iterable[list[dict[str, Any]]]) -> tuple[str, int]:
    """Write the scripts into a folder named after what is in them, complete or not at all. (name, bytes)"""
    folder.mkdir(exist_ok=True)
    unfinished = folder / f"{'0' * 16}.{os.getpid()}.partial"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    digest = hashlib.sha256()
    size = 0
    try:
        for number, cards in enumerate(chunks):
            script = f"chunk({number},{to_json(cards)});\n".encode()
            digest.update(script)
            size += len(script)
            with open(unfinished / f"{number:05d}.js", "wb") as file:
                file.write(script)
                file.flush()
                os.fsync(file.fileno())
        version = digest.hexdigest()[:16]
        if not _same_files(unfinished, folder / version):
            shutil.rmtree(folder / version, ignore_errors=True)  # damaged since
            os.replace(unfinished, folder / version)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return version, size


def _same_files(one: Path, other: Path) -> bool:
    """Whether both folders hold the same files."""
    if not other.is_dir():
        return False
    names = sorted(path.name for path in one.iterdir())
    return names == sorted(path.name for path in other.iterdir()) and not any(
        filecmp.cmpfiles(one, other, names, shallow=False)[1:]
    )


def _remove_versions(folder: Path, *, keep: str) -> None:
    """Remove what earlier pages had; a browser's own `page_files/` of that name keeps what it holds."""
    if not folder.is_dir():
        return
    for old in folder.iterdir():
        if VERSION.match(old.name) and old.name != keep:
            shutil.rmtree(old)
    if not any(folder.iterdir()):
        folder.rmdir()


def to_json(value: Any) -> str:
    """JSON that may stand in a script: no `<`, so that no text of a stranger ends it."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace(
        "<", "\\u003c"
    )


# --- the page --------------------------------------------------------------------------------------


def render_page(
    name: str, summary: Summary, index: Index, chunks: Sequence[list[dict[str, Any]]], folder: str = ""
) -> str:
    """The page as text.

    Args:
        name: of the dataset, for the heading.
        summary: of the whole dataset.
        index: of the samples to show.
        chunks: their cards, where the page itself holds them.
        folder: where they are otherwise, from the page.
    """
    script = _asset("page.js")
    return render(
        _asset("page.html.j2"),
        FILTERS,
        name=name,
        summary=summary,
        histogram=histogram(summary.azimuth_changes_deg),
        shown=len(index.keys),
        families=FAMILIES,
        about={name: Question.model_fields[name].description for name in ("margin", "decidability")},
        own_style=_asset("page.css"),
        script=script,
        # The policy lets this script run and no other: a text that became an element by mistake would stay
        # dead
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        index=to_json({"chunk": CHUNK, "folder": quote(folder), "families": FAMILIES, **index.to_json()}),
        chunks=[to_json(cards) for cards in chunks],
    )


def _asset(name: str) -> str:
    return (resources.files("viewpoint100k.gallery") / name).read_text("utf-8")
