"""Files that lie, that are broken, or that would burst: refused by name, or read in bounded memory."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.errors import InputError
from sources.plan import plan
from tests.sources.workshop import config, drain, source_of, write

MIB = 2**20
REPOSITORY = Path(__file__).parents[2]

_AUDIT = """
import sys
from assay.errors import InputError
from tests.sources.workshop import config, peak_mib, source_of

columns = {"id": "id", sys.argv[2]: sys.argv[2]}
size = 0
try:
    source, _ = source_of(config(sys.argv[1], columns, duplicate_ids=sys.argv[3]))
    for _ in range(int(sys.argv[4])):
        polled = source.poll(64, 0.1)
        size += sum(len(arrival.raw) for arrival in polled.arrivals)
        for grant in polled.assigned:
            source.seek(grant.shard, None)
    print("read", size)
except InputError as error:
    print("refused", str(error).replace("\\n", " "))
print(peak_mib())
"""


def _audit(path: Path, column: str = "text", duplicates: str = "reject", polls: int = 20) -> str:
    """Plan and read in a process of its own; what came of it. Fails if that took 1 GiB or killed the process."""
    command = [sys.executable, "-c", textwrap.dedent(_AUDIT), str(path), column, duplicates, str(polls)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    outcome, peak = done.stdout.strip().splitlines()
    assert int(peak) < 1024, f"{peak} MiB"
    return outcome


def _repeated(value: str, rows: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), rows), pa.array([value]))


def _fine(folder: Path, rows: int = 2000, **options: Any) -> Path:
    columns = {"id": [f"i{n}" for n in range(rows)], "text": [f"text {n} " * 5 for n in range(rows)]}
    return write(folder / "a.parquet", columns, **options)


def _with_footer(path: Path, footer: bytes) -> None:
    data = path.read_bytes()
    old = int.from_bytes(data[-8:-4], "little")
    path.write_bytes(data[: -8 - old] + footer + len(footer).to_bytes(4, "little") + b"PAR1")


def _footer(path: Path) -> bytes:
    data = path.read_bytes()
    return data[-8 - int.from_bytes(data[-8:-4], "little") : -8]


def _varint(value: int) -> bytes:
    value <<= 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PAR1",
        b"not parquet at all",
        b"PAR1" + b"\xff" * 4 + b"PAR1",
        b"PAR1xxxx\x04\0\0\0PAR1",
        b"PAR1xxxx\0\0\0\0PARE",
    ],
)
def test_what_is_no_parquet_file_is_an_input_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.parquet"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"bad\.parquet: not a Parquet file"):
        plan(config(path))


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.parquet")
    with pytest.raises(InputError, match="is a pipe or a device, not a file"):
        plan(config(str(tmp_path / "*.parquet")))


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.99])
def test_a_truncated_file_is_an_input_error(tmp_path: Path, kept: float) -> None:
    path = _fine(tmp_path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    with pytest.raises(InputError, match=r"a\.parquet"):
        plan(config(path))


def test_a_file_whose_middle_is_missing_is_an_input_error(tmp_path: Path) -> None:
    path = _fine(tmp_path)
    data = path.read_bytes()
    path.write_bytes(data[:100] + data[-8 - len(_footer(path)) :])
    with pytest.raises(InputError, match=r"a\.parquet.*of a file of"):
        plan(config(path))


@pytest.mark.parametrize(
    ("cap", "value"), [("rows", 1999), ("row_group_rows", 999), ("row_group_bytes", 1000), ("footer_bytes", 100)]
)
def test_claims_above_a_cap_are_refused(tmp_path: Path, cap: str, value: int) -> None:
    path = _fine(tmp_path, row_group_size=1000)
    with pytest.raises(InputError, match=rf"a\.parquet.*source\.caps\.{cap}"):
        plan(config(path, caps={cap: value}))
    assert plan(config(path)).items == 2000


@pytest.mark.parametrize("rows", [2001, 10**9, 10**18])
def test_a_footer_that_claims_other_rows_is_refused(tmp_path: Path, rows: int) -> None:
    path = _fine(tmp_path)
    footer = _footer(path)
    assert footer.count(_varint(2000)) >= 4  # the file, its row group, and the chunks of two columns
    _with_footer(path, footer.replace(_varint(2000), _varint(rows)))
    for duplicates in ("reject", "keep"):
        outcome = _audit(path, duplicates=duplicates)
        assert outcome.startswith("refused")
        assert "a.parquet" in outcome


@pytest.mark.parametrize(("groups", "chunks"), [(8, 200_000), (1, 10_000_000), (1_500_000, 0)])
def test_a_footer_that_would_burst_is_refused(tmp_path: Path, groups: int, chunks: int) -> None:
    def many(count: int, each: bytes) -> bytes:
        size, number = bytearray(), count
        while number > 127:
            size.append(number & 127 | 128)
            number >>= 7
        return b"\x19\xfc" + bytes([*size, number]) + each * count

    group = many(chunks, b"\x26\x08\0") + b"\x16\0\x16\0\0"
    path = _fine(tmp_path)
    _with_footer(path, b"\x15\x02\x19\x1c\x48\x06schema\x15\0\0\x16\0" + many(groups, group) + b"\0")
    assert _audit(path).startswith("refused")


def test_a_large_honest_footer_is_read(tmp_path: Path) -> None:
    columns = {f"extra{n}": ["x"] * 20 for n in range(700)}
    path = write(tmp_path / "wide.parquet", {"id": list(range(20)), "text": ["x"] * 20, **columns}, row_group_size=1)
    assert len(_footer(path)) > MIB
    assert _audit(path) == "read 20"


def test_pages_that_turn_out_corrupt_stop_the_run_by_name_and_rows(tmp_path: Path) -> None:
    path = _fine(tmp_path, rows=10_000, row_group_size=5000, use_dictionary=False)
    chunk = pq.read_metadata(path).row_group(1).column(1)
    data = bytearray(path.read_bytes())
    data[chunk.data_page_offset + 60 : chunk.data_page_offset + chunk.total_compressed_size] = bytes(
        chunk.total_compressed_size - 60
    )
    path.write_bytes(data)
    source, _ = source_of(config(path))
    with pytest.raises(InputError, match=r"a\.parquet: rows 5000 to 10000"):
        drain(source)
    with pytest.raises(InputError, match=r"a\.parquet: rows 5000 to 10000"):
        source.poll(1, 0.0)


def test_one_text_repeated_ten_million_times_is_read_in_bounded_memory(tmp_path: Path) -> None:
    rows = 10_000_000
    text = _repeated("x" * MIB, rows)
    path = write(tmp_path / "bomb.parquet", {"id": pa.repeat("1", rows), "text": text}, store_schema=False)
    assert path.stat().st_size < 10 * MIB
    assert _audit(path, duplicates="keep") == f"read {19 * 16 * MIB}"


def test_a_long_id_repeated_is_rejected_in_bounded_memory(tmp_path: Path) -> None:
    rows = 2000
    ids = _repeated("x" * MIB, rows)
    path = write(tmp_path / "bomb.parquet", {"id": ids, "text": pa.repeat("x", rows)}, store_schema=False)
    assert _audit(path) == f"read {19 * 16}"


def test_a_chat_of_a_million_long_turns_is_a_rejection_in_bounded_memory(tmp_path: Path) -> None:
    turns = 1_000_000
    values = pa.StructArray.from_arrays(
        [_repeated("assistant", turns), _repeated("x" * MIB, turns)], names=["role", "content"]
    )
    chat = pa.ListArray.from_arrays(pa.array([0, turns], pa.int32()), values)
    path = write(tmp_path / "bomb.parquet", {"id": [1], "chat": chat}, store_schema=False)
    assert _audit(path, column="chat").startswith("read")


@pytest.fixture(scope="module")
def bursting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small file whose only page of texts holds 1.2 GiB."""
    size = 1200 * MIB
    path = tmp_path_factory.mktemp("bursting") / "bomb.parquet"
    maker = f"""
import pyarrow as pa, pyarrow.parquet as pq
text = pa.array([b"x" * {size // 20}] * 20, pa.binary())
pq.write_table(pa.table({{"id": list(range(20)), "text": text}}), {str(path)!r}, compression="zstd",
               use_dictionary=False, data_page_size=2**31 - 1, write_statistics=False)
"""
    subprocess.run([sys.executable, "-c", maker], check=True, timeout=100)
    return path


