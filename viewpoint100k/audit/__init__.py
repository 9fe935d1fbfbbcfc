"""Audits a dataset: are questions fair, answers right, and pictures what they should be?

`validate` checks that files are as they were written; the audit checks whether they should have been written.
Each probe is a function from `Samples` to a `Probe`: it asks one question about the dataset and answers it
with one number. `PROBES` lists all of them.
"""

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from viewpoint100k.audit import (
    chains,
    cues,
    figures,
    gates,
    labels,
    leakage,
    learners,
    poses,
    scenes,
    surroundings,
    wording,
)
from viewpoint100k.audit.page import write_html
from viewpoint100k.audit.report import AuditReport, Bounds, Part, Probe
from viewpoint100k.audit.samples import Count, Samples, load_records, load_samples, stream_samples
from viewpoint100k.errors import MissingExtra
from viewpoint100k.manifest import read_manifest

__all__ = [
    "PROBES",
    "AuditReport",
    "Bounds",
    "Part",
    "Probe",
    "Samples",
    "audit_dataset",
    "load_samples",
    "write_html",
]

PROBES: tuple[Callable[[Samples], Probe], ...] = (
    labels.labels_recomputed,
    labels.truth_recomputed,
    labels.metamorphic,
    labels.reversal,
    poses.pose_recovery,
    poses.surface_points,
    gates.boxes,
    gates.pictures,
    gates.same_picture,
    gates.covisibility,
    gates.decidability,
    leakage.split_leakage,
    wording.wording_leakage,
    labels.label_coupling,
    wording.none_share,
    wording.letter_position,
    wording.majority_answer,
    wording.prior_guess,
    wording.option_structure,
    wording.blind_text,
    learners.learned_text,
    learners.learned_box,
    *(cues.flat_cue(name) for name in cues.CUES),
    cues.flat_learned,
    cues.optical_flow,
    surroundings.one_region_alone,
    cues.single_image,
    figures.figure_rules,
    figures.figure_facts,
    figures.figure_alone,
    scenes.scene_references,
    scenes.scene_labels,
    scenes.scene_rules,
    scenes.scene_facts,
    leakage.regime_gap,
    chains.chain_facts,
    chains.chain_length,
)


MOST_WHOLE = 5_000  # samples; a dataset up to this size is kept in memory, a larger one is read part by part
MOST_KEPT = 12_000  # samples of a larger dataset that are kept, drawn at random; exact probes see all samples
MANY_QUESTIONS = 15  # per sample: datasets of scenes have that many, and get the next two limits
MOST_WHOLE_OF_THESE = 2_500
MOST_KEPT_OF_THESE = 4_000
# probes that judge each sample by itself and allow no exception, each with the part of it that runs on every
# sample of a large dataset
EXACT: dict[Callable[[Samples], Probe], Callable[[Samples], Probe]] = {
    **{
        probe: probe
        for probe in (
            labels.labels_recomputed,
            labels.truth_recomputed,
            labels.reversal,
            gates.boxes,
            gates.pictures,
            gates.same_picture,
            gates.covisibility,
            gates.decidability,
            scenes.scene_references,
            scenes.scene_labels,
            chains.chain_facts,
        )
    },
    poses.surface_points: poses.points_projected,
}


def audit_dataset(
    dataset: Path, *, seed: int = 0, progress: Callable[[int, int], None] | None = None
) -> AuditReport:
    """Run every probe on a dataset.

    Args:
        dataset: a folder that `viewpoint100k generate` wrote.
        seed: seed of the random choice of samples where looking at all of them would take too long.
        progress: called with (probes done, probes in total).

    Raises:
        InputError: the folder is not a dataset of ours.
        MissingExtra: scikit-learn or OpenCV is not installed.
    """
    check_extras()  # fail before the dataset is read, not after
    samples, said = read(dataset, seed)
    probes = []
    for done, probe in enumerate(PROBES):
        if progress is not None:
            progress(done, len(PROBES))
        probes.append(said[probe](samples) if probe in said else probe(samples))
    if progress is not None:
        progress(len(PROBES), len(PROBES))
    items = samples.items
    questions = sum(len(item.sample.questions) for item in items)
    fair = sum(len(item.sample.fair_questions) for item in items)
    count = samples.count or Count(len(items), questions, fair, len({item.group for item in items}))
    return AuditReport(
        dataset=dataset.resolve().name,
        preset=samples.manifest.preset,
        config_hash=samples.manifest.config_hash,
        samples=count.samples,
        questions=count.questions,
        fair=count.fair,
        objects=count.objects,
        drawn=len(items) if len(items) < count.samples else 0,
        probes=probes,
    )


def read(
    dataset: Path, seed: int
) -> tuple[Samples, dict[Callable[[Samples], Probe], Callable[[Samples], Probe]]]:
    """Read a dataset for the probes: all samples of a small one, a random choice of a large one.

    Returns:
        The samples, and for a large dataset the substitute of each exact probe, which returns the verdict
        over every sample.

    Raises:
        InputError: the folder is not a dataset of ours.
    """
    manifest = read_manifest(dataset)
    whole = MOST_WHOLE
    kept = MOST_KEPT
    if manifest.questions > MANY_QUESTIONS * manifest.samples:
        whole = MOST_WHOLE_OF_THESE
        kept = MOST_KEPT_OF_THESE
    if manifest.samples <= whole:
        return load_samples(dataset, seed), {}
    samples, verdicts = stream_samples(dataset, seed, list(EXACT.values()), kept)
    said = dict(zip(EXACT, verdicts, strict=True))
    out: dict[Callable[[Samples], Probe], Callable[[Samples], Probe]] = {}
    for probe, verdict in said.items():
        out[probe] = partial(poses.with_colours if probe is poses.surface_points else _as_said, verdict)
    return samples, out


def _as_said(verdict: Probe, samples: Samples) -> Probe:
    return verdict


# probes that need no picture and take seconds; those that need a missing library of the extra are left out
QUICK: tuple[Callable[[Samples], Probe], ...] = (
    wording.wording_leakage,
    labels.label_coupling,
    wording.none_share,
    wording.letter_position,
    wording.majority_answer,
    wording.prior_guess,
    wording.option_structure,
    *(cues.flat_cue(name) for name in cues.CUES if name != "flat_luminance"),
    leakage.regime_gap,
)
QUICK_LEARNERS: tuple[Callable[[Samples], Probe], ...] = (learners.learned_text,)
MOST_QUICK = 5000  # samples


def quick_look(dataset: Path, seed: int = 0) -> list[Probe]:
    """Run the cheap probes on a few thousand samples of a dataset, without looking at pictures.

    Raises:
        InputError: the folder is not a dataset of ours.
    """
    samples = load_records(dataset, seed, MOST_QUICK)
    learn = QUICK_LEARNERS if find_spec("sklearn") is not None else ()
    return [probe(samples) for probe in (*QUICK, *learn)]


def check_extras() -> None:
    """Raise `MissingExtra` if a library of the extra [audit] is missing."""
    needed = {"sklearn": "scikit-learn", "cv2": "opencv-python-headless", "jinja2": "jinja2"}
    missing = [name for module, name in needed.items() if find_spec(module) is None]
    if missing:
        raise MissingExtra(f"the audit needs {', '.join(missing)}: pip install 'viewpoint100k[audit]'")
