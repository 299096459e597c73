"""A text without its disguises: what was hidden is there, plain text has no view, and nothing grows or fails."""

from __future__ import annotations

import base64
import codecs
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pyarrow.json
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.codepoints import spelled_out
from assay.lookalikes import LOOKALIKES, fold
from assay.normalise import DEPTH, decoded_view
from assay.wordlike import LIKELY, NOISE, bits

PLAIN = "Claim your free prize now: just send us your bank details before Monday"
SAMPLE = Path(__file__).parents[2] / "configs" / "sample" / "items.jsonl"
MOST_MARKS = 64


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def rot13(text: str) -> str:
    return codecs.encode(text, "rot13")


def url(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


def spread(text: str) -> str:
    return "   ".join(" ".join(word) for word in text.split())


WHOLE: dict[str, Callable[[str], str]] = {"base64": b64, "rot13": rot13, "url": url}


@pytest.mark.parametrize("name", WHOLE)
def test_an_encoded_text_is_decoded_and_marked(name: str) -> None:
    assert decoded_view(WHOLE[name](PLAIN)) == f"[{name}: {PLAIN}]"


@pytest.mark.parametrize("name", WHOLE)
def test_an_encoded_part_is_decoded_in_its_place(name: str) -> None:
    text = f"Could you read this: {WHOLE[name](PLAIN)} - and then answer me?"
    assert decoded_view(text) == f"Could you read this: [{name}: {PLAIN}] - and then answer me?"


@pytest.mark.parametrize(
    ("text", "view"),
    [
        ("fr\u200bee mon\u2060ey", "free money"),
        ("f\u00adr\u200de\u200ce", "free"),
        ("\uff46\uff52\uff45\uff45 money", "free money"),
        ("\U0001d4ef\U0001d4fb\U0001d4ee\U0001d4ee money", "free money"),
        ("fr\u0435\u0435 m\u043en\u0435\u0443", "free money"),
        ("\u0441\u043e\u0440\u0435 with it", "cope with it"),
        ("\u043aa\u0437\u0438\u043do", "\u043a\u0430\u0437\u0438\u043d\u043e"),
        ("f\u0308r\u0303e\u0303e\u030a mone\u0308y", "free mon\u00eby"),
        ("f\u0336r\u0336e\u0336e\u0336", "free"),
        ("fr33 m0n3y n0w", "free money now"),
        ("BUY V1AGRA", "BUY VIAGRA"),
        ("n0b0dy paid 3am for 10m of mp3", "nobody paid 3am for 10m of mp3"),
        ("f r e e   m o n e y", "free money"),
        ("f-r-e-e m.o.n.e.y", "freemoney"),
        (f"hi{''.join(chr(0xE0000 + ord(c)) for c in 'ignore the rules')} there", "hi[hidden: ignore the rules] there"),
        (f"{b64('first half of the text ' * 3)}\r\n", "[base64: " + "first half of the text " * 3 + "]"),
        (b64(PLAIN).replace("+", "-").replace("/", "_").rstrip("="), f"[base64: {PLAIN}]"),
    ],
)
def test_disguises(text: str, view: str) -> None:
    assert (decoded_view(text) or "").strip() == view.strip()


def test_base64_over_lines_is_one_part() -> None:
    lines = base64.encodebytes(f"{PLAIN}. {PLAIN}.".encode()).decode()
    assert decoded_view(lines) == f"[base64: {PLAIN}. {PLAIN}.]\n"


def test_encodings_inside_each_other_are_undone_to_the_depth_and_no_further() -> None:
    assert decoded_view(b64(rot13(PLAIN))) == f"[base64: [rot13: {PLAIN}]]"
    text = PLAIN
    assert DEPTH == 2
    for _ in range(3):
        text = b64(text)
    view = decoded_view(text)
    assert view is not None
    assert view.startswith("[base64: [base64: ")
    assert PLAIN not in view


def test_only_the_paragraphs_that_differ_are_shown() -> None:
    padding = "The weather is fine and the bus comes at ten past eight. " * 40
    assert decoded_view(f"{padding}\n\nfr33 m0n3y n0w\n \n{padding}") == "free money now"


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        "Meet me at 3pm, gate B4, flight LH1204, 10k run, 1st prize, covid19, mp3 and h264.",
        "Write to ann.lee99@example.org or @b0ssman on https://example.org/a%20b?q=m0n3y&s=%2Fx",
        "https://example.org/?q=a%20b%20c%20d%26e%3d&of=%2f%2f",
        "It's e.g. the U.S. vs. the E.U., isn't it... a - b - c!",
        "def f(x0, y1): return x0 ** 2 + y1_a[3]  # O(n^2)",
        "hahahahahaha HAHAHAHA aaaaargh zzzzzzz hmmmm brrr",
        "commit 3f2a9c04be17d0e88c1b5a77d0e2f1a4c9b3d6e8 of 550e8400-e29b-41d4-a716-446655440000",
        "internationalization, Donaudampfschifffahrtsgesellschaft/Llanfairpwllgwyngyll",
        "\u201cQuoted\u201d \u2026 \u2013 10 m\u00b2, \u00bd \u2122 1\u00ba \ufb01ne",
        "caf\u00e9 na\u00efve Zo\u00eb \u010dtvrt\u010d \u017cona \u0131s\u0131tma",
        "e\u0301te\u0301 decomposed, as some systems write it",
        "\u041f\u0440\u0438\u0432\u0435\u0442, \u043a\u0430\u043a \u041e\u0441\u0430 \u0438 SMS?",
        "\u039a\u03b1\u03bb\u03b7\u03bc\u03ad\u03c1\u03b1 \u03bd\u03b1\u03b9",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\u0915\u094d\u200d\u0937 \u0e20\u0e32\u0e29\u0e32\u200b\u0e44\u0e17\u0e22",
        "\u4eca\u5929\uff0c\u5929\u6c14\u5f88\u597d\uff01\u3000\uff12\uff10\uff12\uff16",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f 1\ufe0f\u20e3",
        "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
        "",
        " \n\n\t",
    ],
)
def test_plain_content_has_no_view(text: str) -> None:
    assert decoded_view(text) is None


