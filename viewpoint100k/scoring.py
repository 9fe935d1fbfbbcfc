"""One answer format, one parser, one scorer: for rewards, evaluation and validation alike.

A question has lettered (or numbered, or listed) options, or asks for a number. A model may answer with the
letter in many dressings, in JSON, or with the option's text; what cannot be read as exactly one option scores
0. A number scores by how near it is.

A letter is looked for in the places where models put it, the surest place first, and the first place that
holds any letter decides: a verdict on each option (`A: no. B: yes.`), a stated conclusion (`the answer is B`,
`答案：B`), the head of the text (`B. right`), a mention (`option B`), its last line or last word, a letter in
brackets. Two different letters in one place are no answer. Only then are the options' own words looked for.
What `\\boxed{}` or `<answer>` holds is read alone.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence

from viewpoint100k.records import AnswerForm

LETTERS = "ABCDEFGHIJ"
_LONGEST = 100_000  # characters that are read; nobody answers a lettered question with more

# --- what is taken away before reading -------------------------------------------------------------

_TAG = re.compile(r"<\s?(/?)\s?(answer|think)(?:\s[^<>]{0,40})?>", re.IGNORECASE)
_THINK = re.compile(r"<think>", re.IGNORECASE)  # thinking that never ends holds no answer
_BOXED = re.compile(r"\\f?boxed\s*\{")
_COMMAND = re.compile(r"\\(?:[A-Za-z]{1,12}|[()\[\]$ ])")  # \text, \mathrm, \( of LaTeX
_UNSEEN = re.compile("[\u200b-\u200d\ufeff]")  # of no width
_SPECIAL = re.compile(r"<\|[\w ]{1,40}\|>")  # tokens of a chat template that a decoder left in
_HTML = re.compile(r"<(b|i|u|p|em|strong|code|span)>([^<>]*)</\1>", re.IGNORECASE)
_BRACKETS = str.maketrans("【】「」『』〈〉《》。、", "[][][][][].,")

# --- where letters stand ---------------------------------------------------------------------------
# Possessive quantifiers throughout: what is taken is not given back, else a hundred thousand asterisks take
# minutes.

_OPENS = r"[\"'`(\[{*_~$:=>\s-]*+"  # dressing before a letter
_LETTER = r"([A-J])(?![A-Za-z0-9]|'[a-z]|-[A-Za-z])"
_CONCLUDES = re.compile(
    r"(?:(?<![A-Za-z<])(?:answer|ans\.?|(?:correct|right|best|final)\s+(?:option|choice|letter)"
    r"|respuesta|réponse|antwort|resposta|risposta|ответ"
    r"|I(?:\s+would|'d)?\s+(?:choose|pick|select|say|go\s+(?:with|for)))"
    r"(?:(?:\s+|_)(?:choice|option|letter|is|be|should|would|must|to|the|most|likely|probably|clearly"
    r"|therefore|thus|hence|definitely|indeed|correct|one|here"
    r"|es|est|ist|é|è|correcta|correcte|correta|corretta)(?!\w))*+"
    r"|(?:答案|答え|正解|정답|답)(?:应该|應該|应)?(?:是|为|為|选|選|は|은|는)?(?:选项|選項)?"
    r"|(?:故|应|應|我|因此|所以)选择?|(?:故|應|我|因此|所以)選擇?)"
    rf"[\])]?{_OPENS}(?:option\s+)?{_OPENS}{_LETTER}",
    re.IGNORECASE,
)
_MENTIONS = re.compile(
    rf"(?:(?<![A-Za-z])(?:option|choice|letter)(?:\s+is)?|选项|選項|选择?|選擇?|옵션|選択肢){_OPENS}{_LETTER}",
    re.IGNORECASE,
)
_LEADING = re.compile(
    rf"^[\s\"'`(\[{{*_#<>$~✓✔✅➡→👉\ufe0f-]*+{_LETTER}(?=([\s\"'`)\]}}*_.:,;!$|>~✓✔✅-]*+)(.?))",
    re.IGNORECASE,
)
_AND_NO_MORE = re.compile(r"(?:or\s|and\s|[/&])?[\s\"'`(\[{*_]*+([A-J])[\s\"'`)\]}*_.!]*+(?:\n|$)")  # a line
_YES_OR_NO = (
    r"(?:yes|true|correct|right|no|false|incorrect|wrong|not\s+(?:correct|right|true)"
    r"|✓|✔|✅|✗|✘|❌|不对|不對|不正确|不正確|正确|正確|错误|錯誤|对|錯|错|對)"
)
_VERDICT = re.compile(
    r"(?<![A-Za-z0-9'])(?<!\bi\.)([A-J])(?:\s*[:.)(\]\-–—=→?]+\s*|\s+|(?=[一-鿿]))(is\s+|是)?"
    rf"({_YES_OR_NO})的?"
    r"(?=\s*(?:[.,;:!)\]|\n]|$|(?:because|since|as|and|but)\b|[(\[]?[A-J][).:?\]]))",
    re.IGNORECASE,
)
_AFFIRMS = frozenset({"yes", "true", "correct", "right", "✓", "✔", "✅", "对", "對", "正确", "正確"})
_LAST_LINE = re.compile(rf"^{_OPENS}{_LETTER}[\s\"'`)\]}}*_.$!-]*$")
_LAST_WORD = re.compile(
    r"(?:\b(?:so|therefore|thus|hence|(?<!thing )but|is|it's|(?:must|would|should|to)\s+be"
    r"|(?:go|going|agree)\s+with|corresponds\s+to|matches|leaves|leaving|pick|choose|select|(?:yes|no|sure|okay),)"
    rf"|(?<![Ff]ig)(?<!Mr)[.!]\s|[:=→]|[-=]>|是|所以|因此)[\s,:]*{_OPENS}{_LETTER}"
    r"[\s\"'`)\]}*_.$!]*$",
    re.IGNORECASE,
)
_BRACKETED = re.compile(r"[(\[]([A-J])[)\]]|\*\*([A-J])[.:)]?\*\*")
_ALONE = re.compile(r"(?<![A-Za-z0-9'])([A-J])(?![A-Za-z0-9'])")
# after "A" these say that it is a letter; any other small word that it is an article
_AFTER_LETTER = frozenset(
    ["because", "as", "since", "so", "due", "given", "for", "but", "which", "where", "with", "if", "is", "by",
     "or", "and"]
)  # fmt: skip
_MAY_BE_WORDS = ("A", "I")
# What may stand between a "not" and what it denies. Only spaces: a "not" of the line before denies nothing.
_NOT = re.compile(
    r"(?:\b(?:not|cannot|never|neither|nor|unlike|excluding|except|than|instead of|impossible|unlikely"
    r"|unclear|unsure)"
    r"|(?<!no )(?<!out )(?<!out a )(?<!ond )\bdoubt"
    r"|n't|\bn t\b|\b(?:did|does|do|is|was|can|could|would)n? t\b)"
    r"(?: (?:to|the|a|an|move|moved|moving|go|going|gone|turn|turned|rotate|rotated|option|choice|answer|be"
    r"|been|have|had|think|believe|say|see|sure|certain|tell|know|whether|if|that|it|it's|it s|this|is|was"
    r"|would|should|could|can|choose|pick|select|with|camera|correct|right|best|final)\b)*"
    r"[\s\"'(\[*]*$"
    r"|(?:不是|不要|不能|不应该|不應該|不应|不應|不该|不該|不|别|別|勿|并非|並非) ?$",
    re.IGNORECASE,
)
_WRONG = re.compile(
    r"[\s\"')\]*:,-]*(?:(?:is|are|was|seems|looks)?\s*(?:in|not\s+)?(?:correct|wrong)\b"
    r"|(?:is|are|was|can|could|does)(?:\s*not\b|n't)"
    r"|(?:is|are|was|seems|looks|(?:can|could|must)\s+be)\s+(?:out|ruled\s+out|excluded|eliminated|unlikely|impossible)\b)",
    re.IGNORECASE,
)
_LINK = re.compile(
    r"[\s\"'()\[\]*]*(?:/|,|;|&|\+|\b(?:or|and|vs\.?|o|ou|oder|y|und|et)\b|或者?|和|还是|還是|또는|혹은|または)\s*"
    r"(?:or\s+|and\s+)?[\"'(\[*]*([A-J])(?![A-Za-z0-9']|\.[eg]\b)",  # but not "i.e." or "e.g."
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"\n|[.!?;](?:\s|$)")
_BEFORE = 60  # characters before a word that may say "not"

# --- numbers and words -----------------------------------------------------------------------------

_NUMBER = re.compile(r"(?<![A-Za-z0-9_.])-?[0-9]{1,9}(?:\.[0-9]{1,9})?(?![A-Za-z0-9_]|\.[0-9])")
_STATED_NUMBER = re.compile(
    r"(?:(?<![A-Za-z])answer(?:\W{0,3}\s(?:is|should|would|be|about|approximately|roughly|around))*+|答案(?:是|为|為)?)"
    rf"[\"'`(\[{{*_~$:=≈\s]*+({_NUMBER.pattern})",
    re.IGNORECASE,
)
_LISTED = re.compile(r"\d+(?: \d+)+")  # an option such as "2, 3, 4", without its commas


def parse_answer(completion: str, options: Sequence[str]) -> int | None:
    """Which option a completion means, or None if that cannot be told.

    The last `<answer>` tag counts if there is one, else what follows the thinking, and of that the last
    `\\boxed{}`. A letter wins over a text; two different letters, or two different texts, are no answer.

    Example:
        >>> said = ("<think>right.</think> <answer>(b)</answer>", "答案：B", "A: no. B: yes.", "A or B")
        >>> [parse_answer(text, ["left", "right"]) for text in said]
        [1, 1, 1, None]
    """
    text = _readable(completion)
    if not text:
        return None
    for place in (_verdicts, _conclusions, _heads, _mentions, _ends, _bracketed):
        letters = place(text, options)
        if letters is None:
            continue
        index = LETTERS.index(letters.pop()) if len(letters) == 1 else len(options)
        return index if index < len(options) else None
    return _by_text(" ".join(text.split()), options)


def score(
    completion: str,
    options: Sequence[str],
    answer_index: int,
    answer_form: AnswerForm = "letter",
    value: float | None = None,
) -> float:
    """1.0 if the completion means the right option, else 0.0; for a number its `mean_relative_accuracy`.

    Example:
        >>> score("Option 2.", ["left", "right"], 1, "digit")
        1.0
        >>> score("about 40 degrees", [], -1, "number", 38.0)
        0.9
    """
    if value is not None:
        said = parse_number(completion)
        return 0.0 if said is None else mean_relative_accuracy(said, value)
    return float(parse_choice(completion, options, answer_form) == answer_index)


def parse_choice(completion: str, options: Sequence[str], answer_form: AnswerForm) -> int | None:
    """Which option a completion means, where options may be numbered and may hold numbers themselves.

    Example:
        >>> [parse_choice(said, ["image 2", "image 3"], "digit") for said in ("2", "image 2")]
        [1, 0]
    """
    if answer_form == "digit":
        if any(character.isdigit() for option in options for character in option):
            named = _by_text(" ".join(_said(completion[-_LONGEST:]).split()), options, in_full=True)
            if named is not None:
                return named
        digit = parse_number(completion)
        if digit is not None:
            return int(digit) - 1 if digit in range(1, len(options) + 1) else None
    return parse_answer(completion, options)


def parse_number(completion: str) -> float | None:
    """The one number that a completion says, or None if it says none or several different ones.

    Where a sentence states the answer, that number counts, whatever others the text holds.
    """
    text = _said(completion[-_LONGEST:])
    stated = {float(number) for number in _STATED_NUMBER.findall(text)}
    numbers = stated or {float(number) for number in _NUMBER.findall(text)}
    return numbers.pop() if len(numbers) == 1 else None


def mean_relative_accuracy(said: float, right: float) -> float:
    """Share of ten tolerances, from 50 % down to 5 % of the right number, within which a number lies.

    Source:
        Yang et al., "Thinking in Space", arXiv 2412.14171: MRA.
    """
    error = abs(said - right) / abs(right)
    return sum(error <= tolerance / 100 + 1e-9 for tolerance in range(5, 55, 5)) / 10


# --- what is read of a completion ------------------------------------------------------------------


def _said(text: str) -> str:
    """What is in the last answer tag, else what comes after the thinking; of that the last `\\boxed{}`.

    One pass: hostile text must not cost time.
    """
    opened = -1
    answer = None
    thought = 0
    for tag in _TAG.finditer(text):
        closes = bool(tag.group(1))
        name = tag.group(2).lower()
        if name == "answer" and not closes:
            opened = tag.end()
        elif name == "answer" and opened >= 0:
            answer = text[opened : tag.start()]
            opened = -1
        elif name == "think" and closes:
            thought = tag.end()
    if answer is None:
        unfinished = _THINK.search(text, thought)
        answer = text[thought : unfinished.start() if unfinished else None]
        if opened < 0:  # a prompt may end with the opening tag, and the completion begin behind it
            answer = answer.removesuffix("</answer>")
    return _boxed(answer)


def _boxed(text: str) -> str:
    """What the last `\\boxed{}` holds, without LaTeX around it; the text itself where it has none."""
    found = list(_BOXED.finditer(text))
    if not found:
        return text
    last = found[-1]
    depth = 1
    for place in range(last.end(), len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if not depth:
            return _COMMAND.sub(" ", text[last.end() : place]).translate(str.maketrans("{}$", "   "))
    return ""  # cut off


def _readable(completion: str) -> str:
    """The part that is read, in characters of ASCII where they only look different; without empty lines."""
    text = unicodedata.normalize("NFKC", _said(completion[-_LONGEST:])).translate(_BRACKETS)
    text = _COMMAND.sub(" ", _HTML.sub(r" \2 ", _SPECIAL.sub(" ", _UNSEEN.sub("", text))))
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)


# --- the places where a letter may stand: None where there is no letter, else all that there are ----------


def _verdicts(text: str, options: Sequence[str]) -> set[str] | None:
    """`A: no. B: yes.`, `A. left: no`. Where a word is the option's own, as in `A: left. B: right.`, it is no
    verdict.
    """
    right = set[str]()
    wrong = set[str]()
    for letter, stated, said in _VERDICT.findall(_without_own_words(text, options)):
        index = LETTERS.index(letter.upper())
        word = " ".join(said.lower().split())
        if not stated and index < len(options) and word == _plain(options[index]):
            continue
        (right if word in _AFFIRMS else wrong).add(letter.upper())
    if right:
        return right - wrong if not right & wrong else set()
    if not wrong:
        return None
    places = (_conclusions, _heads, _mentions, _ends, _bracketed)
    named = set[str]().union(*(place(text, options) or () for place in places))
    return None if named - wrong else set()  # what is left over was not said


def _without_own_words(text: str, options: Sequence[str]) -> str:
    """`A: no` of `A. left: no`: the words of an option between its letter and a verdict are taken away."""
    for letter, option in zip(LETTERS, options, strict=False):
        words = rf"(?<![\w'])({letter}\W{{1,3}}){re.escape(option)}[\s:(–—=→-]{{1,4}}(?={_YES_OR_NO}(?!\w))"
        text = re.sub(words, r"\1", text, flags=re.IGNORECASE)
    return text


def _conclusions(text: str, options: Sequence[str]) -> set[str] | None:
    """`The answer is B`, `Answer: (B)`, `I'd go with B`, `答案：B`."""
    found = set[str]()
    for match in _CONCLUDES.finditer(text):
        refused = _wrong(text, match) or _negated(text, match.start())
        if _is_letter(text, match.span(1)) and not refused:
            found |= {match.group(1).upper(), *_linked(text, match.end())}
    return found or None


def _heads(text: str, options: Sequence[str]) -> set[str] | None:
    """`B`, `(b)`, `B. right`, `**B**`: the text begins with it, and its first sentence names no other."""
    match = _LEADING.match(text)
    if match is None or not _is_letter(text, match.span(1)):
        return None
    if match.group(3) in {"/", "&", "?"} or (match.group(3) and not match.group(2)):
        named = text.startswith(("选项", "選項"), match.end(1))  # "B选项"
        return {match.group(1).upper()} if named else None if match.group(3).isalpha() else set()
    if _wrong(text, match) or _lists(text, options):
        return None
    return {match.group(1).upper(), *_linked(text, match.end(1)), *_others(text, match)}


def _others(text: str, head: re.Match[str]) -> set[str]:
    """Letters that a text names beside the one at its head: in its sentence, or alone on the next line."""
    rest = text[head.end(2) :]
    if "\n" in head.group(2):
        following = _AND_NO_MORE.match(rest)
        return {following.group(1)} if following else set()
    end = _SENTENCE_END.search(rest)
    sentence = rest[: end.start()] if end else rest
    return {
        other.group(1)
        for other in _ALONE.finditer(sentence)
        if _is_letter(sentence, other.span(1))
        and not _negated(sentence, other.start())
        and not _wrong(sentence, other)
    }


def _lists(text: str, options: Sequence[str]) -> bool:
    """`A. left B. right`: the options once more, of which none is chosen."""
    plain = " ".join(text.lower().split())
    labels = (
        rf"(?<![\w']){letter.lower()}\W{{1,3}}{re.escape(option.lower())}(?!\w)"
        for letter, option in zip(LETTERS, options, strict=False)
    )
    return sum(re.search(label, plain) is not None for label in labels) > 1


def _mentions(text: str, options: Sequence[str]) -> set[str] | None:
    """`Option B looks best`, `选B`; but not `option A is wrong`."""
    found = set[str]()
    for match in _MENTIONS.finditer(text):
        refused = _wrong(text, match) or _negated(text, match.start())
        if _is_letter(text, match.span(1)) and not refused:
            found |= {match.group(1).upper(), *_linked(text, match.end())}
    return found or None


def _ends(text: str, options: Sequence[str]) -> set[str] | None:
    """The last line is a letter, or the last sentence ends with one: `So it is B.`"""
    last = text.rsplit("\n", 1)[-1]
    match = _LAST_LINE.match(last) or _LAST_WORD.search(last[-200:])
    if match is None or _negated(last[-200:], match.start(1)):
        return None
    return {match.group(1).upper()} if match.group(1).isupper() else None


def _bracketed(text: str, options: Sequence[str]) -> set[str] | None:
    """`It went to the right (B).`"""
    found = {
        match.group(1) or match.group(2)
        for match in _BRACKETED.finditer(text)
        if not _negated(text, match.start())
    }
    return found or None


def _is_letter(text: str, span: tuple[int, int]) -> bool:
    """Whether a letter is no word: `a camera`, `A camera`, `I think`, `Plan b is better`."""
    letter = text[span[0] : span[1]]
    rest = text[span[1] : span[1] + 40]
    word = re.match(r" ([A-Za-z]+)", rest)
    if word is None:
        return letter != "I" or not re.match(r" ?'", rest)
    if letter.islower():
        return False
    return letter not in _MAY_BE_WORDS or word.group(1) in _AFTER_LETTER or word.group(1)[0].isupper()


def _linked(text: str, end: int) -> Iterator[str]:
    """Letters that are strung behind one: `B or C`, `A/B`, `A, B and C`."""
    while match := _LINK.match(text, end):
        if not _is_letter(text, match.span(1)) or _wrong(text, match):
            return
        yield match.group(1).upper()
        end = match.end()


def _wrong(text: str, match: re.Match[str]) -> bool:
    """`option A is wrong`; not `the answer A is correct`."""
    said = _WRONG.match(text, match.end(1), match.end(1) + 40)
    return said is not None and not re.fullmatch(
        r"[\W_]*(?:is|are|was|seems|looks)?\s*correct", said.group(), re.IGNORECASE
    )


def _negated(text: str, start: int) -> bool:
    return _NOT.search(text[max(0, start - _BEFORE) : start]) is not None


# --- options by their words ------------------------------------------------------------------------


def _by_text(text: str, options: Sequence[str], *, in_full: bool = False) -> int | None:
    """The one option whose words a text holds; unless `in_full`, the one word by which it differs from the
    others will do.
    """
    lowered = _plain(text)
    plain = [_plain(option) for option in options]
    found = _held(lowered, plain)
    if len(found) > 1:  # "counter-clockwise" holds no "clockwise", but "no movement to the left" holds "left"
        longest = max(found, key=lambda index: len(plain[index]))
        found = [i for i in found if plain[i] not in plain[longest] or i == longest]
    if not found and all(_LISTED.fullmatch(option) for option in plain):
        said = re.findall(r"\d+", lowered)
        lists = [option.split() for option in plain]
        # all start from image 1, and some say the option's number before
        found = [
            i for i, numbers in enumerate(lists) if said in (numbers, ["1", *numbers], [str(i + 1), *numbers])
        ]
    elif not found and not in_full:
        found = _held(lowered, _telling_words(plain))
    return found[0] if len(found) == 1 else None


def _held(text: str, words: Sequence[str]) -> list[int]:
    """Which of these a text holds, other than behind a "not"."""

    def holds(option: str) -> bool:
        before = ""
        after = ""
        suffix = "(?:wards?|(?<=ward)s)?"  # "rightwards" is "right"
        if _LISTED.fullmatch(option):
            # "2 3 4 5" holds no "2 3 4"
            before = r"(?<!\d )"
            after = r"(?! \d)"
        places = re.finditer(rf"{before}(?<![\w\-]){re.escape(option)}{suffix}(?![\w\-]){after}", text)
        return any(not _negated(text, place.start()) for place in places)

    return [i for i, option in enumerate(words) if holds(option)]


def _telling_words(options: Sequence[str]) -> list[str]:
    """ "red", "blue" of "the red dot", "the blue dot"; nothing where options differ in several places."""
    rows = [option.split() for option in options]
    if len({len(row) for row in rows}) != 1:
        return []
    places = [i for i, column in enumerate(zip(*rows, strict=True)) if len(set(column)) > 1]
    return [row[places[0]] for row in rows] if len(places) == 1 else []


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^\w\s\-]", " ", text.lower()).split())
