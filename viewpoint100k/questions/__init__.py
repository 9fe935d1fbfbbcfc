"""Truth -> question, options, answer.

One file for each kind or family of kinds in `kinds/`, what pictures clearly show in `facts/`, and the words
in `templates.yaml`.
"""

from viewpoint100k.questions.ask import ask_all, carries_question, facts_of, figures_of, load_templates
from viewpoint100k.questions.registry import KINDS, never_fair

__all__ = ["KINDS", "ask_all", "carries_question", "facts_of", "figures_of", "load_templates", "never_fair"]
