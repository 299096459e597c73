"""Content of a few items, read again where they were: the tables don't hold it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

from assay.config import KafkaConfig, ParquetConfig
from assay.errors import InputError
from assay.records import Item
from sources.cursor import Cursor
from sources.parquet_file import open_file
from sources.paths import resolve
from sources.plan import wanted_columns
from sources.rows import Rows

IN_A_TOPIC = "it is in the topic, which a report does not read"
GONE = "it is no longer where it was judged"
UNNAMED = "it was judged in a file that the config does not name"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The content that was judged at a place, as its hash tells."""

    source: str
    position: int
    content_hash: str | None


@dataclass(frozen=True, slots=True)
class Found:
    """What was judged, on lines of its own for each turn; or "" and why it can't be had."""

    text: str
    why_not: str = ""


def contents(config: ParquetConfig | KafkaConfig, wanted: Iterable[Wanted]) -> Mapping[Wanted, Found]:
    """What can be had of each. Only files that the config names are read, each from the row group that holds a place.

    Never raises for content: a file that is gone or was replaced since is told in `why_not`.
    """
    if isinstance(config, KafkaConfig):
        return {each: Found("", IN_A_TOPIC) for each in wanted}
    by_source: dict[str, list[Wanted]] = defaultdict(list)
    for each in wanted:
        by_source[each.source].append(each)
    try:
        there = frozenset(resolve(config.path))
    except InputError:
        there = frozenset()
    found: dict[Wanted, Found] = {}
    for source, several in by_source.items():
        if source not in there:
            found |= dict.fromkeys(several, Found("", UNNAMED))
            continue
        items = _items(config, source, sorted(each.position for each in several))
        found |= {each: _found(items.get(each.position), each) for each in several}
    return found


def _found(item: Item | None, wanted: Wanted) -> Found:
    if item is None or item.content_hash != wanted.content_hash:
        return Found("", GONE)
    if len(item.judged) == 1:
        return Found(item.judged[0].content)
    return Found("\n".join(f"{turn.role}: {turn.content}" for turn in item.judged))


def _items(config: ParquetConfig, source: str, positions: Sequence[int]) -> Mapping[int, Item]:
    """By position, as far as they can be read; what is no item any more is left out."""
    try:
        return dict(_read(config, source, positions))
    except InputError:
        return {}


def _read(config: ParquetConfig, source: str, positions: Sequence[int]) -> Iterator[tuple[int, Item]]:
    with closing(open_file(source, config)) as file:
        rows = Rows(config, source, file.partitions)
        columns = wanted_columns(config) - file.partitions.keys()
        cursor = Cursor(file, columns, frozenset(range(len(file.bounds) - 1)))
        for position in dict.fromkeys(positions):
            if position >= file.rows:
                return
            for first, batch in cursor.read(position, position + 1):
                for arrival in rows.arrivals("", [first], batch, frozenset()):
                    if isinstance(arrival, Item):
                        yield position, arrival
