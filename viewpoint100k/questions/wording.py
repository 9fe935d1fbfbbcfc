"""Reads files of wordings, and refuses at once what would otherwise show only in what was rendered for hours."""

import re
import reprlib
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from viewpoint100k.errors import InputError, one_line
from viewpoint100k.questions.kinds import Kind, phrase_in

Templates = Mapping[str, Mapping[str, list[str]]]  # "type/frame" -> "train" and "test" -> wordings
MOVE = "{move}"
USES = ("train", "test")
PLACEHOLDER = re.compile(r"\{[^{}]*\}")
CONTROLS = {"Cc", "Cs"}  # Unicode categories: control characters and halves of characters
TYPES = {
    dict: "a mapping",
    list: "a list",
    type(None): "empty",
    bool: "a truth value",
    int: "a number",
    float: "a number",
}


class _Loader(yaml.SafeLoader):
    """YAML in which no key may stand twice: PyYAML would take the last one and say nothing."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and keys[key.value] > 1:
                raise yaml.MarkedYAMLError(
                    problem=f"{key.value!r} is there twice", problem_mark=key.start_mark
                )
        return super().construct_mapping(node, deep)


def read_templates(path: str | None, kinds: Sequence[Kind]) -> Templates:
    """Wordings for each of these kinds, from our file or from the user's: those for training, and others for testing.

    Raises:
        InputError: the file cannot be read, lacks a kind, has one that does not exist, or has a wording that
        cannot be used;
            names the kind, the wording, and what was expected.
    """
    origin = path or "the built-in templates.yaml"
    try:
        text = Path(path).read_text("utf-8") if path else _shipped()
        tree = yaml.load(text, Loader=_Loader)
    except OSError as error:
        raise InputError(
            f"questions.templates = {path}: {error.strerror}; expected a YAML file of wordings"
        ) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: of dates such as 2020-99-99
        raise InputError(f"{origin} is not YAML: {one_line(str(error))}") from error
    names = ", ".join(kind.name for kind in kinds)
    if not isinstance(tree, dict):
        raise InputError(
            f"{origin} holds {_what(tree)}; expected a section of wordings for each of the kinds {names}"
        )
    if unknown := [key for key in tree if key not in {kind.name for kind in kinds}]:
        raise InputError(f"{origin}: unknown kind {reprlib.repr(unknown[0])}; kinds are {names}")
    for kind in kinds:
        for problem in _problems_of_kind(tree, kind):
            raise InputError(f"{origin}: {problem}")
    return dict(tree)


def _problems_of_kind(tree: Mapping[str, Any], kind: Kind) -> Iterator[str]:
    expected = f"expected lists of wordings under {kind.name!r}: `train:` and `test:`"
    if kind.name not in tree:
        yield f"has no wordings for the kind {kind.name!r}; {expected}"
        return
    section = tree[kind.name]
    if not isinstance(section, dict):
        yield f"{kind.name} is {_what(section)}; {expected}"
        return
    if unknown := [key for key in section if key not in USES]:
        yield f"{kind.name} has a list {reprlib.repr(unknown[0])}; {expected}, and nothing else"
    for use in USES:
        wordings = section.get(use)
        if not isinstance(wordings, list) or not wordings:
            yield f"{kind.name} has no list of wordings under `{use}:`; {expected}, each of one wording or more"
            return
        for number, wording in enumerate(wordings):
            for problem in _problems_of_wording(wording, kind):
                yield f"{kind.name}, {use}, wording {number + 1} of {len(wordings)}, {_quoted(wording)}: {problem}"
        plain = [" ".join(wording.split()) for wording in wordings]
        for number, wording in enumerate(plain):
            if wording in plain[:number]:
                first = plain.index(wording) + 1
                yield (
                    f"{kind.name}, {use}: the wordings {first} and {number + 1} are the same, {_quoted(wording)}; "
                    "expected each wording once"
                )


def _problems_of_wording(wording: Any, kind: Kind) -> Iterator[str]:
    """What is wrong with a wording of a kind, what is worst first."""
    if not isinstance(wording, str):
        yield f"is {_what(wording)}; expected text. Put it in quotes"
        return
    if not wording.strip():
        yield "is empty; expected a question"
    if any(unicodedata.category(one) in CONTROLS and not one.isspace() for one in wording):
        yield "has a control character, or half of a character; expected text that can be printed"
    expected = f"expected {_in_words(kind)}"
    found = Counter(PLACEHOLDER.findall(wording))
    for placeholder in found:
        if placeholder not in kind.placeholders:
            yield f"has {placeholder}, which nothing fills in this kind; {expected}"
    if stray := set("{}") & set(PLACEHOLDER.sub("", wording)):
        yield f"has a {min(stray)!r} that belongs to no placeholder; {expected}, and no other braces"
    for placeholder in kind.placeholders:
        if not found[placeholder]:
            yield f"lacks {placeholder}; {expected}"
    if found[MOVE] > 1:
        yield f"has {MOVE} {found[MOVE]} times; {expected}"
    for phrase in kind.words:
        if phrase_in(_read(wording, kind, phrase), kind.words) != phrase:
            yield (
                f"{MOVE} cannot be told in it where that is {phrase!r}: a phrase that may stand for {MOVE} is there in plain text, or "
                f"{MOVE} begins a sentence and gets a capital. Say it in other words, and with {MOVE} inside a sentence"
            )


def _in_words(kind: Kind) -> str:
    """Which placeholders each wording of a kind must have, and how often."""
    if not kind.placeholders:
        return "no placeholder"
    return " and ".join(f"{one} once" if one == MOVE else f"{one} once or more" for one in kind.placeholders)


def _read(wording: str, kind: Kind, words: str) -> str:
    """A wording with these words in place of {move} as a prompt shows it, but for the names of objects."""
    text = wording.replace(MOVE, words)
    return " ".join((sentences(text) if kind.tier == "C" else text).split())


def sentences(text: str) -> str:
    """A capital where a sentence begins, for names that stand there."""
    return re.sub(r"(^|[.?!] )([a-z])", lambda found: found[1] + found[2].upper(), text)


def _quoted(wording: Any) -> str:
    """A wording, quoted, as much of it as fits on a line."""
    return repr(one_line(wording, 120)) if isinstance(wording, str) else reprlib.repr(wording)


def _what(value: Any) -> str:
    return TYPES.get(type(value), f"a {type(value).__name__}")


def _shipped() -> str:
    return (resources.files("viewpoint100k.questions") / "templates.yaml").read_text("utf-8")
