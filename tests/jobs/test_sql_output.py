"""The four formats of `assay sql`, and that content in them acts on no terminal and no spreadsheet."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from assay.errors import InputError
from jobs.sql import answer, opened, query
from jobs.sql_output import LONGEST, TABLE_ROWS, printable
from tests.jobs.sql_stand import small_table, table_saying, written

HOSTILE = {
    "clears the screen": "a\x1b[2J\x1b[1;1Hb",
    "sets the title": "a\x1b]0;owned\x07b",
    "a link": "a\x1b]8;;http://example.com\x1b\\b\x1b]8;;\x1b\\",
    "the clipboard": "a\x1b]52;c;cm0gLXJm\x07b",
    "one-byte controls": "a\x9b2J\x9d0;x\x9cb",
    "new lines": "a\r\nb\x0bc\x0cd\x85e\u2028f\u2029g",
    "backspaces": "safe\x08\x08\x08\x08flag\x7f",
    "bidi overrides": "a\u202eb\u202dc\u2066d\u2067e\u2068f\u2069g\u200eh\u200fi\u061cj",
    "zero width": "a\u200bb\u200cc\u200dd\u2060e\ufefff\u00adg",
    "invisible letters": "a\u115fb\u1160c\u3164d\uffa0e\u034ff\u17b4g\u180eh",
    "tags and selectors": "a\U000e0041\U000e007fb\ufe0fc\U000e0100d",
    "marks piled up": "a" + "\u0335" * 40,
    "a mark on the border": "\u0338x",
    "private and unassigned": "a\ue000b\U000f0000c\uffffd",
    "markup": "[red]plain[/red] [link=http://example.com]x[/link]",
}
_STYLE = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def path(tmp_path: Path) -> str:
    return small_table(tmp_path)


def acts(text: str) -> list[str]:
    """Characters that a terminal would act upon or not show."""
    return [
        char
        for char in text
        if char != "\n"
        and (unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn") or not cell_len(char))
    ]


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize(
    ("format", "terminal", "wide"),
    [("table", True, False), ("table", True, True), ("table", False, False), ("csv", True, False)],
)
def test_content_does_nothing_to_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hostile: str, format: str, terminal: bool, wide: bool
) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    path = table_saying(tmp_path, hostile)
    quoted = hostile.replace('"', '""')
    sql = f'SELECT rationale, 1 AS "{quoted}" FROM verdicts'
    shown = _STYLE.sub("", written(path, sql, format, terminal=terminal, wide=wide).decode())
    assert acts(shown) == [char for char in "\u0335" * 4 * 2 if "\u0335" in hostile]
    assert printable(hostile) in shown


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE.keys())
def test_json_and_parquet_hold_the_content_exactly(tmp_path: Path, hostile: str) -> None:
    path = table_saying(tmp_path, hostile)
    sql = "SELECT rationale FROM verdicts"
    answer = written(path, sql, "json")
    assert json.loads(answer) == [{"rationale": hostile}]
    assert acts(answer.decode()) == []
    assert pq.read_table(pa.BufferReader(written(path, sql, "parquet"))).to_pylist() == [{"rationale": hostile}]
    assert list(csv.reader(io.StringIO(written(path, sql, "csv").decode(), newline="")))[1] == [hostile]


@given(st.text())
def test_what_is_printable_is_seen(text: str) -> None:
    shown = printable(text)
    marks = sum(unicodedata.category(char) in ("Mn", "Me") for char in text)
    assert len([char for char in acts(shown) if unicodedata.category(char) not in ("Mn", "Me", "Lo")]) == 0
    assert sum(unicodedata.category(char) in ("Mn", "Me") for char in shown) <= marks


def test_ordinary_text_of_any_script_stays_as_it_is() -> None:
    for text in ("é", "e\u0301", "हिन्दी", "ภาษาไทย", "العَرَبِيَّة", "日本語", "👍🏽", "a\\nb"):
        assert printable(text) == text


def test_text_from_right_to_left_does_not_turn_its_row_round(tmp_path: Path) -> None:
    path = table_saying(tmp_path, "\u05d0\u05d1")
    sql = "SELECT rationale, 7 AS a, 8 AS b, rationale AS again FROM verdicts"
    for wide in (False, True):
        *_, line = (
            row for row in written(path, sql, terminal=True, wide=wide).decode().splitlines() if "\u05d0" in row
        )
        assert re.search("\u05d1 *\u200e[ │]+\u200e? *7 *\u200e[ │]+\u200e? *8 *\u200e[ │]+\u200e? *\u05d0", line), line


def test_a_terminal_shows_six_digits_unless_wide(path: str) -> None:
    sql = "SELECT (1 / 3)::DOUBLE AS a, 1234567.8::DOUBLE AS b, 2.5e-9::DOUBLE AS c, 'nan'::DOUBLE AS d"
    short = written(path, sql, terminal=True).decode().split()
    assert {"0.333333", "1234568", "2.5e-09", "nan"} < set(short)
    for exact in (written(path, sql, terminal=True, wide=True), written(path, sql)):
        assert {"0.3333333333333333", "1234567.8", "2.5e-09", "nan"} < set(exact.decode().split())


def test_long_text_is_cut_with_a_mark_unless_wide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    path = table_saying(tmp_path, "x" * 100_000, "short")
    sql = "SELECT rationale FROM verdicts ORDER BY position"
    lines = written(path, sql, terminal=True).decode().splitlines()
    assert lines[-1] == "1 long cell cut (…); --wide shows all"
    assert sum(line.count("x") for line in lines) == LONGEST
    assert max(cell_len(_STYLE.sub("", line)) for line in lines) <= 60
    for terminal, wide in ((True, True), (False, False)):
        answer = written(path, sql, terminal=terminal, wide=wide).decode()
        assert answer.splitlines() == ["rationale", "x" * 100_000, "short"]


def test_numbers_stand_to_the_right_on_a_terminal(path: str) -> None:
    sql = "SELECT * FROM (VALUES ('a', 1, 0.5), ('bb', 1000, 12.25)) t(name, n, share)"
    lines = [_STYLE.sub("", line) for line in written(path, sql, terminal=True).decode().splitlines()]
    assert lines[3:5] == ["│ a    │    1 │   0.5 │", "│ bb   │ 1000 │ 12.25 │"]
    wide = written(path, sql, terminal=True, wide=True).decode().splitlines()
    assert wide == ["name     n  share", "a        1    0.5", "bb    1000  12.25"]


def test_columns_that_do_not_fit_become_records(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    lines = written(path, "FROM verdicts ORDER BY position", terminal=True).decode().splitlines()
    assert sum("row " in line for line in lines) == 2
    assert any(re.fullmatch(r"item_id +│ i1 *", line) for line in lines)
    assert max(cell_len(_STYLE.sub("", line)) for line in lines) <= 60
    assert written(path, "FROM verdicts WHERE false", terminal=True).strip() == b"no rows"


def test_a_long_table_says_where_it_ends(path: str) -> None:
    text = written(path, f"SELECT * FROM range({TABLE_ROWS + 1})").decode()
    assert len(text.splitlines()) == TABLE_ROWS + 2
    assert "only the first" in text.splitlines()[-1]
    assert "only the first" not in written(path, f"SELECT * FROM range({TABLE_ROWS})").decode()


def test_json_is_one_array_of_objects(path: str) -> None:
    sql = (
        "SELECT item_id, raw, rule_ids, carried, audit_day, judged_at, 'nan'::DOUBLE AS bad FROM outcomes ORDER BY ALL"
    )
    rows = json.loads(written(path, sql, "json"))
    assert rows[0] == {
        "item_id": "i0",
        "raw": None,
        "rule_ids": ["S1"],
        "carried": {"lang": "en"},
        "audit_day": "2026-03-04",
        "judged_at": "2026-03-04T05:06:07.000089+00:00",
        "bad": None,
    }
    assert rows[2]["raw"] == "/wA="
    assert json.loads(written(path, "SELECT 1 WHERE false", "json")) == []


CELLS = (
    "SELECT '=1+1' AS a, '@x' AS b, '+1' AS c, '-1' AS d, 'a=b' AS e, NULL AS f, ['=x'] AS g, "
    "chr(9) || 'x' AS \"=h\", chr(13) || 'x' AS i, chr(10) || '=x' AS j, chr(65309) || 'x' AS k"
)
NUMBERS = "SELECT -5 AS a, -0.5 AS b, -1e300 AS c, (-7)::HUGEINT AS d, '-inf'::DOUBLE AS e"


def test_csv_cells_are_no_formulas(path: str) -> None:
    heads, cells = csv.reader(io.StringIO(written(path, CELLS, "csv").decode(), newline=""))
    assert heads == ["a", "b", "c", "d", "e", "f", "g", "'=h", "i", "j", "k"]
    assert cells == ["'=1+1", "'@x", "'+1", "'-1", "a=b", "", '["=x"]', "'\tx", "'\rx", "'\n=x", "'\uff1dx"]


def test_csv_numbers_stay_numbers(path: str) -> None:
    _, cells = csv.reader(io.StringIO(written(path, NUMBERS, "csv").decode()))
    assert cells == ["-5", "-0.5", "-1e+300", "-7", "-inf"]


def test_raw_csv_has_cells_as_they_are(path: str) -> None:
    heads, cells = csv.reader(io.StringIO(written(path, CELLS, "csv", raw=True).decode(), newline=""))
    assert heads[7] == "=h"
    assert cells == ["=1+1", "@x", "+1", "-1", "a=b", "", '["=x"]', "\tx", "\rx", "\n=x", "\uff1dx"]


def test_parquet_comes_as_bytes(path: str) -> None:
    table = pq.read_table(pa.BufferReader(written(path, "FROM outcomes", "parquet")))
    assert table == query(path, "FROM outcomes")


def test_what_does_not_fit_together_is_refused(path: str) -> None:
    with pytest.raises(InputError, match="table, json, csv, parquet"):
        written(path, "SELECT 1", "xml")
    for format in ("table", "json", "parquet"):
        with pytest.raises(InputError, match="--raw goes with --format csv"):
            written(path, "SELECT 1", format, raw=True)
    with pytest.raises(InputError, match="--format parquet: this is a terminal; send the output to a file"):
        written(path, "SELECT 1", "parquet", terminal=True)
    with pytest.raises(InputError, match="--raw: this is a terminal; send the output to a file"):
        written(path, "SELECT 1", "csv", raw=True, terminal=True)


@pytest.mark.parametrize("format", ["json", "parquet"])
def test_no_column_is_lost_behind_another_of_its_name(tmp_path: Path, format: str) -> None:
    twice = "select a.item_id, b.item_id from outcomes a, outcomes b order by all limit 1"
    with pytest.raises(InputError, match="two columns of the answer are called 'item_id'; name one with AS"):
        written(small_table(tmp_path), twice, format)
    assert written(small_table(tmp_path), twice, "csv").startswith(b"item_id,item_id\n")


@pytest.mark.parametrize("format", ["table", "csv", "json"])
def test_a_decimal_number_keeps_its_digits(tmp_path: Path, format: str) -> None:
    digits = b"12345678901234567.89"
    assert digits in written(small_table(tmp_path), f"select {digits.decode()}::decimal(20, 2) as n", format)
    assert b"0.25" in written(small_table(tmp_path), "select 0.25 as n", format)


def test_a_cell_is_not_parted_where_some_spreadsheets_part_them(tmp_path: Path) -> None:
    where = table_saying(tmp_path, "a;=1+1", "a\t=1+1", "a b")
    lines = written(where, "select rationale from verdicts order by position", "csv").decode().splitlines()
    assert lines == ["rationale", '"a;=1+1"', '"a\t=1+1"', "a b"]


def test_what_parquet_can_not_hold_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Unhandled type"):
        written(small_table(tmp_path), "select interval 1 month as n", "parquet")


def test_a_long_answer_is_read_piece_by_piece(tmp_path: Path) -> None:
    where = small_table(tmp_path)
    with opened(where, views=()) as connection, answer(connection, where, "from range(100_000)", None) as reader:
        assert max(batch.num_rows for batch in reader) <= 2048
    file = pq.ParquetFile(io.BytesIO(written(where, "from range(100_000)", "parquet")))
    assert (file.metadata.num_rows, file.metadata.num_row_groups) == (100_000, 1)