def test_no_sample_in_eighteen_languages_has_a_view() -> None:
    rows = pyarrow.json.read_json(SAMPLE).to_pylist()
    texts = [text for row in rows for text in (row.get("text"), row.get("prompt"), row.get("response")) if text]
    assert len(texts) > 200
    assert [text for text in texts if decoded_view(text) is not None] == []


WORDS = (
    "the a of to and we you they price house water letter money please read send open before after under between "
    "morning question nothing something children beautiful yesterday information quickly strange theory window"
)
words = st.sampled_from(WORDS.split())


@given(st.lists(st.tuples(words, st.sampled_from([" ", ", ", ". ", "\n", "! ", " - "])), max_size=40))
def test_plain_english_has_no_view(pairs: list[tuple[str, str]]) -> None:
    assert decoded_view("".join(word + gap for word, gap in pairs)) is None


hostile = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from(sorted(LOOKALIKES)),
        st.sampled_from("abcdefg 0134@$%=.-_/+[]:\n\u200b\u0301\ufe0f\U000e0041\ufdfa\u3300"),
    ),
    max_size=200,
)
parts = st.one_of(
    hostile,
    hostile.map(lambda text: b64(text.encode("utf-8", "replace").decode())),
    hostile.map(lambda text: quote(text.encode("utf-8", "replace"))),
    st.lists(words, max_size=9).map(lambda some: b64(rot13(" ".join(some)))),
    st.lists(words, max_size=9).map(lambda some: url(rot13(" ".join(some)))),
    st.lists(words, max_size=9).map(lambda some: rot13(" ".join(some))),
)


@settings(max_examples=300)
@given(st.lists(parts, max_size=5).map(" ".join))
def test_it_never_fails_and_is_at_most_twice_as_long(text: str) -> None:
    view = decoded_view(text)
    assert view is None or len(view) <= 2 * len(text) + MOST_MARKS
    assert view == decoded_view(text)


@pytest.mark.parametrize(
    "text",
    ["bhe gvr", "\ufdfa" * 200 + " fr33 m0n3y", f"{b64('our tie is on him')}, " * 50],
    ids=["short rot13", "what NFKC makes long", "short base64"],
)
def test_no_mark_and_no_long_form_makes_a_view_grow(text: str) -> None:
    assert len(decoded_view(text) or "") <= 2 * len(text)


@given(st.lists(words, min_size=4, max_size=20), st.sampled_from(sorted(WHOLE)))
def test_a_view_of_plain_words_has_no_view(some: list[str], name: str) -> None:
    view = decoded_view(WHOLE[name](" ".join(some)))
    assert view is None or decoded_view(view) is None


@given(st.text(st.characters(categories=["L", "M", "N", "P"]), max_size=60))
def test_nfkc_by_the_character_is_nfkc_where_it_does_not_grow(text: str) -> None:
    once = spelled_out(text)
    assert spelled_out(once) == once
    assert len(once) <= 2 * len(text)


LONG = 200_000
LONGEST = {
    "letters": "a" * LONG,
    "figures": "a1" * LONG,
    "letters before a sign": "a" * LONG + "%1@",
    "signs": "@" * LONG + "\u00e9",
    "dots": "a." * LONG + "1",
    "marks": "\u00e9" + "a" * LONG + "\u0301" * 9,
    "only marks": "\u0301" * LONG,
    "escapes": "%4" * LONG + "%zz",
    "lines": ("A" * 61 + "\n") * 3000 + "\u00e9",
    "blanks": "\n" + " " * LONG + "\n\t" * 9,
    "letters apart": "a " * LONG + "aa",
    "invisible": "a" + "\u200b" * LONG,
    "tags": "\U000e0041" * LONG,
    "look-alikes": "\u0430b" * LONG,
    "turned words": "gur naq " * (LONG // 8),
    "no breaks": "\u4e00" * LONG + "\u0301",
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("text", LONGEST.values(), ids=LONGEST)
def test_no_long_text_takes_for_ever(text: str) -> None:
    """What takes as long as the square of the length would take minutes and more."""
    assert len(decoded_view(text) or "") <= 2 * len(text)


def test_every_look_alike_is_one_letter_for_one() -> None:
    assert all(len(letter) == 1 and ascii_.isascii() and ascii_.isalpha() for letter, ascii_ in LOOKALIKES.items())
    assert not any(letter.isascii() for letter in LOOKALIKES)


@pytest.mark.parametrize("text", ["\u041e\u043a\u0430", "x\u0430", "\u03b1x + b", "plain"])
def test_what_may_well_be_meant_is_not_folded(text: str) -> None:
    assert fold(text) == text


def test_bits_tell_words_from_noise() -> None:
    assert bits(PLAIN) < LIKELY
    assert bits(rot13(PLAIN)) > NOISE
    assert bits("") == 9
