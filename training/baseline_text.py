"""Texts as TF-IDF vectors: of words and pairs of words, and of the letters within words."""

from __future__ import annotations

from collections.abc import Sequence

from scipy.sparse import csr_matrix, hstack
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize

from training.baseline_fit import Dense

_MOST_FEATURES = 100_000


class TfIdf:
    """Words of 1 to 2, and 3 to 5 characters within words; weights log-scaled, rows of length 1.

    Vocabulary and weights are those of the texts that it learned from: what occurs in no such text counts for nothing.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        least = 2 if len(texts) >= 100 else 1
        self._views = (
            TfidfVectorizer(ngram_range=(1, 2), min_df=least, sublinear_tf=True, max_features=_MOST_FEATURES),
            TfidfVectorizer(
                analyzer="char_wb", ngram_range=(3, 5), min_df=least, sublinear_tf=True, max_features=_MOST_FEATURES
            ),
        )
        for view in self._views:
            view.fit(texts)

    def __call__(self, texts: Sequence[str]) -> csr_matrix:
        return normalize(hstack([view.transform(texts) for view in self._views], format="csr"))


class Topics:
    """TF-IDF brought down to so many directions by a truncated SVD, for features of pairs; rows of length 1."""

    def __init__(self, texts: Sequence[str], directions: int, seed: int) -> None:
        self._tfidf = TfIdf(texts)
        vectors = self._tfidf(texts)
        most = min(directions, vectors.shape[0] - 1, vectors.shape[1] - 1)
        self._svd = TruncatedSVD(max(1, most), random_state=seed).fit(vectors)

    def __call__(self, texts: Sequence[str]) -> Dense:
        found: Dense = normalize(self._svd.transform(self._tfidf(texts))).astype("float32")
        return found
