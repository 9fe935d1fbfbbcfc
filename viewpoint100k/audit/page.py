"""Writes the audit as one HTML page: verdicts, charts, and the samples that failed a probe."""

import base64
import io
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from viewpoint100k.audit import charts
from viewpoint100k.audit.report import AuditReport, Probe
from viewpoint100k.errors import InputError
from viewpoint100k.pages import asset, check_jinja, render
from viewpoint100k.records import Sample
from viewpoint100k.shards import StoredSample, iter_samples, write_atomically

TEMPLATE = "audit.html.j2"
MOST_EXAMPLES = 36
EXAMPLES_PER_PROBE = 4
IMAGE_PX = 240


def write_html(report: AuditReport, dataset: Path, path: Path) -> None:
    """Write the report as one self-contained page.

    Args:
        report: the result of `audit_dataset`.
        dataset: the audited folder, for its statistics and the pictures of the worst samples.
        path: the HTML file, written atomically.

    Raises:
        InputError: the dataset cannot be read or the page cannot be written.
        MissingExtra: jinja2 is not installed.
    """
    check_jinja()
    wanted: dict[str, list[Probe]] = {}
    for probe in report.probes:
        for key in probe.worst[:EXAMPLES_PER_PROBE] if probe.verdict == "fail" else ():
            if key in wanted or len(wanted) < MOST_EXAMPLES:
                wanted.setdefault(key, []).append(probe)
    figures = _Figures()
    examples = []
    for stored in iter_samples(dataset):
        figures.add(stored.sample)
        if stored.key in wanted:
            examples.append(_example(stored, wanted[stored.key]))
    html = render(
        asset(TEMPLATE),
        report=report,
        verdicts=Counter(probe.verdict for probe in report.probes),
        rows=[_row(probe) for probe in report.probes],
        charts=[*figures.charts(), *_matrices(report)],
        examples=examples,
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, html.encode())
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}; pass an HTML file you may write") from error


class _Figures:
    """The numbers behind the charts of the whole dataset, collected in one pass over its samples."""

    def __init__(self) -> None:
        self.motions: dict[str, list[float]] = {
            name: []
            for name in (
                "azimuth_change_deg",
                "yaw_deg",
                "pitch_deg",
                "roll_deg",
                "elevation_change_deg",
                "rotation_deg",
            )
        }
        self.azimuths: list[float] = []
        self.families = Counter[str]()
        self.splits = Counter[str]()
        self.backgrounds = Counter[str]()
        self.types = Counter[str]()

    def add(self, sample: Sample) -> None:
        for name, values in self.motions.items():
            values.append(getattr(sample.truth, name))
        self.azimuths.append(sample.truth.azimuth_deg)
        self.families[sample.family] += 1
        self.splits[sample.split] += 1
        self.backgrounds.update(view.background for view in sample.views)
        self.types.update(question.type for question in sample.questions)

    def charts(self) -> list[tuple[str, str]]:
        """(title, SVG) of each chart."""
        out = [
            (f"{name.removesuffix('_deg').replace('_', ' ')}, degrees", charts.histogram(values, name))
            for name, values in self.motions.items()
        ]
        out.append(("where the first camera stands, from above", charts.rose(self.azimuths, "azimuths")))
        counted = {
            "families": self.families,
            "splits": self.splits,
            "backgrounds": self.backgrounds,
            "types": self.types,
        }
        return out + [
            (name, charts.shares(dict(counts.most_common()), name)) for name, counts in counted.items()
        ]


def _matrices(report: AuditReport) -> Iterable[tuple[str, str]]:
    """Tables of the label coupling, and of the flat cues by kind."""
    coupling = report["label_coupling"].detail
    bits = coupling.get("bits", {})
    certain = coupling.get("for certain", [])
    names = list(dict.fromkeys(name for pair in bits for name in pair.split(" x ")))
    if names:
        values, bad = np.full((2, len(names), len(names)), np.nan)
        for pair, value in bits.items():
            first, second = (names.index(name) for name in pair.split(" x "))
            values[first, second] = values[second, first] = value
            bad[first, second] = bad[second, first] = pair in certain
        yield (
            "label coupling, bits (at most 0.01)",
            charts.heat(names, names, values, bad, 0.01, "label coupling"),
        )
    cues = [probe for probe in report.probes if probe.name.startswith("flat_") and probe.parts]
    kinds = list(dict.fromkeys(part.name for probe in cues for part in probe.parts))
    if kinds:
        values, bad = np.full((2, len(kinds), len(cues)), np.nan)
        for j, probe in enumerate(cues):
            for part in probe.parts:
                values[kinds.index(part.name), j] = 100 * abs(part.value - 0.5)
                bad[kinds.index(part.name), j] = part.verdict == "fail"
        columns = [probe.name.removeprefix("flat_") for probe in cues]
        title = "flat cues, points away from a coin (2 are allowed; red: more for certain)"
        yield title, charts.heat(kinds, columns, values, bad, 2.0, title, decimals=1)


def _row(probe: Probe) -> dict[str, Any]:
    def drawn(of: Any) -> str:
        return "" if of.value is None else charts.gauge(of.value, of.interval, of.threshold, of.verdict)

    parts = sorted(probe.parts, key=lambda part: -part.threshold.miss(part.value))
    detail = json.dumps(probe.detail, indent=1, ensure_ascii=False) if probe.detail else ""
    return {
        "probe": probe,
        "gauge": drawn(probe),
        "parts": [(part, drawn(part)) for part in parts[:60]],
        "detail": detail,
    }


def _example(stored: StoredSample, probes: list[Probe]) -> dict[str, Any]:
    return {
        "key": stored.key,
        "sample": stored.sample,
        "probes": [probe.name for probe in probes],
        "images": [_data_uri(image) for image in stored.images],
        "complaints": [
            text
            for probe in probes
            for text in probe.detail.get("problems", [])
            if str(text).startswith(f"{stored.key}:")
        ][:6],
    }


def _data_uri(image: bytes) -> str:
    """A small copy of a picture as a data URI; empty if the bytes are no picture."""
    from PIL import Image

    out = io.BytesIO()
    try:
        with Image.open(io.BytesIO(image)) as opened:
            opened.draft("RGB", (IMAGE_PX, IMAGE_PX))
            picture = opened.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return ""
    picture.thumbnail((IMAGE_PX, IMAGE_PX))
    picture.save(out, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode()
