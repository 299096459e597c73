"""Planning: which files, which shards, which rows."""

from __future__ import annotations

import datetime as dt
import os
import pickle
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.errors import InputError
from assay.records import Item
from sources.plan import cuts, plan
from tests.sources.workshop import config, drain, read, source_of, write

COLUMNS = {"id": "id", "text": "text"}


def _rows(start: int, stop: int) -> dict[str, list[object]]:
    numbers = range(start, stop)
    return {"id": [f"i{n}" for n in numbers], "text": [f"text {n}" for n in numbers], "n": list(numbers)}


def test_files_are_found_by_file_folder_glob_list_and_uri(tmp_path: Path) -> None:
    a = write(tmp_path / "in" / "a.parquet", _rows(0, 1))
    b = write(tmp_path / "in" / "deep" / "b.parquet", _rows(1, 2))
    (tmp_path / "in" / "notes.txt").write_text("not for us")
    write(tmp_path / "in" / "_work" / "c.parquet", _rows(0, 1))
    uris = [f"file://{a}", f"file://{b}"]

    def found(path: str | tuple[str, ...]) -> list[str]:
        return [file.uri for file in plan(config("x").model_copy(update={"path": path})).files]

    assert found(str(a)) == uris[:1]
    assert found(uris[1]) == uris[1:]
    assert found(str(tmp_path / "in")) == uris
    assert found(f"file://{tmp_path}/in/*.parquet") == uris[:1]
    assert found((str(b), str(a), str(tmp_path / "in" / "deep"))) == uris


def test_an_odd_file_name_stays_whole(tmp_path: Path) -> None:
    write(tmp_path / "a b%20[1]#ü.parquet", _rows(0, 3))
    assert len(read(config(tmp_path))) == 3
    assert len(read(config(tmp_path / "a b%20[1]#ü.parquet"))) == 3


