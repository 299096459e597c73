"""Where the files are: paths, folders, globs and URIs become a sorted list of file URIs.

URIs are kept throughout (`file:///data/a.parquet`, `s3://bucket/a.parquet`), so that other stores need nothing but
their fsspec driver.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import fsspec
import pyarrow as pa
import pyarrow.fs as pafs

from assay.errors import InputError

_SUFFIXES = (".parquet", ".parq", ".pq")
_NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"


def resolve(path: str | tuple[str, ...]) -> tuple[str, ...]:
    """The URIs of all files that `path` means, sorted, each once.

    A folder means the Parquet files below it, except those whose name (or whose folder's name) begins with `_` or `.`.
    Raises InputError, naming the path, if one matches nothing.
    """
    found: set[str] = set()
    for one in (path,) if isinstance(path, str) else path:
        try:
            matches = _matches(one)
        except (OSError, ValueError, ImportError) as error:
            raise InputError(f"source.path: {one}: {error}") from error
        if not matches:
            raise InputError(f"source.path: no Parquet files at {one}")
        found.update(matches)
    if not found:
        raise InputError("source.path: the list is empty; name at least one file, folder or glob")
    return tuple(sorted(found))


def open_uri(uri: str) -> pa.NativeFile:
    """Open a file for random access. Raises OSError, also for a pipe or device, which might be waited for for ever."""
    system, path = filesystem(uri)
    if isinstance(system, pafs.LocalFileSystem) and Path(path).exists() and not Path(path).is_file():
        raise OSError(f"{path} is a pipe or a device, not a file")
    return system.open_input_file(path)


def filesystem(uri: str) -> tuple[pafs.FileSystem, str]:
    """The file system that a URI is on, and the path there."""
    system, path = fsspec.core.url_to_fs(uri)
    if "file" in _protocols(system):
        return pafs.LocalFileSystem(), path
    return pafs.PyFileSystem(pafs.FSSpecHandler(system)), path


def partition_values(uri: str) -> dict[str, str | None]:
    """Columns that the folders of a Hive-partitioned data set stand for: `lang=de/` is column lang, value "de"."""
    values: dict[str, str | None] = {}
    for folder in uri.split("/")[:-1]:
        key, equals, value = folder.partition("=")
        if key and equals:
            values[unquote(key)] = None if value == _NULL_PARTITION else unquote(value)
    return values


def _matches(path: str) -> list[str]:
    system, root = fsspec.core.url_to_fs(path)
    if system.isfile(root):
        names = [root]
    elif system.isdir(root):
        names = _below(system, root)
    else:
        names = []
        for match in system.glob(root):
            names.extend(_below(system, match) if system.isdir(match) else [match])
    return [_uri(system, name) for name in names]


def _below(system: fsspec.AbstractFileSystem, root: str) -> list[str]:
    prefix = root.rstrip("/") + "/"
    return [
        name
        for name in system.find(root)
        if name.endswith(_SUFFIXES) and not any(p.startswith(("_", ".")) for p in name.removeprefix(prefix).split("/"))
    ]


def _uri(system: fsspec.AbstractFileSystem, name: str) -> str:
    return str(system.unstrip_protocol(name))


def _protocols(system: fsspec.AbstractFileSystem) -> tuple[str, ...]:
    return (system.protocol,) if isinstance(system.protocol, str) else tuple(system.protocol)
