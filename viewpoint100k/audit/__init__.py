"""Are the questions fair, the answers right and the pictures what they should be? One number per question to the dataset.

`validate` asks whether files are as they were written; the audit asks whether they should have been written. Each probe is a
function from `Samples` to a `Probe`; those that exist are listed in `PROBES`.
"""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from viewpoint100k.audit import chains, cues, figures, gates, labels, leakage, learners, poses, scenes, wording
from viewpoint100k.audit.page import write_html
from viewpoint100k.audit.report import AuditReport, Bounds, Part, Probe
from viewpoint100k.audit.samples import Samples, load_samples
from viewpoint100k.errors import MissingExtra

__all__ = ["PROBES", "AuditReport", "Bounds", "Part", "Probe", "Samples", "audit_dataset", "load_samples", "write_html"]

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


def audit_dataset(dataset: Path, *, seed: int = 0, progress: Callable[[int, int], None] | None = None) -> AuditReport:
    """Put every probe to a dataset.

    Args:
        dataset: the folder that `viewpoint100k generate` wrote.
        seed: of what is drawn by lot where looking at all would take too long.
        progress: called with (done, of).

    Raises:
        InputError: there is no dataset of ours.
        MissingExtra: scikit-learn or OpenCV is not installed.
    """
    check_extras()  # before the dataset is read, not after
    samples = load_samples(dataset, seed)
    probes = []
    for done, probe in enumerate(PROBES):
        if progress is not None:
            progress(done, len(PROBES))
        probes.append(probe(samples))
    if progress is not None:
        progress(len(PROBES), len(PROBES))
    return AuditReport(
        dataset=dataset.resolve().name,
        preset=samples.manifest.preset,
        config_hash=samples.manifest.config_hash,
        samples=len(samples.items),
        questions=sum(len(item.sample.questions) for item in samples.items),
        objects=len({item.group for item in samples.items}),
        probes=probes,
    )


def check_extras() -> None:
    """Raise `MissingExtra` where a library of the extra [audit] is missing."""
    needed = {"sklearn": "scikit-learn", "cv2": "opencv-python-headless", "jinja2": "jinja2"}
    missing = [name for module, name in needed.items() if find_spec(module) is None]
    if missing:
        raise MissingExtra(f"the audit needs {', '.join(missing)}: pip install 'viewpoint100k[audit]'")
