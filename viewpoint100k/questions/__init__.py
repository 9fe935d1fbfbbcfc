"""Truth -> question, options, answer. One file per tier; a kind is one function and one line in `KINDS`."""

from viewpoint100k.questions.ask import ask_all, carries_question, load_templates
from viewpoint100k.questions.tier_a import KINDS

__all__ = ["KINDS", "ask_all", "carries_question", "load_templates"]
