"""viewpoint100k: render, prove, publish and train on viewpoint data.

`__all__` is the public interface; docs/api.md shows each name at work. Everything else may change.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from viewpoint100k.errors import InputError, ViewpointError

if TYPE_CHECKING:
    from viewpoint100k.audit import audit_dataset
    from viewpoint100k.config import load_config
    from viewpoint100k.environment import gym
    from viewpoint100k.evaluate import evaluate as evaluate_predictions
    from viewpoint100k.gallery import write_gallery
    from viewpoint100k.geometry.relations import motion
    from viewpoint100k.load import load_questions, load_samples
    from viewpoint100k.records import Question, Sample
    from viewpoint100k.run import generate
    from viewpoint100k.scoring import parse_answer, score
    from viewpoint100k.validate import validate_dataset

__version__ = "0.2.0"
__all__ = [
    "InputError",
    "Question",
    "Sample",
    "ViewpointError",
    "__version__",
    "audit_dataset",
    "evaluate_predictions",
    "generate",
    "gym",
    "load_config",
    "load_questions",
    "load_samples",
    "motion",
    "parse_answer",
    "score",
    "validate_dataset",
    "write_gallery",
]

# Where each name is. It is imported when it is first asked for: most need numpy, and the command line wants
# to choose numpy's threads first.
_PLACES = {
    "Question": ("records", "Question"),
    "Sample": ("records", "Sample"),
    "audit_dataset": ("audit", "audit_dataset"),
    "evaluate_predictions": ("evaluate", "evaluate"),
    "generate": ("run", "generate"),
    "gym": ("environment", "gym"),
    "load_config": ("config", "load_config"),
    "load_questions": ("load", "load_questions"),
    "load_samples": ("load", "load_samples"),
    "motion": ("geometry.relations", "motion"),
    "parse_answer": ("scoring", "parse_answer"),
    "score": ("scoring", "score"),
    "validate_dataset": ("validate", "validate_dataset"),
    "write_gallery": ("gallery", "write_gallery"),
}


def __getattr__(name: str) -> Any:
    """A public name, imported from where it is."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _PLACES[name]
    value = getattr(import_module(f"{__name__}.{module}"), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
