"""Golden files: three formats that read the same, names mapped, contradictions named, and written as they are read."""

from __future__ import annotations

import json
import tempfile
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.errors import InputError
from assay.golden import GOLDEN_FIELDS, Expected, GoldenColumns, GoldenItem, InlineItem, inline_items
from assay.records import ItemKind, Turn
from authoring.golden_file import parse_mapping, read_golden, write_golden

CRLF = 'Win,\r\n"now"'
ROWS = [
    {"item_id": "a", "policy_id": "spam", "label": "violates", "rules": "S1 S2", "text": CRLF, "lang": "en"},
    {"item_id": "b", "policy_id": "spam", "label": "allowed", "prompt": "Hi?", "response": "Hello.", "group": "g"},
    {"item_id": "a", "policy_id": "privacy", "label": "", "text": CRLF, "note": "not looked at"},
]


def _file(folder: Path, content: str | bytes, name: str = "golden.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def _refusal(path: Path, columns: GoldenColumns | None = None, policy_id: str | None = None) -> str:
    with pytest.raises(InputError) as refused:
        read_golden(path, columns or GoldenColumns(), policy_id)
    return str(refused.value)


def _in_format(folder: Path, suffix: str) -> Path:
    path = folder / f"golden.{suffix}"
    if suffix == "parquet":
        pq.write_table(
            pa.Table.from_pylist([{name: None for each in ROWS for name in each} | row for row in ROWS]), path
        )
    elif suffix == "jsonl":
        path.write_text("\n".join(json.dumps(row) for row in ROWS) + "\n")
    else:
        names = list(dict.fromkeys(name for row in ROWS for name in row))
        quoted = [['"' + row.get(name, "").replace('"', '""') + '"' for name in names] for row in ROWS]
        path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(",".join(cells) for cells in [names, *quoted]).encode())
    return path


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_each_format_gives_the_same_items(tmp_path: Path, suffix: str) -> None:
    spam = Expected("spam", violation=True, rule_ids=("S1", "S2"))
    text = GoldenItem(
        id="a",
        kind=ItemKind.TEXT,
        context=(),
        judged=(Turn("user", CRLF),),
        expected=(spam, Expected("privacy", violation=None)),
        group="a",
        carried=(("lang", "en"),),
        note="not looked at",
    )
    completion = GoldenItem(
        id="b",
        kind=ItemKind.COMPLETION,
        context=(Turn("user", "Hi?"),),
        judged=(Turn("assistant", "Hello."),),
        expected=(Expected("spam", violation=False),),
        group="g",
    )
    assert read_golden(_in_format(tmp_path, suffix)) == (text, completion)


@pytest.mark.parametrize(
    ("word", "violation"),
    [
        *[("violates", True), ("1", True), ("TRUE", True), ("Yes", True), (" 1.0 ", True)],
        *[("Allowed", False), ("0", False), ("false", False), ("no", False)],
        *[("", None), ("  ", None)],
    ],
)
def test_label_words(tmp_path: Path, word: str, violation: bool | None) -> None:
    (item,) = read_golden(_file(tmp_path, f"item_id,policy_id,label,text\na,spam,{word},hello\n"))
    assert item.expected == (Expected("spam", violation),)


def test_labels_may_be_numbers_or_truth_values(tmp_path: Path) -> None:
    lines = [{"item_id": n, "policy_id": "spam", "text": "hello", "label": label} for n, label in enumerate([1, False])]
    lines.append({"item_id": 2, "policy_id": "spam", "text": "hello", "label": float("nan")})
    path = _file(tmp_path, "\n".join(json.dumps(line) for line in lines), "golden.jsonl")
    assert [item.expected[0].violation for item in read_golden(path)] == [True, False, None]


def test_a_line_separator_in_a_json_text_ends_no_line(tmp_path: Path) -> None:
    path = _file(tmp_path, '{"text": "one\u2028two", "label": 1}\r\n', "golden.jsonl")
    (item,) = read_golden(path, policy_id="spam")
    assert item.judged[0].content == "one\u2028two"


def test_a_column_of_labels_for_each_policy_and_a_missing_one_is_unknown(tmp_path: Path) -> None:
    path = _file(tmp_path, '{"prompt": "one", "H": 1}\n{"prompt": "two", "H": 0, "S": 1}\n', "golden.jsonl")
    items = read_golden(path, parse_mapping("text=prompt,label.hate=H,label.sexual=S"))
    assert [item.id for item in items] == ["row-1", "row-2"]
    assert items[0].expected == (Expected("hate", violation=True), Expected("sexual", violation=None))
    assert items[1].expected == (Expected("hate", violation=False), Expected("sexual", violation=True))


