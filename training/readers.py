"""One reader for each public data set: its folder, as published, to labelled content.

davidson-hate-offensive/labeled_data.csv   class 0 hate, 1 offensive, 2 neither       Davidson et al. 2017
diasafety/train.json, val.json             label, category                            Sun et al. 2022
edos/train_dev.csv                         label_sexist, label_category               Kirk et al. 2023
gptfuzz/train.csv                          Response, label (1: it complied)           Yu et al. 2023
sms-spam/half.tsv                          ham or spam, text                          Almeida et al. 2011
spamassassin/spamassassin.jsonl.gz         raw e-mail, label                          SpamAssassin public corpus
"""

from __future__ import annotations

import csv
import gzip
import html
import json
import re
from collections.abc import Iterator
from email import message_from_string
from email.message import Message
from pathlib import Path

from assay.errors import InputError
from training.contents import Content, completion, text

MAIL_CHARS = 1_500
"""The most characters of an e-mail, subject included, that are used."""

_DAVIDSON = {"0": ("hate",), "1": ("offensive",), "2": ()}
_DIASAFETY = {
    "Offending User": "offending",
    "Biased Opinion": "biased",
    "Risk Ignorance": "risk",
    "Unauthorized Expertise": "expertise",
    "Toxicity Agreement": "toxicity",
}
_EDOS = {"1": "threats", "2": "derogation", "3": "animosity", "4": "prejudiced"}
_BLOCKS = re.compile(r"(?is)<(script|style|head)\b.*?</\1>|<!--.*?-->")
_BREAKS = re.compile(r"(?i)<br\s*/?>|</p>|</tr>|</div>|</h\d>|</li>")
_MARKUP = re.compile(r"(?s)<[^>]*>")
_BLANKS = re.compile(r"[ \t\xa0]+")
_LINES = re.compile(r"\s*\n\s*")


def davidson(folder: Path) -> Iterator[Content]:
    for row in _csv(folder / "labeled_data.csv", ("class", "tweet")):
        yield text("davidson", html.unescape(row["tweet"]).strip(), _DAVIDSON[row["class"]])


def diasafety(folder: Path) -> Iterator[Content]:
    for name in ("train.json", "val.json"):
        for row in json.loads(_read(folder / name)):
            tags = (_DIASAFETY[row["category"]],) if row["label"] == "Unsafe" else ()
            yield completion("diasafety", row["context"].strip(), row["response"].strip(), tags)


def edos(folder: Path) -> Iterator[Content]:
    for row in _csv(folder / "train_dev.csv", ("text", "label_sexist", "label_category")):
        sexist = row["label_sexist"] == "sexist"
        yield text("edos", row["text"].strip(), ("sexist", _EDOS[row["label_category"][0]]) if sexist else ())


def gptfuzz(folder: Path) -> Iterator[Content]:
    for row in _csv(folder / "train.csv", ("Response", "label")):
        yield completion("gptfuzz", "", row["Response"].strip(), ("complied",) if row["label"] == "1" else ())


def sms(folder: Path) -> Iterator[Content]:
    for line in _read(folder / "half.tsv").splitlines():
        label, _, words = line.partition("\t")
        yield text("sms", words.strip(), ("spam",) if label == "spam" else ())


def email(folder: Path) -> Iterator[Content]:
    path = folder / "spamassassin.jsonl.gz"
    _found(path)
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            yield text("email", mail_text(row["text"]), ("spam",) if row["label"] == "spam" else ())


def mail_text(raw: str) -> str:
    """Subject and body of a raw e-mail as plain text, at most MAIL_CHARS characters. HTML loses its markup."""
    message = message_from_string(raw.split("\n", 1)[1] if raw.startswith("From ") else raw)
    subject = _LINES.sub(" ", str(message.get("Subject", ""))).strip()
    for part in message.walk():
        if part.get_content_type() in ("text/plain", "text/html"):
            return f"{subject}\n{_body(part)}"[:MAIL_CHARS].strip()
    return subject[:MAIL_CHARS]


def _body(part: Message) -> str:
    payload = part.get_payload(decode=True)
    raw = payload if isinstance(payload, bytes) else str(part.get_payload()).encode()
    words = raw.decode("utf-8", errors="ignore") if raw.isascii() else raw.decode("latin-1")
    if part.get_content_type() == "text/html":
        words = html.unescape(_MARKUP.sub(" ", _BREAKS.sub("\n", _BLOCKS.sub(" ", words))))
    return _LINES.sub("\n", _BLANKS.sub(" ", words)).strip()


def _csv(path: Path, needed: tuple[str, ...]) -> Iterator[dict[str, str]]:
    rows = csv.DictReader(_read(path).splitlines(keepends=True))
    missing = [name for name in needed if name not in (rows.fieldnames or ())]
    if missing:
        raise InputError(f"{path}: no column {missing[0]!r}; docs/small-judge.md lists the columns")
    yield from rows


def _read(path: Path) -> str:
    _found(path)
    return path.read_bytes().decode("utf-8-sig")


def _found(path: Path) -> None:
    if not path.is_file():
        raise InputError(f"{path}: there is no such file; docs/small-judge.md lists the files")
