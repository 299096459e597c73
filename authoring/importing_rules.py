"""The rules of a published policy: where its labels are defined, and what is said of each."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from assay.policy import Rule
from assay.records import Action
from authoring.importing_contract import form_lines, headings
from authoring.importing_labels import Scheme, codes_in
from authoring.importing_records import Kind, Remark

_GRAVITY = (
    (4, r"maximum|malicious|extreme|most severe|critical"),
    (3, r"high[ -]risk|high[ -]severity|strong|severe|serious"),
    (2, r"medium|moderate|likely"),
    (1, r"minor|mild|low[ -]risk|low[ -]severity|borderline"),
)
_ACTIONS = {1: Action.WARN, 2: Action.REVIEW, 3: Action.BLOCK, 4: Action.BLOCK}
_SAYS_VALID = re.compile(r"(?m)^\W*[Oo]utput\W*:\s*VALID\b")
_SAYS_INVALID = re.compile(r"(?m)^\W*[Oo]utput\W*:.*\bINVALID\b")
WHOLE_POLICY = Rule(id="R1", text="Violates the policy as it is written")
_DASHES = "\u2013\u2014-"
_NAME_CHARS = 60
_NOUN = r"(?i:label|category|class|level|tier)"


def places_of(lines: Sequence[str], scheme: Scheme, sections: Sequence[range]) -> dict[str, int]:
    """The line on which each label is defined: outside of the sections about the answer's form, if it is there."""
    inside = {number for section in sections for number in section}
    outside = [number for number in range(len(lines)) if number not in inside]
    places: dict[str, int] = {}
    for label in scheme.labels:
        if (place := _defined(lines, label, [*outside, *sorted(inside)])) is not None:
            places[label] = place
    return places


def _defined(lines: Sequence[str], label: str, numbers: Iterable[int]) -> int | None:
    """A line that begins with the label or has it at the start of brackets, or a heading with no other label."""
    whole = rf"{label}(?![A-Za-z0-9]|\.[a-z])"
    begins = re.compile(rf"^[^A-Za-z0-9]*(?:{_NOUN}\s+)?{whole}|[(\[]\s*{whole}")
    titled = {each.line for each in headings(lines) if codes_in(each.title) == (label,)}
    return next((number for number in numbers if begins.search(lines[number]) or number in titled), None)


def part_of(lines: Sequence[str], start: int, starts: Collection[int]) -> str:
    """What is said of a label: from its line to the next label's, or to the next heading of its level or above."""
    own = next((each.level for each in headings(lines) if each.line == start), 7)
    ends = [each for each in starts if each > start]
    ends += (each.line for each in headings(lines) if each.line > start and each.level <= own)
    return "\n".join(lines[start : min(ends, default=len(lines))])


def is_allowed(label: str, part: str) -> bool:
    """Whether a label stands for content that violates nothing, by its number 0 or by the output it asks for."""
    if _SAYS_INVALID.search(part):
        return False
    return int(re.sub(r"\D", "", label)) == 0 or _SAYS_VALID.search(part) is not None


def rules_of(
    scheme: Scheme, allowed: Sequence[str], parts: Mapping[str, str], places: Mapping[str, int], file: str
) -> tuple[tuple[Rule, ...], list[Remark]]:
    """The labels that are not allowed as rules, and what was guessed. Without any, the whole policy is one rule."""
    if not set(scheme.labels) - set(allowed):
        text = "no labels such as X0 and X1 were found: the whole policy is one rule, R1"
        return (WHOLE_POLICY,), [Remark(Kind.GUESSED, file, text)]
    none_allowed = "no label is allowed: none ends in 0 or has the output VALID; each is a rule"
    means = f"allowed: {', '.join(allowed)}; not a rule" if allowed else none_allowed
    remarks = [Remark(Kind.GUESSED, file, means)]
    rules = []
    for label in scheme.labels:
        if label not in allowed:
            rule, why = _rule(label, parts.get(label, ""))
            where = f"{file}:{places[label] + 1}" if label in places else file
            remarks.append(
                Remark(Kind.GUESSED, where, f"{label}: severity {rule.severity}, action {rule.action} ({why})")
            )
            rules.append(rule)
    return tuple(rules), remarks


def _rule(label: str, part: str) -> tuple[Rule, str]:
    """A label as a rule, and what its severity was guessed from."""
    first, *following = part.split("\n")
    name = plain(re.sub(rf"(?:\b{_NOUN}\s+)?\b{label}\b\s*[:{_DASHES}]*\s*", "", first))
    text = name if _is_listed(label, first) else next(_said(label, following), name)
    short = re.split(rf"\s*[(:]|\s+[{_DASHES}]\s+", name)[0].strip()[:_NAME_CHARS]
    shown = f"{name}\n{text}".lower()
    number = int(re.sub(r"\D", "", label))
    severity, why = next(
        ((grade, f"the text says {word[0]!r}") for grade, words in _GRAVITY if (word := re.search(words, shown))),
        (min(max(number, 1), 4), "after its number"),
    )
    why += "; its own ESCALATE is no action of a rule" if re.search(r"\bESCALATE\b", part) else ""
    why += "" if part else "; no line defines it"
    return Rule(id=label, label=short, text=text, severity=severity, action=_ACTIONS[severity]), why


def _is_listed(label: str, line: str) -> bool:
    """Whether a line says all there is: it begins with the label and is no heading, or has a colon in its title."""
    begins = re.match(rf"^[^A-Za-z0-9]*(?:{_NOUN}\s+)?{label}\b", line) is not None
    return (begins and not headings([line])) or re.search(r"\w:\s+\w", line.split(label, 1)[-1]) is not None


def _said(label: str, lines: Sequence[str]) -> Iterator[str]:
    """The lines of prose below the label's own: not its parts (SP2.a), and not the form of the answer."""
    forms = form_lines(lines)
    for number, line in enumerate(lines):
        if plain(line) and number not in forms and not re.match(rf"^\W*{label}\W?[a-z]\b", line):
            yield plain(line)


def plain(line: str) -> str:
    """A line without marks of Markdown, pictures at its start and brackets that are empty."""
    bare = re.sub(r"[*_`|]+", " ", line).replace("()", " ")
    return re.sub(r"\s+", " ", re.sub(r"^[^\w(“\"']+", "", bare)).strip(f" :{_DASHES}")