@pytest.mark.parametrize("field", [name for name in GOLDEN_FIELDS if name not in ("prompt", "response", "chat")])
def test_every_column_can_be_mapped(tmp_path: Path, field: str) -> None:
    cells = {
        "item_id": "a",
        "policy_id": "spam",
        "label": "1",
        "rules": "S1",
        "text": "hello",
        "group": "g",
        "note": "why",
    }
    named = {name if name != field else "Another, name": cell for name, cell in cells.items()}
    path = _file(tmp_path, json.dumps(named), "golden.jsonl")
    (item,) = read_golden(path, parse_mapping(f'"{field}=Another, name"'))
    assert (item.id, item.group, item.note, item.judged[0].content) == ("a", "g", "why", "hello")
    assert item.expected == (Expected("spam", violation=True, rule_ids=("S1",)),)
    assert item.carried == ()


def test_contents_can_be_mapped(tmp_path: Path) -> None:
    chat = [
        {"role": "user", "content": "Hi?"},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "?"},
    ]
    lines = [
        {"q": "Hi?", "a": "Hello.", "label": 0},
        {"turns": chat, "label": 0},
        {"turns": json.dumps(chat), "label": 0},
    ]
    path = _file(tmp_path, "\n".join(json.dumps(line) for line in lines), "golden.jsonl")
    columns = parse_mapping("prompt=q,response=a,chat=turns")
    completion, *chats = read_golden(path, columns, policy_id="spam")
    assert completion.judged == chats[0].judged == chats[1].judged == (Turn("assistant", "Hello."),)
    assert [item.kind for item in chats] == [ItemKind.CHAT, ItemKind.CHAT]
    whole = read_golden(path, columns, policy_id="spam", judged="whole")
    assert len(whole[1].judged) == 3


def test_a_column_mapped_to_one_thing_is_not_read_as_another(tmp_path: Path) -> None:
    path = _file(tmp_path, "prompt,text,label\nhello,an id of theirs,1\n")
    (item,) = read_golden(path, parse_mapping("text=prompt"), policy_id="spam")
    assert item.judged == (Turn("user", "hello"),)
    assert item.carried == (("text", "an id of theirs"),)


@pytest.mark.parametrize("mapping", ["text", "text=", "=a", "colour=a", "text=a,text=b", "label.=a", "labels=a"])
def test_a_mapping_that_is_none_is_refused(mapping: str) -> None:
    with pytest.raises(InputError, match=r"--map: "):
        parse_mapping(mapping)


