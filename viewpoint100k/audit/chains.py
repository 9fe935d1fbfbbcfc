"""Probes whether chains of thought are true, clause by clause, and short."""

import re

import numpy as np

from viewpoint100k.audit.report import Bounds, Probe, all_of, not_measured
from viewpoint100k.audit.samples import Samples
from viewpoint100k.proof import problems_of_chain

MAX_TOKENS = 220


def chain_facts(samples: Samples) -> Probe:
    """Every fact of every chain holds, and its conclusion is the answer."""
    name = "chain_facts"
    what = "chains of thought whose every fact holds and whose conclusion is the answer"
    chains = [
        asked for every in samples.asked().values() for asked in every if asked.question.chain_of_thought
    ]
    if not chains:
        return not_measured(name, what, "no question has a chain of thought")
    problems = []
    for asked in chains:
        wrong = problems_of_chain(asked.item.sample, asked.question)
        if wrong:
            problems.append((asked.item.key, f"{asked.kind}: {'; '.join(wrong)}"))
    return all_of(name, what, len(chains), problems)


def chain_length(samples: Samples) -> Probe:
    """Chains are short enough: long ones would be cut off in training before the answer."""
    name = "chain_length"
    what = "95th percentile of the chains' length in tokens (words and signs)"
    lengths = [
        (tokens(asked.question.chain_of_thought), asked.item.key)
        for every in samples.asked().values()
        for asked in every
        if asked.question.chain_of_thought
    ]
    if not lengths:
        return not_measured(name, what, "no question has a chain of thought")
    value = float(np.percentile([length for length, _ in lengths], 95))
    return Probe(
        name=name,
        what=what,
        value=value,
        threshold=Bounds(high=MAX_TOKENS),
        n=len(lengths),
        verdict="fail" if value > MAX_TOKENS else "pass",
        because=f"{value:.0f} tokens, at most {MAX_TOKENS}; the longest has {max(lengths)[0]}",
        worst=[key for _, key in sorted(lengths, reverse=True)[:6]] if value > MAX_TOKENS else [],
    )


def tokens(text: str | None) -> int:
    """The number of words and signs: about as many tokens as a model's tokeniser makes of plain English."""
    return len(re.findall(r"\w+|[^\w\s]", text or ""))
