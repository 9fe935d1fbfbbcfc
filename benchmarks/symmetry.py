"""Are symmetric objects found out? `python benchmarks/symmetry.py FOLDER [--workers 2] [--sheet sheet.jpg]
[--json FILE]`.

FOLDER holds objects and a manifest.json: a list with `file` and `symmetric` of each, as a person judged it by
turning the object about the vertical. Prints how many of these the gate refuses as symmetric (recall), which
others it refuses too (false alarms), and what other thresholds would do. The verdicts are those of
`viewpoint100k objects check --render`.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.progress import track
from rich.table import Table

from viewpoint100k import objects as sources
from viewpoint100k.config import RunConfig
from viewpoint100k.inspection import Finding, Seen, draw_sheet, inspect_objects

THRESHOLDS = (0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.10)
NEAR = 2.0  # a threshold times so much, or over so much: worth a look


class Judged(NamedTuple):
    """One object that was probed, and what people say of it."""

    finding: Finding
    symmetric: bool

    @property
    def asymmetry(self) -> float:
        return self.finding.asymmetry if self.finding.asymmetry is not None else float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--sheet", type=Path, help="a contact sheet, as of `objects check`")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()

    config, truth = RunConfig(source=str(arguments.folder)), read_truth(arguments.folder)
    seen = inspect_folder(config, arguments.workers)
    judged = [Judged(each.finding, truth[each.finding.uid]) for each in seen if each.finding.uid in truth]
    probed = [each for each in judged if each.finding.asymmetry is not None]
    rows = [score(probed, threshold) for threshold in THRESHOLDS]
    report(judged, probed, rows, config.gates.min_asymmetry)
    if arguments.sheet:
        arguments.sheet.write_bytes(draw_sheet(seen, str(arguments.folder)))
    if arguments.json:
        findings = [{**each.finding.model_dump(), "symmetric": each.symmetric} for each in judged]
        arguments.json.write_text(json.dumps({"thresholds": rows, "objects": findings}, indent=1))


def read_truth(folder: Path) -> dict[str, bool]:
    """uid -> whether a person calls the object symmetric."""
    from viewpoint100k.objects.folder import assign_uids

    entries = json.loads((folder / "manifest.json").read_text("utf-8"))
    flags = {entry["file"]: bool(entry["symmetric"]) for entry in entries}
    uids = assign_uids(list(flags))
    return {uids[file]: flag for file, flag in flags.items()}


def inspect_folder(config: RunConfig, workers: int) -> list[Seen]:
    listing = sources.list_objects(config.source, wanted=1, seed=0, budgets=config.files)
    with tempfile.TemporaryDirectory() as scratch:
        rows = inspect_objects(config, listing, Path(scratch), workers=workers)
        total = len(listing.objects) + len(listing.rejects)
        return list(track(rows, "Probing objects", total=total, console=Console(stderr=True), transient=True))


def score(probed: list[Judged], threshold: float) -> dict[str, float]:
    """What refusing all objects of less asymmetry would find, and what it would cost."""
    low = [each for each in probed if each.asymmetry < threshold]
    wanted = sum(each.symmetric for each in probed)
    found = sum(each.symmetric for each in low)
    false = len(low) - found
    return {
        "threshold": threshold,
        "found": found,
        "recall": found / max(wanted, 1),
        "false alarms": false,
        "of the others": false / max(len(probed) - wanted, 1),
    }


def report(
    judged: list[Judged], probed: list[Judged], rows: list[dict[str, float]], threshold: float
) -> None:
    console = Console()
    confusion = Table("a person says", "symmetric", "ok", "refused otherwise", title="the gate says")
    for symmetric in (True, False):
        verdicts = [each.finding.verdict for each in judged if each.symmetric == symmetric]
        counts = [verdicts.count("symmetric"), verdicts.count("ok")]
        confusion.add_row(
            "symmetric" if symmetric else "not", *map(str, [*counts, len(verdicts) - sum(counts)])
        )
    console.print(confusion)

    sweep = Table(*rows[0], title=f"by asymmetry alone, {len(probed)} objects; the setting is {threshold}")
    for row in rows:
        sweep.add_row(*(f"{value:.2f}" if isinstance(value, float) else str(value) for value in row.values()))
    console.print(sweep)

    worth = [
        each
        for each in judged
        if each.symmetric
        or each.finding.verdict != "ok"
        or threshold / NEAR <= each.asymmetry < threshold * NEAR
    ]
    listed = Table(
        "object",
        "a person says",
        "verdict",
        "asymmetry",
        "folds",
        "reason",
        title="symmetric, refused or near",
    )
    for each in sorted(worth, key=lambda each: each.asymmetry):
        folds = ", ".join(f"{k}: {value:.2f}" for k, value in (each.finding.folds or {}).items())
        wrong = each.symmetric != (each.finding.verdict == "symmetric")
        listed.add_row(
            each.finding.uid,
            "symmetric" if each.symmetric else "not",
            f"[{'red' if wrong else 'green'}]{each.finding.verdict}[/]",
            f"{each.asymmetry:.3f}",
            folds,
            each.finding.reason,
        )
    console.print(listed)

    parts = ("import", "probes", "judge", "views")
    spent = {part: sum((each.finding.cpu_s or {}).get(part, 0.0) for each in probed) for part in parts}
    each_s = ", ".join(f"{part} {seconds / max(len(probed), 1):.2f}" for part, seconds in spent.items())
    console.print(f"CPU-s per object: {each_s}")


if __name__ == "__main__":
    main()