HEAD = "item_id,policy_id,label,rules,text,group\n"


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ("a,spam,1,,hello,\na,spam,0,,hello,\n", "golden.csv:3: item 'a' under 'spam' is allowed, and violates at"),
        (
            "a,spam,1,S1,hello,\na,spam,1,S2,hello,\n",
            "golden.csv:3: item 'a' under 'spam' is violates S2, and violates S1",
        ),
        ("a,spam,1,,hello,\na,spam,,,hello,\n", "golden.csv:3: item 'a' under 'spam' is without a label"),
        ('a,spam,1,,"hel\nlo",\n\na,privacy,1,,other,\n', "golden.csv:5: item 'a' has another content than at"),
        ("a,spam,1,,hello,g\na,privacy,1,,hello,\n", "golden.csv:3: item 'a' has another group"),
        ("a,spam,maybe,,hello,\n", "golden.csv:2: the label 'maybe' is none of violates"),
        ("a,spam,0,S1,hello,\n", "golden.csv:2: an allowed item breaks no rule"),
        ("a,spam,1,, ,\n", "golden.csv:2: no content"),
        (" ,spam,1,,hello,\n", "golden.csv:2: no item_id"),
        ("a,,1,,hello,\n", "golden.csv:2: no policy_id"),
        ("a,spam,1,,hello, dear,friend\n", "golden.csv:2: 7 cells, and the header has 6"),
        ("a,spam,1\n", "golden.csv:2: 3 cells"),
        ('b,spam,1,,hi,\na,spam,1,,"hello,\n', "golden.csv:3: not CSV"),
        ("", "golden.csv: no rows"),
    ],
)
def test_a_faulty_row_is_named_with_its_line(tmp_path: Path, rows: str, fault: str) -> None:
    assert fault in _refusal(_file(tmp_path, HEAD + rows))


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("golden.csv", b"", "golden.csv: no rows"),
        ("golden.csv", b"item_id,text\na,hello\n", "no column of labels"),
        ("golden.csv", b"item_id,label\na,1\n", "no column of contents"),
        ("golden.csv", b"text,label,text\na,1,b\n", "two columns are called 'text'"),
        ("golden.csv", b"text,label\nhello,1\n\xff,1\n", "golden.csv:3: not UTF-8"),
        ("golden.csv", b"text,label\n" + b"x" * 140_000 + b",1\n", "golden.csv:2: not CSV: field larger"),
        ("golden.txt", b"hello", "ends in .csv"),
        ("golden.jsonl", b'{"text": "a", "label": 1}\n[]\n', "golden.jsonl:2: not a JSON object"),
        ("golden.jsonl", b'\n{"text": \n', "golden.jsonl:2: not JSON"),
        ("golden.jsonl", b'{"text": "\\ud800", "label": 1}', "golden.jsonl:1: text: not UTF-8, or half of a surrogate"),
        ("golden.jsonl", b'{"chat": "no", "label": 1}', "golden.jsonl:1: the chat is not JSON"),
        ("golden.jsonl", b'{"chat": [{"role": "cat", "content": ""}], "label": 1}', "turn 1 has the role 'cat'"),
        ("golden.jsonl", b'{"chat": [{"role": "user", "content": "a"}], "label": 1}', "no turn of role 'assistant'"),
        ("golden.jsonl", b'{"text": "a", "response": "b", "label": 1}', "more than one content"),
        ("golden.jsonl", b'{"text": "a", "prompt": "b", "label": 1}', "a prompt without its response"),
        ("golden.parquet", b"PAR1", "can't be read as Parquet"),
    ],
)
def test_a_faulty_file_is_refused(tmp_path: Path, name: str, content: bytes, fault: str) -> None:
    assert fault in _refusal(_file(tmp_path, content, name), policy_id="spam")


def test_a_missing_file_and_a_missing_mapped_column_are_refused(tmp_path: Path) -> None:
    assert "can't be read" in _refusal(tmp_path / "golden.csv")
    path = _file(tmp_path, "text,label\nhello,1\n")
    assert "no column 'words' for text; there are: text, label" in _refusal(path, GoldenColumns(text="words"))
    assert "no column 'H' for the labels of hate" in _refusal(path, parse_mapping("label.hate=H"))


def test_what_the_rows_of_an_item_say_is_kept_once_each(tmp_path: Path) -> None:
    rows = "a,spam,1,hello,a link,en\na,privacy,0,hello,nothing named,en\na,hate,0,hello,a link,\n"
    (item,) = read_golden(_file(tmp_path, "item_id,policy_id,label,text,note,lang\n" + rows))
    assert (item.note, item.carried) == ("a link; nothing named", (("lang", "en"),))


def test_items_of_a_front_matter(tmp_path: Path) -> None:
    entries = [
        InlineItem.model_validate({"text": "Win now", "label": "violates", "rules": ["S1", "S2"], "note": "why"}),
        InlineItem.model_validate({"prompt": "Hi?", "response": "Hello.", "label": False}),
        InlineItem.model_validate({"chat": [{"role": "assistant", "content": "Hello."}]}),
    ]
    items = inline_items(entries, "spam")
    assert [item.id for item in items] == ["spam-1", "spam-2", "spam-3"]
    assert [item.expected[0].violation for item in items] == [True, False, None]
    assert items[0].expected[0].rule_ids == ("S1", "S2")
    write_golden(items, tmp_path / "golden.csv")
    assert read_golden(tmp_path / "golden.csv") == items


@pytest.mark.parametrize(
    "entry",
    [
        *[{}, {"text": "a", "response": "b"}, {"prompt": "a"}, {"chat": "no"}, {"chat": [{"role": "cat"}]}],
        *[{"text": "a", "label": "maybe"}, {"text": "a", "colour": 1}],
        {"text": "a", "label": "allowed", "rules": ["S1"]},
    ],
)
def test_a_faulty_item_of_a_front_matter_is_refused(entry: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"validation error"):
        InlineItem.model_validate(entry)


