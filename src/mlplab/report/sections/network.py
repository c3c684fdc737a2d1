"""One network: settings, runs, epochs, misread examples, what is left out and why."""

from __future__ import annotations

import json
from typing import Any

from mlplab.report.kernels import is_image
from mlplab.report.material import Network
from mlplab.report.numbers import count, number, percent, seconds
from mlplab.report.sections.scores import View, score_row
from mlplab.report.tables import layers_of
from mlplab.study import Study

MOST_MISREAD_ROWS = 50


def network_section(network: Network) -> View:
    """What the page says of one network."""
    description = network.record.description
    layers = layers_of(network.record.summary)
    return {
        "label": network.label,
        "settings": _settings(description),
        "parameters": {kind: f"{n:,}" for kind, n in network.record.parameters.items()},
        "runs": [_run_row(row) for row in network.frame.itertuples()],
        "mean": score_row(network),
        "summary": network.record.summary.rstrip(),
        "layers": layers.to_dict("records"),
        "epoch_lines": epoch_lines(network),
        "misread": _misread_rows(network),
        "n_misread": f"{len(network.misread):,}",
        "n_always": f"{len(network.always_misread):,}",
        "n_flipping": f"{len(network.flipping):,}",
        "n_done": len(network.done),
        "missing": missing(network),
        "description": json.dumps(description, indent=2, sort_keys=True),
        "fingerprint": network.record.fingerprint,
    }


def _settings(description: dict[str, Any]) -> str:
    """Say in a line how a network is trained."""
    optimizer, loss = description.get("optimizer"), description.get("loss")
    parts = [
        f"optimizer {optimizer['class_name']}" if isinstance(optimizer, dict) else "",
        f"learning rate {rate:.3g}" if isinstance(rate := _rate(optimizer), float) else "",
        f"loss {loss['class_name']}" if isinstance(loss, dict) else "",
        f"batches of {description['batch_size']}" if "batch_size" in description else "",
        count(description["epochs"], "epoch") if "epochs" in description else "",
    ]
    return ", ".join(part for part in parts if part)


def _rate(optimizer: Any) -> Any:
    return optimizer.get("config", {}).get("learning_rate") if isinstance(optimizer, dict) else None


def _run_row(run: Any) -> View:
    diverged = run.status == "diverged"
    return {
        "seed": run.seed,
        "loss": "diverged" if diverged else number(run.test_loss),
        "accuracy": "diverged" if diverged else percent(run.test_accuracy),
        "seconds": seconds(run.seconds),
        "epochs": run.epochs,
    }


def epoch_lines(network: Network) -> str:
    """Write a line an epoch, as Keras prints them, under a heading for each seed."""
    n_epochs = network.record.description.get("epochs", network.epochs)
    n_train = training_size(network.study)
    lines: list[str] = []
    for seed, epochs in network.history.groupby("seed"):
        lines.append(f"seed {seed}")
        lines += [_epoch_line(row, n_epochs, n_train) for row in epochs.itertuples()]
    return "\n".join(lines)


def _epoch_line(row: Any, n_epochs: int, n_train: int) -> str:
    return (
        f"Epoch {row.epoch:2}/{n_epochs} - {row.seconds:.1f} s - "
        f"{1e6 * row.seconds / n_train:.0f} µs/sample - "
        f"loss: {number(row.loss)} - accuracy: {number(row.accuracy)} - "
        f"val_loss: {number(row.val_loss)} - val_accuracy: {number(row.val_accuracy)}"
    )


def training_size(study: Study) -> int:
    """Return how many examples an epoch trains on: those of the training set not held out."""
    n_train, held_out = int(study.dataset["n_train"]), study.validation
    if isinstance(held_out, str):
        return n_train
    return n_train - (round(n_train * held_out) if isinstance(held_out, float) else held_out)


def _misread_rows(network: Network) -> list[View]:
    return [_misread_row(row) for row in network.misread.head(MOST_MISREAD_ROWS).itertuples()]


def _misread_row(row: Any) -> View:
    return {
        "index": row.test_index,
        "truth": row.truth,
        "answers": row.answers,
        "certainty": percent(row.certainty, 0),
        "disputed": "yes" if row.disputed else "",
    }


def missing(network: Network) -> dict[str, str]:
    """Say why figures are left out, by their topic; empty where none is."""
    said = dict.fromkeys(("pictures", "spread", "weights"), "")
    if network.dataset is None:
        said["pictures"] = (
            "Pictures of misread examples are left out: the report was written without the dataset."
        )
    elif not is_image(network.dataset.input_shape):
        said["pictures"] = "Examples are no images, so there are no pictures of the misread ones."
    if len(network.done) == 1:
        said["spread"] = (
            "One run: no spread. A standard deviation, a band about the curves, and which examples "
            "flip with the seed take two runs or more."
        )
    if network.kept_seed is None:
        said["weights"] = (
            "Figures of the trained weights are left out: no model is kept. To keep them, run the "
            'study with --keep models (in Python: keep="models").'
        )
    return said
