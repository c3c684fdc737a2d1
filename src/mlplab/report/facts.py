"""The words that fill in alt texts and captions: what a figure shows, in figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mlplab.report.material import MOST_PICTURES, Material, Network, weight_spread
from mlplab.report.numbers import count, listed, number, percent, seconds
from mlplab.study import Study

Facts = dict[str, str]

VALIDATION_IS_TEST = (
    "Validation examples are the test set itself: its figures are no longer those of unseen data."
)


def study_facts(study: Study, networks: Sequence[Network]) -> Facts:
    """Gather the words for the figures of a whole study."""
    with_runs = [network for network in networks if len(network.done)]
    means = [network.done.test_accuracy.mean() for network in with_runs]
    wide = bool(means) and max(means) - min(means) > 0.02
    return {
        "each_accuracy": " ".join(f"{n.label}: {accuracy_words(n)}." for n in with_runs),
        "each_seconds": " ".join(seconds_words(n) for n in networks if n.epochs),
        "dataset": study.dataset["name"],
        "published_mark": _published_mark(any(n.published for n in networks)),
        "scale_note": "The axis is stretched towards 100 %, so that small differences among good "
        "networks can be seen." if wide else "",
    }  # fmt: skip


def network_facts(network: Network, material: Material) -> Facts:
    """Gather the words for the figures of one network."""
    held_out = network.study.validation != "test"
    return {
        "label": network.label,
        "runs": count(len(network.done), "run"),
        "validation": "held-out validation examples" if held_out else "the test set",
        "validation_caption": "" if held_out else VALIDATION_IS_TEST,
        "published_mark": _published_mark(network.published is not None),
        "split_words": ", and which examples are held out" if held_out else "",
        "accuracy_words": accuracy_words(network),
        **_curve_words(network),
        **_confusion_words(material),
        **_picture_words(network),
        **_weight_words(network, material),
        **_calibration_words(material),
    }


def seconds_words(network: Network) -> str:
    """Say how long an epoch of a network takes."""
    return f"{network.label}: median {seconds(network.summary.seconds_per_epoch)} s."


def accuracy_words(network: Network) -> str:
    """Say a network's test accuracy: mean, spread and range, beside the published one."""
    accuracy = network.done.test_accuracy
    if accuracy.empty:
        return "no run that did not diverge"
    words = f"mean {percent(accuracy.mean())} over {count(len(accuracy), 'run')}"
    if len(accuracy) > 1:
        low, high = percent(accuracy.min()), percent(accuracy.max())
        words += f", from {low} to {high}"
    if network.published:
        words += f"; published {percent(network.published.test_accuracy)}"
    return words


def _published_mark(there: bool) -> str:
    return ", a diamond what the notebook published" if there else ""


def _curve_words(network: Network) -> Facts:
    means = network.history.groupby("epoch").mean(numeric_only=True).dropna(how="all")
    if means.empty:
        return {}
    first, last = means.iloc[0], means.iloc[-1]
    words: Facts = {}
    for column in ("loss", "val_loss"):
        words |= {f"{column}_first": number(first[column]), f"{column}_last": number(last[column])}
    for column in ("accuracy", "val_accuracy"):
        words |= {
            f"{column}_first": percent(first[column]),
            f"{column}_last": percent(last[column]),
        }
    band = "Faint lines are runs, the band is one standard deviation about their mean."
    words["band_caption"] = band if len(network.done) > 1 else "One run: no band, which takes two."
    published = network.published
    if published and published.training_loss:
        words["published_first"] = number(published.training_loss[0])
        words["published_note"] = published.note
    return words


def _confusion_words(material: Material) -> Facts:
    if "confusion" not in material:
        return {}
    mistakes, names = material["confusion"].copy(), material["class_names"]
    np.fill_diagonal(mistakes, 0)
    if not mistakes.any():
        return {"confusion_words": "No mistakes."}
    worst = np.argsort(-mistakes, axis=None, kind="stable")[:3]
    pairs = [np.unravel_index(cell, mistakes.shape) for cell in worst]
    said = [
        f"{names[truth]} taken for {names[answer]} ({number(mistakes[truth, answer], 1)})"
        for truth, answer in pairs
        if mistakes[truth, answer] > 0
    ]
    total = f"{number(mistakes.sum(), 1)} mistakes a run."
    return {"confusion_words": f"{total} The most frequent: {listed(said)}."}


def _picture_words(network: Network) -> Facts:
    if network.done.empty:
        return {}
    always, flipping, n_runs = len(network.always_misread), len(network.flipping), len(network.done)
    by_all = "by its one run" if n_runs == 1 else f"by all {n_runs} runs"
    disputed = int(network.always_misread.disputed.sum())
    marked = network.misread.disputed.any()
    return {
        "always_words": f"Pictures of test examples that {network.label} misreads {by_all}: "
        f"{_shown(always)}, {disputed} of all with a disputed label.",
        "always_caption": f"{_shown(always)}, the surest mistakes first.",
        "flipping_words": f"Pictures of test examples that some runs of {network.label} read right "
        f"and others wrong: {_shown(flipping)}.",
        "flipping_caption": f"{_shown(flipping)}, the most even splits first. A single run counts "
        "each of them as known or unknown by luck.",
        "disputed_caption": "A dashed frame and a question mark: people dispute the label itself."
        if marked
        else "",
    }


def _shown(n: int) -> str:
    return f"{MOST_PICTURES} of {n:,}" if n > MOST_PICTURES else f"all {n}" if n > 1 else f"{n}"


def _weight_words(network: Network, material: Material) -> Facts:
    if not network.kernels:
        return {}
    words = {
        "kept_seed": str(network.kept_seed),
        "weight_words": f"{'; '.join(weight_spread(network.kernels))}.",
    }
    kernel: Any = material.get("first_kernel")
    if kernel is not None:
        n_units = next(iter(network.kernels.values())).shape[1]
        shown = kernel.shape[1]
        words["n_pictures"] = str(shown)
        words["units_caption"] = (
            f"The {shown} of {n_units} units with the largest weights." if shown < n_units else ""
        )
    return words


def _calibration_words(material: Material) -> Facts:
    if "calibration" not in material:
        return {}
    found = material["calibration"]
    words = (
        f"Expected calibration error {found.error.mean:.4f}, Brier score {found.brier.mean:.4f}."
    )
    return {"calibration_words": words}
