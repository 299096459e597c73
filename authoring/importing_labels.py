"""The labels of published policies, such as SP0 to SP4 or X0 to X3, and the cells that hold them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

_CODE = re.compile(r"(?<![A-Za-z0-9])(?P<prefix>[A-Za-z]{1,4})(?P<number>[0-9]{1,2})(?P<part>\.?[a-z])?(?![A-Za-z0-9])")
_WORDS = {"invalid": True, "violates": True, "violation": True, "violating": True, "unsafe": True}
_WORDS |= {"valid": False, "allowed": False, "safe": False, "compliant": False}
_FILLERS = {"d", "r", "and", "or", "escalate"}
_ABSENT = {"", "n/a", "na", "none", "-", "\u2013", "\u2014"}


@dataclass(frozen=True, slots=True)
class Scheme:
    """A policy's labels: a prefix and a number each, in order of their numbers. None at all is `Scheme("", ())`."""

    prefix: str
    labels: tuple[str, ...]

    def label_of(self, code: str) -> str | None:
        """The label that a code stands for: itself, or one whose prefix was written shorter (S2 for SP2)."""
        found = _CODE.fullmatch(code)
        if not found or not self.prefix.startswith(found["prefix"].upper()):
            return None
        label = f"{self.prefix}{int(found['number'])}"
        return label if label in self.labels else None


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell of labels says: its codes without the letters of their parts, and a word such as INVALID."""

    codes: tuple[str, ...]
    violation: bool | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What labels come to: a violation or not, None if that can't be told; the rules and the unknown codes among them.

    If a word says that it is allowed, `rules` may still hold what its codes say.
    """

    violation: bool | None
    rules: tuple[str, ...]
    unknown: tuple[str, ...]


def scheme_of(text: str) -> Scheme:
    """The labels of a policy: the prefix used most, those first that have a number 0 and another."""
    numbers: dict[str, Counter[int]] = {}
    for found in _CODE.finditer(text):
        if found["prefix"].isupper():
            numbers.setdefault(found["prefix"], Counter())[int(found["number"])] += 1
    several = {prefix: counts for prefix, counts in numbers.items() if len(counts) > 1}
    if not several:
        return Scheme("", ())
    prefix = max(several, key=lambda each: (0 in several[each], several[each].total()))
    return Scheme(prefix, tuple(f"{prefix}{number}" for number in sorted(several[prefix])))


def codes_in(text: str) -> tuple[str, ...]:
    """The codes of a text, each once, in order and in capitals: SP2 for SP2.a."""
    return tuple(dict.fromkeys(f"{found['prefix'].upper()}{int(found['number'])}" for found in _CODE.finditer(text)))


def is_absent(text: str) -> bool:
    return text.strip().lower() in _ABSENT


def as_cell(text: str) -> Cell | None:
    """A cell of labels, or None if it is something else: it begins with a code, or has nothing but codes and words."""
    bare = re.sub(r"^[^A-Za-z0-9]+", "", text)
    bare = re.sub(r"^[DdRr]-", "", bare)
    words = [word.lower() for word in re.findall(r"[A-Za-z]+", _CODE.sub(" ", text))]
    only_labels = all(word in _WORDS or word in _FILLERS for word in words) and not re.search(
        r"\d", _CODE.sub("", text)
    )
    if not _CODE.match(bare) and not (only_labels and (words or _CODE.search(text))):
        return None
    said = {_WORDS[word] for word in words if word in _WORDS} if only_labels else set()
    return Cell(codes_in(text), said.pop() if len(said) == 1 else None)


def outcome(cell: Cell, scheme: Scheme, allowed: Sequence[str]) -> Outcome:
    """What a cell comes to under a policy. A word decides before codes do; one code that is not allowed is enough."""
    known = {code: scheme.label_of(code) for code in cell.codes}
    labels = dict.fromkeys(label for label in known.values() if label)
    unknown = tuple(code for code, label in known.items() if not label)
    rules = tuple(label for label in labels if label not in allowed)
    violation = cell.violation
    if violation is None and cell.codes:
        violation = bool(rules or any(int(re.sub(r"\D", "", code)) for code in unknown))
    return Outcome(violation, rules, unknown)
