"""Truth -> question, options, answer.

One file per tier; a kind is one function and one line in its `KINDS`.
"""

from viewpoint100k.questions.ask import KINDS, ask_all, carries_question, facts_of, figures_of, load_templates

__all__ = ["KINDS", "ask_all", "carries_question", "facts_of", "figures_of", "load_templates"]
