"""What it costs to open a gallery: `python benchmarks/gallery.py DATASET [DATASET ...] [--samples 2000
10000]`.

Needs Chromium. The samples of small rendered datasets are repeated under new keys, a gallery is written, and
Chromium opens it from the file system. CPU-seconds are those of all its processes, from an empty page until
the first picture is decoded; starting the browser itself is listed apart. Prints a table, writes
gallery.json, and with --shots saves pictures.
"""

import argparse
import itertools
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from viewpoint100k.gallery import write_gallery
from viewpoint100k.shards import StoredSample, iter_samples, write_shard

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.browser import Chromium, find_chromium

PER_SHARD = 500
FIRST_PICTURE = """new Promise((done) => {
  const look = () => {
    const picture = document.querySelector(".card img");
    if (picture) picture.decode().then(() => done(true)); else setTimeout(look, 20);
  };
  look();
})"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("datasets", type=Path, nargs="+")
    parser.add_argument("--samples", type=int, nargs="+", default=[2000, 10_000])
    parser.add_argument("--opened", type=int, default=3, help="so many times; the middle one counts")
    parser.add_argument("--shots", type=Path, help="a folder for pictures of what was opened")
    parser.add_argument("--json", type=Path, default=Path("gallery.json"))
    arguments = parser.parse_args()
    if find_chromium() is None:
        parser.error("Chromium is not installed: apt-get install chromium")
    small = [stored for dataset in arguments.datasets for stored in iter_samples(dataset)]
    rows = []
    for samples in arguments.samples:
        with tempfile.TemporaryDirectory() as scratch:
            rows.append(measure(small, samples, Path(scratch), arguments.opened, arguments.shots))
    table = Table("samples", *[name.replace("_", " ") for name in rows[0] if name != "samples"])
    for row in rows:
        table.add_row(*[f"{value:,}" if isinstance(value, int) else f"{value:.2f}" for value in row.values()])
    Console(width=160).print(table)
    arguments.json.write_text(json.dumps(rows, indent=1) + "\n")


def measure(
    small: list[StoredSample], samples: int, scratch: Path, opened: int, shots: Path | None
) -> dict[str, Any]:
    """Write a gallery of so many samples, and open it."""
    dataset, page = scratch / "dataset", scratch / "page.html"
    dataset.mkdir()
    repeat(small, samples, dataset, scratch)
    started, cpu_started = time.perf_counter(), time.process_time()
    written = write_gallery(dataset, page, limit=samples)
    row: dict[str, Any] = {
        "samples": written.samples,
        "page_MB": page.stat().st_size / 1e6,
        "all_MB": written.bytes / 1e6,
        "write_s": time.perf_counter() - started,
        "write_cpu_s": time.process_time() - cpu_started,
    }
    looks = [look(page, shots / f"{samples}-{i}.png" if shots else None) for i in range(opened)]
    for name in looks[0]:
        row[name] = statistics.median([one[name] for one in looks])
    return row


def repeat(small: list[StoredSample], samples: int, dataset: Path, scratch: Path) -> None:
    """The same samples again and again, with keys of their own."""
    total = -(-samples // PER_SHARD)
    endless = itertools.cycle(small)
    for number in range(total):
        count = min(PER_SHARD, samples - number * PER_SHARD)
        again = (
            stored._replace(key=f"train-{number:05d}-{i:05d}")
            for i, stored in enumerate(itertools.islice(endless, count))
        )
        write_shard(dataset / f"train-{number:05d}-of-{total:05d}.tar", scratch, again)


def rest(browser: Chromium) -> None:
    """Wait until the browser itself has started: half a second with hardly any work, 20 seconds at most."""
    for _ in range(40):
        before = browser.cpu_s()
        time.sleep(0.5)
        if browser.cpu_s() - before <= 0.03:
            return


def look(page: Path, shot: Path | None) -> dict[str, Any]:
    """Open a page, turn to another one, filter."""
    with Chromium(1360, 950) as browser:
        rest(browser)
        begun, began = browser.cpu_s(), time.perf_counter()
        browser.open(page.resolve().as_uri())
        browser.js(FIRST_PICTURE)
        first_s, first_cpu_s = time.perf_counter() - began, browser.cpu_s() - begun
        if shot:
            shot.parent.mkdir(parents=True, exist_ok=True)
            browser.screenshot(shot)
        rest(browser)
        before = browser.cpu_s()
        browser.js("document.querySelector('#next').click()")
        browser.js(FIRST_PICTURE)
        turned = browser.cpu_s() - before
        before = browser.cpu_s()
        browser.js(
            "(() => { const box = document.querySelector('#search'); box.value = 'desk';"
            " box.dispatchEvent(new Event('input')); })()"
        )
        browser.js(FIRST_PICTURE)
        searched = browser.cpu_s() - before
        heap = browser.call("Runtime.getHeapUsage")["usedSize"] / 1e6
        return {
            "browser_start_cpu_s": begun,
            "first_picture_cpu_s": first_cpu_s,
            "first_picture_s": first_s,
            "next_page_cpu_s": turned,
            "search_cpu_s": searched,
            "heap_MB": heap,
            "requests": len(browser.requests),
            "complaints": len(browser.complaints),
        }


if __name__ == "__main__":
    main()
