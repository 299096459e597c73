"""Where the files of published policies are: one folder for each, or a single file; golden files beside or apart."""

from __future__ import annotations

import re
from pathlib import Path

from assay.errors import InputError
from authoring.importing_records import Kind, Published, Remark

_SUFFIXES = (".md", ".txt")
_NO_POLICY = re.compile(r"(?i)(readme|licen[cs]e|source|notice|changelog|contributing|usage|security)\b")


def find_published(path: Path) -> tuple[Published, ...]:
    """The policies at `path`: a policy's file, its folder, or a folder of such folders, to any depth.

    A policy's golden file is the CSV file in its folder, or one elsewhere below `path` that is called like the folder.
    Raises InputError if there is no policy, or if two would get the same id.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file or folder")
    files = [path] if path.is_file() else _policies(path)
    if not files or files[0].suffix.lower() not in _SUFFIXES:
        raise InputError(f"{path}: no policy; give a file that ends in .md or .txt, or a folder with a policy.md in it")
    found = tuple(_published(file, path) for file in files)
    for one, other in zip(sorted(found, key=_id), sorted(found, key=_id)[1:], strict=False):
        if one.id == other.id:
            raise InputError(f"{other.policy}: {one.policy} would be called {one.id!r} too; import them one by one")
    return found


def _id(published: Published) -> str:
    return published.id


def _policies(folder: Path) -> list[Path]:
    texts = sorted(file for file in folder.rglob("*") if file.suffix.lower() in _SUFFIXES and file.is_file())
    named = [file for file in texts if file.stem.lower() == "policy"]
    return named or [file for file in texts if file.parent == folder and not _NO_POLICY.match(file.stem)]


def _published(file: Path, root: Path) -> Published:
    own_folder = file.stem.lower() == "policy"
    name = file.resolve().parent.name if own_folder else file.stem
    slug = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:64].lower() or "policy"
    remarks = [Remark(Kind.GUESSED, str(file), f"id: {slug}, after the {'folder' if own_folder else 'file'}")]
    beside = sorted(each for each in file.parent.iterdir() if each.suffix.lower() == ".csv")
    called = [each for each in beside if each.stem.lower() in (file.stem.lower(), name.lower())]
    top = root if root.is_dir() else root.parent
    elsewhere = sorted(each for each in top.rglob("*.csv") if each.stem.lower() == name.lower())
    candidates = called or (beside if own_folder else []) or elsewhere
    if len(candidates) > 1:
        names = ", ".join(each.name for each in candidates)
        remarks.append(Remark(Kind.NOT_READ, str(file.parent), f"golden items: several CSV files ({names}); leave one"))
    elif not candidates:
        remarks.append(Remark(Kind.NOT_READ, str(file), "golden items: no CSV file in the folder, or named like it"))
    elif candidates[0].parent != file.parent:
        remarks.append(Remark(Kind.GUESSED, str(candidates[0]), f"golden items of {slug}, by the file's name"))
    return Published(slug, file, candidates[0] if len(candidates) == 1 else None, tuple(remarks))
