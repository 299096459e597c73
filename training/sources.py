"""All labelled content under a folder, each data set in its own folder below it, deduplicated and split."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from assay.errors import InputError
from training import readers
from training.contents import Content, key_of
from training.splits import Part, part_of
from training.synthetic.conduct import conduct
from training.synthetic.everyday import everyday
from training.synthetic.injections import answers, injections


@dataclass(frozen=True, slots=True)
class DataSet:
    """A data set: its folder below the user's, its reader, and what its licence allows."""

    folder: str
    read: Callable[[Path], Iterator[Content]]
    licence: str


DATA_SETS: Mapping[str, DataSet] = {
    "davidson": DataSet("davidson-hate-offensive", readers.davidson, "MIT"),
    "diasafety": DataSet("diasafety", readers.diasafety, "Apache-2.0"),
    "edos": DataSet("edos", readers.edos, "CC0-1.0"),
    "gptfuzz": DataSet("gptfuzz", readers.gptfuzz, "MIT"),
    "sms": DataSet("sms-spam", readers.sms, "CC-BY-4.0"),
    "email": DataSet("spamassassin", readers.email, "PDDL-1.0 or CC0-1.0"),
}
"""All of them may be used commercially."""

SYNTHETIC: Mapping[str, Callable[[], Iterator[Content]]] = {
    "injection": injections,
    "answers": answers,
    "conduct": conduct,
    "everyday": everyday,
}
"""Made here, without a folder."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A content, and what is computed from it once: how it is shown, its key, its group and its part."""

    content: Content
    shown: str
    key: str
    group: str
    part: Part


def read_all(data: Path) -> dict[str, tuple[Labelled, ...]]:
    """The contents of each source, in the order of its files. The same content twice counts once, and not at all if its
    labels contradict each other.

    Raises InputError, naming the file that is missing or has another form.
    """
    if missing := [each.folder for each in DATA_SETS.values() if not (data / each.folder).is_dir()]:
        raise InputError(f"{data}: no folder {', '.join(missing)}; docs/small-judge.md says what belongs there")
    found = {name: _read(each, data / each.folder) for name, each in DATA_SETS.items()}
    return found | {name: _labelled(made()) for name, made in SYNTHETIC.items()}


def _read(each: DataSet, folder: Path) -> tuple[Labelled, ...]:
    try:
        return _labelled(each.read(folder))
    except (LookupError, ValueError, OSError) as error:
        raise InputError(f"{folder}: not in the form that docs/small-judge.md describes: {error!r}") from error


def contents_of(found: Mapping[str, Sequence[Labelled]], part: Part) -> dict[str, list[Content]]:
    """The contents of one part, by source."""
    return {name: [each.content for each in listed if each.part is part] for name, listed in found.items()}


def _labelled(contents: Iterator[Content]) -> tuple[Labelled, ...]:
    seen: dict[str, Labelled] = {}
    contradicted: set[str] = set()
    for content in contents:
        if not content.words.strip():
            continue
        shown = content.shown
        key = key_of(shown)
        if key not in seen:
            seen[key] = Labelled(content, shown, key, content.group, part_of(content.group))
        elif bool(seen[key].content.tags) != bool(content.tags):
            contradicted.add(key)
    return tuple(each for key, each in seen.items() if key not in contradicted)