@pytest.mark.parametrize("lie", [False, True])
def test_a_page_that_would_burst_is_refused(tmp_path: Path, bursting: Path, lie: bool) -> None:
    path = Path(shutil.copy(bursting, tmp_path))
    if lie:
        claimed = pq.read_metadata(path).row_group(0).column(1).total_uncompressed_size
        assert _varint(claimed) in _footer(path)
        _with_footer(path, _footer(path).replace(_varint(claimed), _varint(MIB)))
    assert "source.caps.page_bytes" in _audit(path)


def test_random_damage_is_refused_or_read_but_never_kills(tmp_path: Path) -> None:
    dice = random.Random(5)
    original = _fine(tmp_path).read_bytes()
    footer = int.from_bytes(original[-8:-4], "little")
    for number in range(150):
        data = bytearray(original)
        low = len(data) - 8 - footer if number % 2 else 4
        for _ in range(dice.randint(1, 8)):
            data[dice.randrange(low, len(data) - 8)] = dice.randrange(256)
        (tmp_path / f"d{number}.parquet").write_bytes(data)
    (tmp_path / "a.parquet").unlink()
    script = """
    import sys
    from pathlib import Path
    from assay.errors import InputError
    from tests.sources.workshop import config, peak_mib, read
    refused = 0
    for path in sorted(Path(sys.argv[1]).iterdir()):
        try:
            assert len(read(config(path))) == 2000, path
        except InputError as error:
            assert path.name in str(error), error
            refused += 1
    print(refused, peak_mib())
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    refused, peak = map(int, done.stdout.split())
    assert refused > 50
    assert peak < 1024


@pytest.mark.parametrize(
    ("columns", "key", "kind"),
    [
        ({"id": "uid", "text": "text"}, "id", "no column 'uid'"),
        ({"id": "id", "text": "body"}, "text", "no column 'body'"),
        ({"id": "score", "text": "text"}, "id", "'score' is double"),
        ({"id": "id", "text": "score"}, "text", "'score' is double"),
        ({"id": "id", "prompt": "text", "response": "n"}, "response", "'n' is int64"),
        ({"id": "id", "chat": "n"}, "chat", "'n' is int64"),
        ({"id": "id", "chat": "list"}, "chat", "'list' is list"),
        ({"id": "id", "text": "text", "time": "score"}, "time", "'score' is double"),
        ({"id": "id", "text": "text", "carry": ["nope"]}, "carry", "no column 'nope'"),
    ],
)
def test_a_missing_or_wrong_column_is_named_with_the_columns_there_are(
    tmp_path: Path, columns: dict[str, Any], key: str, kind: str
) -> None:
    there = {"id": ["1"], "text": ["x"], "n": [1], "score": [0.5], "list": [["x"]]}
    path = write(tmp_path / "a.parquet", there)
    with pytest.raises(InputError) as caught:
        plan(config(path, columns))
    for part in ("a.parquet", f"source.columns.{key}", kind, "there are: id, text, n, score, list"):
        assert part in str(caught.value)


def test_one_huge_row_group_of_large_texts_is_read_in_bounded_memory(tmp_path: Path) -> None:
    some = pa.table({"id": list(range(128)), "text": ["x y " * 80_000] * 128})
    path = tmp_path / "large.parquet"
    whole = pa.concat_tables([some] * 34)  # 1.3 GiB of text in 4352 rows, in memory once
    pq.write_table(whole, path, row_group_size=10**6, use_dictionary=False, write_batch_size=16)
    assert pq.read_metadata(path).num_row_groups == 1
    assert pq.read_metadata(path).row_group(0).total_byte_size > 1200 * MIB
    assert int(_audit(path, duplicates="keep", polls=1000).removeprefix("read ")) > 1200 * MIB
