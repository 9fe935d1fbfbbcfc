"""Reads files of words, and refuses at once what would otherwise show only in what was rendered for hours."""

import re
import reprlib
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

import yaml

from viewpoint100k.errors import InputError, one_line
from viewpoint100k.questions.kind import DrawnKind, Kind, placeholders
from viewpoint100k.questions.wording import (
    SHARED,
    USES,
    Templates,
    phrase_in,
    phrases_of,
    sentences,
    shipped_text,
)
from viewpoint100k.records import AnswerForm, Vocabulary

PLACEHOLDER = re.compile(r"\{[^{}]*\}")
CONTROLS = {"Cc", "Cs"}  # Unicode categories: control characters and halves of characters
MARK_OF_OPTION = re.compile(r"[A-Za-z]|\d+")  # an answer that could mean the place of an option
TYPES = {
    dict: "a mapping",
    list: "a list",
    type(None): "empty",
    bool: "a truth value",
    int: "a number",
    float: "a number",
}
ENDINGS: tuple[str, ...] = get_args(AnswerForm)
LENS = {"same": ("first",), "other": ("first", "second")}


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
    """The words for each of these kinds, from our file or from the user's.

    Raises:
        InputError: the file cannot be read, lacks a kind or a word, or has one that does not exist or cannot
        be
            used; names the file, the kind, the wording or word, and what was expected.
    """
    origin = path or "the built-in templates.yaml"
    try:
        text = Path(path).read_text("utf-8") if path else shipped_text()
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
    if unknown := [key for key in tree if key != SHARED and key not in {kind.name for kind in kinds}]:
        raise InputError(f"{origin}: unknown kind {reprlib.repr(unknown[0])}; kinds are {names}")
    for problem in _problems(tree, kinds):
        raise InputError(f"{origin}: {problem}")
    return _templates(tree, kinds)


def _templates(tree: Mapping[str, Any], kinds: Sequence[Kind]) -> Templates:
    phrases = {}
    for kind in kinds:
        if isinstance(kind, DrawnKind) and kind.parameter is not None:
            phrases[kind.name] = tree[kind.name][kind.parameter.field]
    vocabulary = Vocabulary(
        **tree[SHARED],
        options={kind.name: tree[kind.name]["options"] for kind in kinds if kind.options},
        phrases=phrases,
    )
    wordings = {kind.name: {use: tree[kind.name][use] for use in USES} for kind in kinds}
    return Templates(vocabulary, wordings)


def vocabulary_problems(vocabulary: Vocabulary, kinds: Sequence[Kind]) -> Iterator[str]:
    """What is wrong with the words that a dataset says it was made with."""
    tree = vocabulary.model_dump()
    yield from _problems_of_shared({name: tree[name] for name in ("endings", "lens", "group")})
    for kind in kinds:
        section = {"options": tree["options"].get(kind.name)} if kind.options else {}
        if isinstance(kind, DrawnKind) and kind.parameter is not None:
            section[kind.parameter.field] = tree["phrases"].get(kind.name)
        yield from _problems_of_words(section, kind)


def _problems(tree: Mapping[str, Any], kinds: Sequence[Kind]) -> Iterator[str]:
    """What is wrong with a file; of each section, the worst first."""
    for kind in kinds:
        if kind.name not in tree:
            yield f"has no wordings for the kind {kind.name!r}; {_expected(kind)}"
            return
    if SHARED not in tree:
        yield f"has no section {SHARED!r}; expected one with `endings:`, `lens:` and `group:`"
        return
    yield from _problems_of_shared(tree[SHARED])
    for kind in kinds:
        yield from problems_of_kind(tree[kind.name], kind)


# --- words --------------------------------------------------------------------------------------------


def _problems_of_shared(section: Any) -> Iterator[str]:
    expected = "expected `endings:`, `lens:` and `group:`"
    if not isinstance(section, dict):
        yield f"{SHARED} is {_what(section)}; {expected}"
        return
    if unknown := [key for key in section if key not in ("endings", "lens", "group")]:
        yield f"{SHARED} has {reprlib.repr(unknown[0])}; {expected}, and nothing else"
    where = f"{SHARED}, endings"
    yield from _problems_of_keys(section.get("endings"), dict.fromkeys(ENDINGS, None), where)
    yield from _problems_of_keys(section.get("lens"), LENS, f"{SHARED}, lens")
    group = section.get("group")
    if not isinstance(group, dict) or not all(isinstance(phrase, str) and phrase.strip() for phrase in group):
        yield (
            f"{SHARED}, group is {_what(group)}; expected phrases about one object, each with one about "
            f"several"
        )
        return
    yield from _problems_of_keys(group, dict.fromkeys(group, ()), f"{SHARED}, group")