def test_the_documented_example_is_read(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "golden.md").read_text(encoding="utf-8")
    items = read_golden(_file(tmp_path, page.split("```csv\n")[1].split("```")[0]))
    assert [(item.id, len(item.expected), item.kind) for item in items] == [
        ("g1", 2, ItemKind.TEXT),
        ("g2", 1, ItemKind.COMPLETION),
    ]
    entries = yaml.safe_load(page.split("```yaml\n")[1].split("```")[0])["golden"]
    assert len(inline_items([InlineItem.model_validate(entry) for entry in entries], "spam")) == 2


HOSTILE = [
    "\x00",
    '"',
    '""',
    ",",
    "\r",
    "\n",
    "\r\n",
    "\u2028",
    "\u202e",
    "\u200f",
    "\ufeff",
    "=1+1",
    "'",
    "\\",
    "é",
    "x",
    " ",
]
TEXTS = st.lists(st.sampled_from(HOSTILE) | st.characters(codec="utf-8"), min_size=1, max_size=12).map("".join)
CONTENTS = TEXTS.filter(str.strip)
NAMES = st.text("abcdefgh-", min_size=1, max_size=6)
EXPECTED = st.builds(
    Expected, NAMES, st.sampled_from([True, None]), st.lists(NAMES, max_size=2, unique=True).map(tuple)
)
EXPECTED |= st.builds(Expected, NAMES, st.just(value=False), st.just(()))
TURNS = st.lists(st.builds(Turn, st.sampled_from(["user", "system", "tool"]), TEXTS), max_size=3).map(tuple)
CARRIED = st.dictionaries(st.sampled_from(["lang", "a,b", "market", 'say "x"']), TEXTS, max_size=3)


@st.composite
def golden_items(draw: st.DrawFn, name: str) -> GoldenItem:
    kind = draw(st.sampled_from(ItemKind))
    said = draw(CONTENTS)
    context: tuple[Turn, ...] = ()
    if kind is ItemKind.CHAT:
        context = draw(TURNS)
    elif kind is ItemKind.COMPLETION and draw(st.booleans()):
        context = (Turn("user", draw(TEXTS)),)
    judged = (Turn("user" if kind is ItemKind.TEXT else "assistant", said),)
    expected = draw(st.lists(EXPECTED, min_size=1, max_size=3, unique_by=lambda each: each.policy_id))
    group = draw(CONTENTS | st.just(name))
    return GoldenItem(
        name, kind, context, judged, tuple(expected), group, tuple(draw(CARRIED).items()), draw(TEXTS | st.just(""))
    )


@settings(deadline=None, max_examples=300)
@given(data=st.data(), names=st.lists(CONTENTS, min_size=1, max_size=4, unique=True))
def test_what_is_written_is_read_again(data: st.DataObject, names: list[str]) -> None:
    items = tuple(data.draw(golden_items(name)) for name in names)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "golden.csv"
        write_golden(items, path)
        read = read_golden(path)
        assert [path] == list(path.parent.iterdir())
    assert [_sorted(item) for item in read] == [_sorted(item) for item in items]


def _sorted(item: GoldenItem) -> GoldenItem:
    """Carried columns come back in the file's order."""
    parts = (item.id, item.kind, item.context, item.judged, item.expected, item.group)
    return GoldenItem(*parts, tuple(sorted(item.carried)), item.note)


@settings(deadline=None, max_examples=300)
@given(content=st.binary(max_size=200) | TEXTS.map(str.encode), suffix=st.sampled_from(["csv", "jsonl", "parquet"]))
def test_no_file_does_worse_than_an_input_error(content: bytes, suffix: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = _file(Path(folder), b"text,label\n" * (suffix == "csv") + content, f"golden.{suffix}")
        with suppress(InputError):
            read_golden(path, policy_id="spam")


def test_what_csv_cannot_hold_is_not_written(tmp_path: Path) -> None:
    (item,) = inline_items([InlineItem(text="x" * 131_073, label="1")], "spam")
    with pytest.raises(InputError, match="longer than a CSV cell"):
        write_golden([item], tmp_path / "golden.csv")
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_no_file_can_have_is_a_file_that_can_not_be_read() -> None:
    with pytest.raises(InputError, match="can't be read"):
        read_golden(Path("a\0.csv"))
