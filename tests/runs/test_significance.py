"""Which differences are real: exact McNemar tests and Holm's correction, computed again."""

import itertools
import math

import numpy as np
import pytest
from helpers.report_files import predicted
from scipy.stats import binomtest

from sentiment.base.errors import UserError
from sentiment.runs import significance
from sentiment.runs.predictions import Predictions


def model(right: np.ndarray) -> Predictions:
    """A model that is right of these images; bool (n,)."""
    y_true = np.arange(len(right)) % 2
    return predicted(y_true, np.eye(2)[np.where(right, y_true, 1 - y_true)])


def test_every_pair_can_be_computed_again() -> None:
    random = np.random.default_rng(1)
    right = {f"model {k}": random.random(120) < 0.4 + 0.07 * k for k in range(8)}
    right["the same"] = right["model 0"]
    pairs = significance.pairwise({name: model(rows) for name, rows in right.items()})
    assert [(c.first, c.second) for c in pairs] == list(itertools.combinations(right, 2))
    p = []
    for c in pairs:
        a, b = right[c.first], right[c.second]
        assert (c.n, c.only_first, c.only_second) == (120, (a & ~b).sum(), (b & ~a).sum())
        assert c.difference == pytest.approx(a.mean() - b.mean())
        both = c.only_first + c.only_second
        p.append(binomtest(c.only_first, both).pvalue if both else 1)
    np.testing.assert_allclose([c.p for c in pairs], p)
    corrected, so_far = {}, 0.0
    for rank, index in enumerate(np.argsort(p, kind="stable")):
        so_far = max(so_far, min(1, (len(p) - rank) * p[index]))
        corrected[index] = so_far
    np.testing.assert_allclose([c.p_holm for c in pairs], [corrected[i] for i in range(len(p))])
    assert [c.real for c in pairs] == [corrected[i] < 0.05 for i in range(len(p))]
    assert {c.real for c in pairs} == {True, False}


def test_known_p_values() -> None:
    all_right, one_right = np.ones(10, bool), np.arange(10) < 1
    (pair,) = significance.pairwise({"all": model(all_right), "one": model(one_right)})
    assert pair.p == pair.p_holm == pytest.approx(2 / 2**9)
    assert significance.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


def test_the_interval_is_agresti_and_mins() -> None:
    """Half an image more in each of the four cells, and then Wald's interval."""
    first = np.arange(100) < 60
    second = (np.arange(100) >= 20) & (np.arange(100) < 70)
    (pair,) = significance.pairwise({"first": model(first), "second": model(second)})
    assert (pair.only_first, pair.only_second) == (20, 10)
    a, b, n = 20.5, 10.5, 102
    half = 1.96 * math.sqrt((a + b) / n - ((a - b) / n) ** 2) / math.sqrt(n)
    assert pair.interval == pytest.approx(((a - b) / n - half, (a - b) / n + half))


def test_images_in_another_order_are_the_same_images() -> None:
    right = np.arange(10) < 6
    first, shuffled = model(right), np.random.default_rng(1).permutation(10)
    names = ("y_true", "y_pred", "y_prob", "paths", "agreement")
    arrays = [getattr(first, name)[shuffled] for name in names]
    second = Predictions(*arrays, first.class_names)
    (pair,) = significance.pairwise({"first": first, "second": second})
    assert (pair.only_first, pair.only_second, pair.p) == (0, 0, 1)


def test_different_images_are_not_compared() -> None:
    with pytest.raises(UserError, match="short and long did not predict the same images"):
        significance.pairwise({"short": model(np.ones(3, bool)), "long": model(np.ones(4, bool))})


def test_a_difference_of_balanced_accuracies_has_the_interval_of_a_bootstrap_by_class() -> None:
    """300 images of a class and 60 of another; the interval is about as wide as the bootstrap's."""
    random = np.random.default_rng(1)
    y_true = np.repeat([0, 1], [300, 60])
    first, second = random.random(360) < 0.7, random.random(360) < np.where(y_true, 0.4, 0.75)
    models = [
        predicted(y_true, np.eye(2)[np.where(right, y_true, 1 - y_true)])
        for right in (first, second)
    ]
    found = significance.balanced_difference(*models)
    one_less = first.astype(int) - second
    recalls = [one_less[y_true == label] for label in (0, 1)]
    assert found.value == pytest.approx(np.mean([part.mean() for part in recalls]))
    drawn = np.mean([random.choice(part, (4000, len(part))).mean(axis=1) for part in recalls], 0)
    np.testing.assert_allclose(found.interval, np.quantile(drawn, [0.025, 0.975]), atol=0.02)


def test_of_one_class_the_difference_is_that_of_accuracies() -> None:
    right = [np.arange(50) % k > 0 for k in (3, 4)]
    models = [predicted(np.zeros(50, int), np.eye(2)[np.where(r, 0, 1)]) for r in right]
    (compared,) = significance.pairwise(dict(zip("ab", models, strict=True)))
    found = significance.balanced_difference(*models)
    assert (found.value, *found.interval) == pytest.approx(
        (compared.difference, *compared.interval)
    )