def _problems_of_words(section: Mapping[str, Any], kind: Kind) -> Iterator[str]:
    """What is wrong with the options of a kind, and with the words for what it asks with."""
    if kind.options:
        names = kind.names if isinstance(kind, DrawnKind) else {}
        where = f"{kind.name}, options"
        keys = {key: tuple(names.get(key, "")) for key in kind.options}
        problems = list(_problems_of_keys(section.get("options"), keys, where))
        yield from problems or _problems_of_options(section["options"], where)
    if not isinstance(kind, DrawnKind) or kind.parameter is None:
        return
    field = kind.parameter.field
    where = f"{kind.name}, {field}"
    problems = list(_problems_of_keys(section.get(field), kind.parameter.keys(), where))
    yield from problems or _problems_of_phrases(section[field], kind, where)


def _problems_of_keys(words: Any, keys: Mapping[str, Sequence[str] | None], where: str) -> Iterator[str]:
    """What is wrong with words that are to have these keys, each text with these placeholders; None:
    braces are text.
    """
    expected = f"expected text for {', '.join(keys)}"
    if not isinstance(words, dict):
        yield f"{where} is {_what(words)}; {expected}"
        return
    if missing := [key for key in keys if key not in words]:
        yield f"{where} lacks {missing[0]!r}; {expected}"
    if unknown := [key for key in words if key not in keys]:
        yield f"{where} has {reprlib.repr(unknown[0])}; {expected}, and nothing else"
        return
    for key, text in words.items():
        for problem in _problems_of_text(text):
            yield f"{where}, {key}, {_quoted(text)}: {problem}"
            return
        if "\n" in text:
            yield f"{where}, {key}, {_quoted(text)}: has several lines; expected one"
        names = keys[key]
        wanted = None if names is None else [f"{{{name}}}" for name in names]
        for problem in () if wanted is None else _problems_of_placeholders(text, wanted):
            yield f"{where}, {key}, {_quoted(text)}: {problem}"


def _problems_of_options(words: Mapping[str, str], where: str) -> Iterator[str]:
    plain = {key: " ".join(text.split()).casefold() for key, text in words.items()}
    for key, text in plain.items():
        same = next(other for other in plain if plain[other] == text)
        if same != key:
            yield f"{where}: {same} and {key} are the same, {_quoted(words[key])}; expected different words"
        if MARK_OF_OPTION.fullmatch(text):
            yield (
                f"{where}, {key}, {_quoted(words[key])}: could be the letter or the number of an option; "
                "expected words"
            )


def _problems_of_phrases(words: Mapping[str, str], kind: DrawnKind, where: str) -> Iterator[str]:
    """Each must be found in a text without being taken for another one."""
    vocabulary = Vocabulary(endings={}, lens={}, group={}, options={}, phrases={kind.name: dict(words)})
    phrases = phrases_of(kind, vocabulary)
    for number, phrase in enumerate(phrases):
        for other in (*phrases[:number], *phrases[number + 1 :]):
            if phrase in other:
                yield (
                    f"{where}: {_quoted(phrase)} is also in {_quoted(other)}; expected words that cannot be "
                    f"confused"
                )
                return


# --- wordings -----------------------------------------------------------------------------------------


def _expected(kind: Kind) -> str:
    sections = ["`options:`"] if kind.options else []
    if isinstance(kind, DrawnKind) and kind.parameter is not None:
        sections.append(f"`{kind.parameter.field}:`")
    words = f", and words under {' and '.join(sections)}" if sections else ""
    return f"expected lists of wordings under {kind.name!r}: `train:` and `test:`{words}"


