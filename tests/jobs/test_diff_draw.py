"""What a sample of a source is: contents, each with the same chance, and what they stand for."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.config import Columns, ParquetConfig
from assay.errors import InputError
from assay.records import ItemKind
from jobs.diff_draw import draw
from measure.paired import extrapolate

ALL = tuple(ItemKind)


def source(folder: Path, texts: list[str | None], *, ids: list[str] | None = None) -> ParquetConfig:
    """The texts as a source; a text that begins with ? is a completion."""
    table = pa.table(
        {
            "id": ids or [f"i{number}" for number in range(len(texts))],
            "text": [None if text is None or text.startswith("?") else text for text in texts],
            "prompt": ["why" for _ in texts],
            "response": [text if text is not None and text.startswith("?") else None for text in texts],
        }
    )
    pq.write_table(table, folder / "items.parquet", row_group_size=100)
    columns = Columns(id="id", text="text", prompt="prompt", response="response")
    return ParquetConfig(kind="parquet", path=(str(folder / "items.parquet"),), columns=columns, duplicate_ids="keep")


def test_a_content_is_drawn_once_however_often_it_occurs_and_knows_its_copies(tmp_path: Path) -> None:
    texts: list[str | None] = [f"text {number % 50}" for number in range(170)]
    drawn = draw(source(tmp_path, texts), 20, 0, ALL)
    said = [item.judged[0].content for item in drawn.items]
    assert len(said) == len(set(said)) == 20
    assert drawn.population.contents == {ItemKind.TEXT: 50}
    assert drawn.population.items == {ItemKind.TEXT: 170}
    counts = Counter(texts)
    assert drawn.population.copies == {item.id: counts[item.judged[0].content] for item in drawn.items}
    assert [item.id for item in drawn.items] == sorted(
        (item.id for item in drawn.items), key=lambda name: int(name[1:])
    )
    assert all(int(item.id[1:]) < 50 for item in drawn.items), "of copies the first stands for them"


def test_the_same_seed_draws_the_same_and_a_larger_sample_has_the_smaller_one_in_it(tmp_path: Path) -> None:
    config = source(tmp_path, [f"text {number}" for number in range(400)])
    small, again, large, other = (
        {item.id for item in draw(config, size, seed, ALL).items}
        for size, seed in ((40, 1), (40, 1), (120, 1), (40, 2))
    )
    assert small == again
    assert small < large
    assert small != other


def test_a_sample_larger_than_the_source_is_the_source(tmp_path: Path) -> None:
    drawn = draw(source(tmp_path, ["one", "two", "one", "three"]), 500, 0, ALL)
    assert [item.id for item in drawn.items] == ["i0", "i1", "i3"]


def test_what_makes_no_sense_or_is_of_another_kind_is_not_drawn_from(tmp_path: Path) -> None:
    config = source(tmp_path, ["one", None, "?two", "three", " "])
    drawn = draw(config, 10, 0, (ItemKind.TEXT,))
    assert [item.judged[0].content for item in drawn.items] == ["one", "three"]
    assert drawn.population.contents == {ItemKind.TEXT: 2}
    both = draw(config, 10, 0, ALL)
    assert both.population.items == {ItemKind.TEXT: 2, ItemKind.COMPLETION: 1}
    with pytest.raises(InputError, match="no item that one of the policies is for"):
        draw(config, 10, 0, (ItemKind.CHAT,))


def test_items_of_one_id_and_several_contents_are_told_apart(tmp_path: Path) -> None:
    drawn = draw(source(tmp_path, ["one", "two", "three"], ids=["a", "a", "b"]), 10, 0, ALL)
    names = [item.id for item in drawn.items]
    assert len(set(names)) == 3
    assert names[2] == "b"
    assert all(name.startswith("a (") for name in names[:2])


def test_what_is_drawn_brackets_the_truth_about_as_often_as_it_says(tmp_path: Path) -> None:
    """Copies are no reason to be drawn: three quarters of the items, and a third of the contents, are hits."""
    texts: list[str | None] = [f"hit {number % 200}" for number in range(1200)]
    texts += [f"text {number}" for number in range(400)]
    config, covered = source(tmp_path, texts), 0
    for seed in range(100):
        drawn = draw(config, 60, seed, ALL)
        hits = sum(item.judged[0].content.startswith("hit") for item in drawn.items)
        found = extrapolate(hits, len(drawn.items), 600)
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 200 <= found.high
    assert 90 <= covered <= 100
