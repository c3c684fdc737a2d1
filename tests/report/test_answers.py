"""The notebook's questions get the answer that the verdict gives, in words."""

from __future__ import annotations

import numpy as np
import pytest

from mlplab.compare import compare_scores
from mlplab.report.answers import ONE_RUN_EACH, answers


@pytest.mark.parametrize(
    ("three", "five", "margin", "word"),
    [
        (0.5, 0.9, 0.1, "Yes (bn-dropout-3 - bn-dropout-5: -"),
        (0.5, 0.9, 90, "Yes, by less than the margin (bn-dropout-3 - bn-dropout-5: -"),
        (0.9, 0.5, 0.1, "No, bn-dropout-3 is better (bn-dropout-3 - bn-dropout-5: +"),
        (0.9, 0.9, 20, "No, they are practically the same ("),
        (0.9, 0.9, 0.1, "Cannot tell yet ("),
    ],
)
def test_five_hidden_layers_against_three(
    three: float, five: float, margin: float, word: str
) -> None:
    rng = np.random.default_rng(2)
    scores = {
        "bn-dropout-3": rng.random((3, 1000)) < three,
        "bn-dropout-5@0a1b2c": rng.random((3, 1000)) < five,
    }
    found = compare_scores({name.partition("@")[0]: y for name, y in scores.items()}, margin=margin)
    ((question, answer),) = answers(found).items()
    assert question.startswith("Do five hidden layers beat three (0.9846 against 0.9837")
    assert answer.startswith(word)
    labelled = answers(compare_scores(scores, margin=margin))
    assert list(labelled) == [question]


def test_one_run_each_answers_no_question_of_recipes() -> None:
    """However clear the two models are apart."""
    rng = np.random.default_rng(2)
    scores = {"bn-dropout-3": rng.random(1000) < 0.5, "bn-dropout-5": rng.random(1000) < 0.9}
    found = compare_scores(scores, "models")
    assert found.pairs[0].verdict == "b better"
    assert list(answers(found).values()) == [ONE_RUN_EACH]


def test_questions_without_their_recipes_are_not_asked() -> None:
    scores = {name: np.eye(2, 9) for name in ("softmax", "relu-2", "relu-2-fan-in")}
    (question,) = answers(compare_scores(scores))
    assert question.startswith("Is relu-2 better with the initial deviations")