def problems_of_kind(section: Any, kind: Kind) -> Iterator[str]:
    expected = _expected(kind)
    if not isinstance(section, dict):
        yield f"{kind.name} is {_what(section)}; {expected}"
        return
    known = {*USES, *(["options"] if kind.options else [])}
    if isinstance(kind, DrawnKind) and kind.parameter is not None:
        known.add(kind.parameter.field)
    if unknown := [key for key in section if key not in known]:
        yield f"{kind.name} has a list {reprlib.repr(unknown[0])}; {expected}, and nothing else"
    for use in USES:
        if not isinstance(section.get(use), list) or not section[use]:
            yield (
                f"{kind.name} has no list of wordings under `{use}:`; {expected}, each of one wording or more"
            )
            return
    words = list(_problems_of_words(section, kind))
    yield from words
    if words:
        return
    phrases = _phrases_in_file(section, kind)
    for use in USES:
        yield from _problems_of_wordings(section[use], use, kind, phrases)


def _phrases_in_file(section: Mapping[str, Any], kind: Kind) -> list[str]:
    if not isinstance(kind, DrawnKind) or kind.parameter is None:
        return []
    words = {kind.name: section[kind.parameter.field]}
    return phrases_of(kind, Vocabulary(endings={}, lens={}, group={}, options={}, phrases=words))


def _problems_of_wordings(
    wordings: Sequence[Any], use: str, kind: Kind, phrases: Sequence[str]
) -> Iterator[str]:
    for number, wording in enumerate(wordings):
        for problem in _problems_of_wording(wording, kind, phrases):
            yield (
                f"{kind.name}, {use}, wording {number + 1} of {len(wordings)}, {_quoted(wording)}: {problem}"
            )
    plain = [" ".join(wording.split()) for wording in wordings]
    for number, wording in enumerate(plain):
        if wording in plain[:number]:
            first = plain.index(wording) + 1
            yield (
                f"{kind.name}, {use}: the wordings {first} and {number + 1} are the same, "
                f"{_quoted(wording)}; "
                "expected each wording once"
            )


def _problems_of_wording(wording: Any, kind: Kind, phrases: Sequence[str]) -> Iterator[str]:
    """What is wrong with a wording of a kind, what is worst first."""
    problems = list(_problems_of_text(wording))
    yield from problems
    if problems:
        return
    once = kind.parameter.placeholder if isinstance(kind, DrawnKind) and kind.parameter else ""
    yield from _problems_of_placeholders(wording, placeholders(kind), once)
    for phrase in phrases:
        text = wording.replace(once, phrase)
        text = " ".join((sentences(text) if kind.of_scenes else text).split())
        if phrase_in(text, phrases) != phrase:
            yield (
                f"{once} cannot be told in it where that is {phrase!r}: a phrase that may stand for {once} "
                f"is there in plain "
                f"text, or {once} begins a sentence and gets a capital. Say it in other words, and with "
                f"{once} inside a sentence"
            )


def _problems_of_text(text: Any) -> Iterator[str]:
    if not isinstance(text, str):
        yield f"is {_what(text)}; expected text. Put it in quotes"
        return
    if not text.strip():
        yield "is empty; expected a text"
    if any(unicodedata.category(letter) in CONTROLS and not letter.isspace() for letter in text):
        yield "has a control character, or half of a character; expected text that can be printed"


def _problems_of_placeholders(text: str, wanted: Sequence[str], once: str = "") -> Iterator[str]:
    """What is wrong with the placeholders of a text, each of which must be there; one of them only once."""
    listed = " and ".join(f"{name} once" if name == once else f"{name} once or more" for name in wanted)
    expected = f"expected {listed or 'no placeholder'}"
    found = Counter(PLACEHOLDER.findall(text))
    for placeholder in found:
        if placeholder not in wanted:
            yield f"has {placeholder}, which nothing fills in this kind; {expected}"
    if stray := set("{}") & set(PLACEHOLDER.sub("", text)):
        yield f"has a {min(stray)!r} that belongs to no placeholder; {expected}, and no other braces"
    for placeholder in wanted:
        if not found[placeholder]:
            yield f"lacks {placeholder}; {expected}"
    if once and found[once] > 1:
        yield f"has {once} {found[once]} times; {expected}"


def _quoted(text: Any) -> str:
    """A text, quoted, as much of it as fits on a line."""
    return repr(one_line(text, 120)) if isinstance(text, str) else reprlib.repr(text)


def _what(value: Any) -> str:
    return TYPES.get(type(value), f"a {type(value).__name__}")


@lru_cache(maxsize=1)
def shipped_templates(kinds: tuple[Kind, ...]) -> Templates:
    """Our own words."""
    return read_templates(None, kinds)
