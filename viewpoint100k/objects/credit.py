"""Authors and licences, as manifests and annotations spell them."""

import re
import unicodedata
from typing import Any

from viewpoint100k.errors import InputError

_SPELLINGS = (  # longest first; what is left over after these is not a plain Creative Commons licence
    (r"https?://(www\.)?creativecommons\.org/(licenses|publicdomain)/", "cc"),
    (r"creative\s+commons", "cc"),
    (r"public\s+domain\s+dedication|universal|international|unported|generic|licen[cs]e|legalcode|deed", ""),
    (r"non[\s-]?commercial", "nc"),
    (r"no[\s-]?deriv\w*", "nd"),
    (r"share[\s-]?alike", "sa"),
    (r"attribution", "by"),
    (r"\bzero\b", "cc0"),
)
_PERSON_FIELDS = ("displayName", "username", "slug", "label", "name")  # never e-mail or avatar


def plain_text(value: Any) -> str:
    """One printable line from a field of a stranger's file; for a person, only the name.

    Lists count as empty.
    """
    if isinstance(value, dict):
        return next((text for field in _PERSON_FIELDS if (text := plain_text(value.get(field)))), "")
    if not isinstance(value, str | int | float):
        return ""
    # lone surrogates cannot be written as UTF-8
    return " ".join(
        "".join(" " if unicodedata.category(c) in ("Cc", "Cs") else c for c in str(value)).split()
    )


def normalise_licence(text: str) -> str:
    """The SPDX-like identifier of a Creative Commons licence, however it is spelt; other texts unchanged.

    A version is never invented, except that Sketchfab's bare slugs ("by-nc-sa") mean 4.0 and CC0 has only
    1.0. Compound terms ("CC0-1.0 and CC-BY-4.0 (rig)") stay whole, because half of them would be wrong.
    Empty: "unknown".
    """
    tidy = plain_text(text)
    if tidy.lower() in ("", "unknown", "none", "null", "n/a", "-"):
        return "unknown"
    parsed = _parse(tidy)
    if parsed is None:
        return tidy
    family, version = parsed
    if family == "CC0":
        version = "1.0"
    elif re.fullmatch(r"by(-(nc|nd|sa))*", tidy.lower()):
        version = "4.0"
    return f"{family}-{version}" if version else family


def allowed_licences(text: str) -> list[str]:
    """The licences of a list that a person typed: "cc0,by,CC-BY-SA-3.0".

    Short names ("by", "by-nc-sa") and families ("CC-BY") stand for any version; other entries are kept as
    written.

    Raises:
        InputError: the list is empty.
    """
    names = [name for name in (plain_text(part) for part in text.split(",")) if name]
    if not names:
        raise InputError(f"--allow {text!r}: expected licences, for instance cc0,by,by-sa or CC-BY-4.0")
    out = []
    for name in names:
        parsed = _parse(name)
        if parsed is None:
            out.append(name)
        elif parsed[0] == "CC0":
            out.append("CC0-1.0")  # there is no other
        else:
            out.append(f"{parsed[0]}-{parsed[1]}" if parsed[1] else parsed[0])
    return list(dict.fromkeys(out))


def licence_refusal(licence: str, allow: tuple[str, ...] | None) -> str | None:
    """Why an object under `licence` is not used; None if it may be used.

    Args:
        licence: as `normalise_licence` gives it.
        allow: identifiers ("CC-BY-4.0") or short names, which mean any version ("by", "cc0", "CC-BY-SA"). All
            parts of "A and B" must be allowed. None: everything but no-derivatives licences.
    """
    if allow is not None:
        return (
            None
            if _allowed(licence, allow)
            else f"licence {licence} is not one of {', '.join(allow) or 'none'}"
        )
    if re.search(r"\bnd\b|no[\s-]?deriv", licence, re.IGNORECASE):
        return f"licence {licence} forbids derivatives, and a render is one; allow it by name if you may"
    return None


def _allowed(licence: str, allow: tuple[str, ...]) -> bool:
    parsed = _parse(licence)
    for entry in allow:
        entry_parsed = _parse(entry)
        any_version = entry_parsed is not None and not entry_parsed[1]
        if any_version and parsed is not None and parsed[0] == entry_parsed[0]:  # type: ignore[index]
            return True
        if normalise_licence(entry).lower() == licence.lower():
            return True
    parts = re.sub(r"\([^)]*\)", "", licence).split(" and ")
    return len(parts) > 1 and all(_allowed(normalise_licence(part), allow) for part in parts)


def _parse(text: str) -> tuple[str, str] | None:
    """Family ("CC-BY-NC", "CC0") and version ("" if not given).

    None if the text is not exactly one Creative Commons licence.
    """
    plain = text.lower()
    for pattern, word in _SPELLINGS:
        plain = re.sub(pattern, f" {word} ", plain)
    words = set(re.findall(r"cc0|[a-z]+|\d+(?:\.\d+)*", plain)) - {"cc", "v"}
    versions = {word if "." in word else f"{word}.0" for word in words if word[0].isdigit()}
    terms = {word for word in words if not word[0].isdigit()}
    if len(versions) > 1:
        return None
    version = "".join(versions)
    if terms == {"cc0"}:
        return "CC0", version
    if "by" in terms and terms <= {"by", "nc", "nd", "sa"}:
        return "CC-" + "-".join(term for term in ("by", "nc", "nd", "sa") if term in terms).upper(), version
    return None