@pytest.mark.parametrize("path", ["nowhere.parquet", "empty", "*.parquet", "empty/*"])
def test_no_files_matched_is_an_input_error(tmp_path: Path, path: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no Parquet files at .*" + path.replace("*", r"\*")):
        plan(config(tmp_path / path))


def test_folders_of_a_partitioned_data_set_are_columns(tmp_path: Path) -> None:
    table = pa.table({**_rows(0, 4), "lang": ["de", "en", "de", "en"], "year": [2024, 2024, 2025, 2025]})
    ds.write_dataset(table, tmp_path, format="parquet", partitioning=["lang", "year"], partitioning_flavor="hive")
    columns = {**COLUMNS, "carry": ["lang", "year"]}
    arrivals = read(config(tmp_path, columns, where="lang = 'de' AND year >= 2025"))
    assert [(a.id, a.carried) for a in arrivals] == [("i2", (("lang", "de"), ("year", "2025")))]
    assert len(read(config(tmp_path, columns))) == 4


def test_shards_are_named_by_their_rows_and_content(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", _rows(0, 11_000), row_group_size=11_000)
    planned = plan(config(path))
    version = planned.files[0].version
    ranges, names = zip(*(shard.id.split(":") for shard in planned.shards), strict=True)
    assert ranges == ("0-4096", "4096-8192", "8192-11000")
    assert len(set(names)) == 1
    assert {shard.source for shard in planned.shards} == {f"file://{path}"}
    assert 0 <= version < 2**63
    assert pickle.loads(pickle.dumps(planned)) == planned  # noqa: S301


@pytest.mark.parametrize(
    "change",
    [
        {"columns": {"id": "id", "text": "id"}},
        {"judged": "whole"},
        {"duplicate_ids": "keep"},
        {"caps": {"content_bytes": 10}},
    ],
)
def test_content_that_is_read_in_another_way_is_another_shard(tmp_path: Path, change: dict[str, Any]) -> None:
    path = write(tmp_path / "a.parquet", _rows(0, 10))
    (before,) = plan(config(path, {"id": "id", "text": "text"})).shards
    settings = {"columns": {"id": "id", "text": "text"}, **change}
    (after,) = plan(config(path, **settings)).shards
    assert before.id != after.id
    assert before.version == after.version


def test_what_does_not_change_the_judged_content_leaves_the_shard(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", {**_rows(0, 10), "lang": ["de"] * 10})
    columns = {"id": "id", "text": "text"}
    assert plan(config(path, columns)).shards == plan(config(path, {**columns, "carry": ["lang"]})).shards


def test_a_changed_file_has_another_version(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", _rows(0, 10))
    first = plan(config(path))
    os.utime(path, (0, 0))
    assert plan(config(path)) == first
    write(path, {**_rows(0, 10), "text": [f"other {n}" for n in range(10)]})
    assert plan(config(path)).files[0].version != first.files[0].version


def test_a_file_that_changes_after_planning_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", _rows(0, 10))
    source, _ = source_of(config(path))
    write(path, _rows(0, 11))
    with pytest.raises(InputError, match=r"a\.parquet: changed"):
        drain(source)


@given(st.lists(st.integers(1, 40_000), min_size=1, max_size=12))
def test_cuts_cover_every_row_once_in_at_most_128_pieces(groups: list[int]) -> None:
    bounds = [sum(groups[:n]) for n in range(len(groups) + 1)]
    ranges = cuts(bounds)
    assert [start for start, _ in ranges] == [0, *(stop for _, stop in ranges[:-1])]
    assert ranges[-1][1] == bounds[-1]
    assert all(start < stop for start, stop in ranges)
    assert len(ranges) <= 128


def test_limit_only_shortens_shards(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", _rows(0, 10_000))
    whole, short = plan(config(path)), plan(config(path, limit=5000))
    assert short.items == 5000
    assert [s.id for s in short.shards] == [s.id for s in whole.shards[:2]]
    assert [s.stop for s in short.shards] == [4096, 5000]
    assert [s.selection for s in short.shards] == ["", ""]


def test_limit_counts_what_where_leaves(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", _rows(0, 5000))
    write(tmp_path / "b.parquet", _rows(5000, 10_000))
    given_ = config(tmp_path, where="n >= 4990", limit=20)
    assert [arrival.id for arrival in read(given_)] == [f"i{n}" for n in range(4990, 5010)]
    assert plan(given_).items == 20


def test_trial_runs_are_named_by_their_selection(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", _rows(0, 10))

    def name(**keys: object) -> str:
        return plan(config(path, **keys)).shards[0].selection

    names = [name(), name(where="n>1"), name(where="n > 2"), name(sample=0.5), name(sample=0.5, seed=1), name(seed=3)]
    assert names[0] == names[5] == ""
    assert len(set(names)) == 5
    assert name(where="n>1") == name(where="n  >  1")


def test_a_sample_is_a_seeded_share_wherever_the_file_lies(tmp_path: Path) -> None:
    write(tmp_path / "a" / "x.parquet", _rows(0, 20_000))
    write(tmp_path / "b" / "y.parquet", _rows(0, 20_000))
    drawn = [{a.id for a in read(config(tmp_path / f, sample=0.1, seed=s))} for f, s in (("a", 1), ("b", 1), ("a", 2))]
    assert drawn[0] == drawn[1] != drawn[2]
    assert 1800 < len(drawn[0]) < 2200
    assert drawn[0] < {a.id for a in read(config(tmp_path / "a", sample=0.3, seed=1))}


def test_row_groups_that_statistics_rule_out_are_not_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", _rows(0, 10_000), row_group_size=5000, compression="none")
    chunk = pq.read_metadata(path).row_group(0).column(2)
    data = bytearray(path.read_bytes())
    start = chunk.dictionary_page_offset or chunk.data_page_offset
    data[start : start + chunk.total_compressed_size] = b"\xff" * chunk.total_compressed_size
    path.write_bytes(data)
    assert plan(config(path, where="n >= 9990")).items == 10
    with pytest.raises(InputError, match=r"a\.parquet: rows 0 to 5000"):
        plan(config(path, where="n >= 10"))


@pytest.mark.parametrize(
    ("where", "fault"),
    [
        ("n =", "not a condition"),
        ("nope = 1", "no column nope; there are: id, text, n"),
        ("n = 'x'", "n = 'x'"),
        ("length(text) > 3", "not supported"),
        ("n IN (SELECT 1)", "not supported"),
        ("1 = 1; DROP TABLE x", "source.where"),
        ("text", "source.where"),
        ("read_csv('/etc/passwd') = 1", "not supported"),
    ],
)
def test_a_where_that_is_no_condition_is_an_input_error(tmp_path: Path, where: str, fault: str) -> None:
    path = write(tmp_path / "a.parquet", _rows(0, 10))
    with pytest.raises(InputError, match=r"source\.where") as caught:
        plan(config(path, where=where))
    assert fault in str(caught.value)


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ("lang = 'de'", [0]),
        ("NOT lang = 'de'", [1]),
        ("lang NOT IN ('en', 'fr')", [0]),
        ("lang IS NULL OR n = 0", [0, 2]),
        ("n BETWEEN 1 AND 2 AND lang IS NOT NULL", [1]),
        ("day >= DATE '2024-02-01'", [1]),
        ("at < '2024-01-15'", [0]),
        ("at > TIMESTAMP '2024-01-15 10:00:00'", [1]),
        ("meta.score > 1.5", [1]),
        ("ok", [0]),
        ("ok = false", [1]),
        ("lang LIKE 'd%' OR lang ILIKE '_N'", [0, 1]),
        ("-1 < n AND n <> 1", [0, 2]),
        ("lang = NULL", []),
    ],
)
def test_where_means_what_it_means_in_sql(tmp_path: Path, where: str, ids: list[int]) -> None:
    days = [dt.date(2024, 1, 1), dt.date(2024, 2, 1), None]
    path = write(
        tmp_path / "a.parquet",
        {
            **_rows(0, 3),
            "lang": ["de", "en", None],
            "day": days,
            "at": pa.array(days).cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC")),
            "meta": [{"score": 1.0}, {"score": 2.0}, None],
            "ok": [True, False, None],
        },
    )
    assert [a.id for a in read(config(path, where=where))] == [f"i{n}" for n in ids]


@settings(max_examples=30, deadline=None)
@given(
    files=st.lists(st.integers(0, 9000), min_size=1, max_size=2),
    group=st.integers(500, 9000),
    pages=st.booleans(),
    above=st.none() | st.integers(0, 12_000),
    sample=st.none() | st.floats(0.01, 1),
    limit=st.none() | st.integers(1, 15_000),
    room=st.integers(50, 5000),
)
def test_every_selected_row_is_delivered_exactly_once(
    tmp_path_factory: pytest.TempPathFactory,
    files: list[int],
    group: int,
    pages: bool,
    above: int | None,
    sample: float | None,
    limit: int | None,
    room: int,
) -> None:
    folder = tmp_path_factory.mktemp("property")
    first = 0
    for number, rows in enumerate(files):
        options = {"data_page_size": 512, "write_batch_size": 64} if pages else {}
        write(folder / f"{number}.parquet", _rows(first, first + rows), row_group_size=group, **options)
        first += rows
    where = None if above is None else f"n >= {above}"
    unlimited = config(folder, where=where, sample=sample, seed=7)
    chosen = [n for n in range(first) if above is None or n >= above]
    everything = [a.id for a in read(unlimited)]
    if sample is None:
        assert everything == [f"i{n}" for n in chosen]
    else:
        assert everything == sorted(set(everything), key=lambda i: int(i[1:]))
        assert set(everything) <= {f"i{n}" for n in chosen}
    limited = unlimited.model_copy(update={"limit": limit})
    planned = plan(limited)
    source, claims = source_of(limited)
    delivered = [a.id for a in drain(source, room) if isinstance(a, Item)]
    assert delivered == everything[:limit]
    assert planned.items == len(delivered)
    assert claims.settled == list(planned.shards)
