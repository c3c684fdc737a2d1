"""What the page says besides its figures, as plain data for the templates."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mlplab import __version__
from mlplab.data import Dataset
from mlplab.recipes.notebook import EPOCHS
from mlplab.report.kernels import is_image
from mlplab.report.material import Network
from mlplab.report.numbers import count, listed, number, percent, points, seconds, vector
from mlplab.report.tables import layers_of, validation_source
from mlplab.study import Study

View = dict[str, Any]

_KNOWN_OF_MNIST = (
    "One run each of two networks on MNIST's 10,000 test images cannot show a difference below "
    "about 0.35 points. Published multilayer perceptrons differ from seed to seed by a standard "
    "deviation of 0.04 to 0.08 points"
)

MOST_MISREAD_ROWS = 50
_MOST_SEEDS_IN_A_CELL = 10
_SLICE = 28  # values of the sample vector to show; a row of an MNIST image


def overview(study: Study, networks: Sequence[Network]) -> View:
    """What stands at the top: how much was run, what diverged, what to bear in mind."""
    frame = study.frame()
    seeds = sorted({int(seed) for seed in frame.seed})
    return {
        "dataset": study.dataset["name"],
        "n_networks": count(len(networks), "network"),
        "n_runs": count(len(frame), "run"),
        "seeds": seeds,
        "time": duration(float(frame.seconds.sum())),
        "created": study.created[:10],
        "file": study.path.name,
        "rows": [_score_row(network) for network in networks],
        "any_published": any(network.published for network in networks),
        "diverged": [words for network in networks for words in _diverged(network)],
        "sure": how_sure(study, networks),
        "epochs_note": _epochs_note(networks),
        "validation_is_test": study.validation == "test",
        "validation": validation_source(study),
    }


def duration(total: float) -> str:
    """Write a time for people.

    Examples:
        >>> duration(42), duration(185), duration(7300)
        ('42 seconds', '3 minutes', '2 h 2 min')
    """
    if total < 90:
        return count(round(total), "second")
    minutes = round(total / 60)
    return count(minutes, "minute") if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def _score_row(network: Network) -> View:
    summary, published = network.summary, network.published
    accuracy, loss = summary.test_accuracy, summary.test_loss
    return {
        "label": network.label,
        "parameters": f"{network.record.parameters['total']:,}",
        "accuracy": points(accuracy.mean),
        "accuracy_sd": "" if accuracy.sd is None else points(accuracy.sd),
        "accuracy_values": _each([points(value) for value in accuracy.values]),
        "accuracy_published": points(published.test_accuracy if published else None),
        "loss": number(loss.mean),
        "loss_sd": "" if loss.sd is None else number(loss.sd),
        "loss_published": number(published.test_loss) if published else number(None),
        "seconds": seconds(summary.seconds_per_epoch),
        "seconds_published": (published and published.seconds_per_epoch) or number(None),
    }


def _each(values: list[str]) -> list[str]:
    shown = values[:_MOST_SEEDS_IN_A_CELL]
    return shown if len(shown) == len(values) else [*shown, f"and {len(values) - len(shown)} more"]


def _diverged(network: Network) -> list[str]:
    last = network.history.groupby("seed").epoch.max()
    return [
        f"{network.label}, seed {seed}: in epoch {last.get(seed, 1)}"
        for seed in network.summary.diverged
    ]


def how_sure(study: Study, networks: Sequence[Network]) -> str:
    """Say what runs so few can and cannot show."""
    n_runs = [len(network.summary.seeds) for network in networks]
    fewest, most = min(n_runs, default=0), max(n_runs, default=0)
    each = f"{count(most, 'run')} of each" if fewest == most else f"{fewest} to {most} runs of a"
    known, small = "", "small differences"
    if study.dataset["name"] == "mnist":
        known = f" {_KNOWN_OF_MNIST}{_spread_here(networks)}."
        small = "differences of a few tenths of a point"
    return (
        f"One test example is {points(1 / len(study.labels))} points of accuracy.{known} "
        f"With {each} network, {small} may be chance, and this page does not claim that any "
        "difference is real."
    )


def _spread_here(networks: Sequence[Network]) -> str:
    spreads = [network.summary.test_accuracy.sd for network in networks]
    known = sorted(spread for spread in spreads if spread is not None)
    if not known:
        return ""
    least, most = points(known[0]), points(known[-1])
    return f"; here it is {least}" if least == most else f"; here it is {least} to {most}"


def _epochs_note(networks: Sequence[Network]) -> str:
    ours: set[Any] = {n.record.description.get("epochs") for n in networks if n.published}
    others = sorted(ours - {EPOCHS, None})
    if not others:
        return ""
    said = listed(map(str, others))
    return (
        f"The notebook trained for {EPOCHS} epochs, these networks for {said}: expect other scores."
    )


def data_section(study: Study, networks: Sequence[Network], dataset: Dataset | None) -> View:
    """What the notebook prints of its data: shapes, a vector before and after scaling, a label."""
    about = study.dataset
    shape = tuple(about["input_shape"])
    view: View = {
        "name": about["name"],
        "n_train": f"{about['n_train']:,}",
        "n_test": f"{about['n_test']:,}",
        "shape": " × ".join(map(str, shape)),
        "n_features": f"{int(np.prod(shape)):,}",
        "is_image": is_image(shape),
        "flat": len(shape) == 1,
        "classes": list(about["class_names"]),
        "n_disputed": len(about["disputed"]),
        "validation": validation_source(study),
        "validation_is_test": study.validation == "test",
        "sample": None,
    }
    if dataset is not None:
        view["sample"] = _sample(dataset, any(_rescales(network) for network in networks))
    return view


def _rescales(network: Network) -> bool:
    """Whether a network has a layer that scales bytes to 0..1."""
    return "rescaling" in json.dumps(network.record.description).lower()


def _sample(dataset: Dataset, rescaled: bool) -> View:
    first, label = dataset.train.x[0].ravel(), int(dataset.train.y[0])
    start = _fullest_slice(first)
    piece = first[start : start + _SLICE]
    scaled = rescaled and first.dtype == np.uint8
    return {
        "dtype": str(dataset.train.x.dtype),
        "train_shape": str(dataset.train.x.shape),
        "test_shape": str(dataset.test.x.shape),
        "flat_train_shape": str((dataset.train.n, first.size)),
        "flat_test_shape": str((dataset.test.n, first.size)),
        "start": start,
        "stop": start + len(piece) - 1,
        "before": vector(piece),
        "after": vector(piece / np.float64(255)) if scaled else None,
        "all": vector(first),
        "all_after": vector(first / np.float64(255)) if scaled else None,
        "label": label,
        "class_name": dataset.class_names[label],
        "one_hot": vector(np.eye(dataset.n_classes)[label]),
    }


def _fullest_slice(values: npt.NDArray[Any]) -> int:
    """Where the first stretch with the most non-zero values begins."""
    whole = len(values) - len(values) % _SLICE
    if not whole:
        return 0
    filled = np.count_nonzero(values[:whole].reshape(-1, _SLICE), axis=1)
    return int(filled.argmax()) * _SLICE


def network_section(network: Network) -> View:
    """What the page says of one network."""
    description = network.record.description
    layers = layers_of(network.record.summary)
    return {
        "label": network.label,
        "settings": _settings(description),
        "parameters": {kind: f"{n:,}" for kind, n in network.record.parameters.items()},
        "runs": [_run_row(row) for row in network.frame.itertuples()],
        "mean": _score_row(network),
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


def repeat_section(study: Study, networks: Sequence[Network], command: str | None) -> View:
    """How to repeat the study: command, versions, machine, seeds, fingerprints."""
    about = study.dataset
    return {
        "command": command,
        "python": _python_call(study),
        "environments": [_environment_rows(environment) for environment in study.environments],
        "source": about["source"],
        "fingerprint": about["fingerprint"],
        "recipes": [(network.label, network.record.fingerprint) for network in networks],
        "version": __version__,
        "study_id": study.id,
    }


def _python_call(study: Study) -> str:
    """Write the call that makes such a study, given its recipes."""
    about = study.dataset
    options = "".join(f", {name}={value!r}" for name, value in about["load_options"].items())
    dataset = f"mlplab.load({about['source']!r}{options})" if about["source"] else "dataset"
    seeds = sorted({int(seed) for seed in study.frame().seed})
    return (
        "import mlplab\n\n"
        "study = mlplab.run(\n"
        "    recipes,\n"
        f"    {dataset},\n"
        f"    seeds={seeds},\n"
        f"    path={study.path.name!r},\n"
        f"    validation={study.validation!r},\n"
        ")"
    )


def _environment_rows(environment: dict[str, Any]) -> list[tuple[str, str]]:
    machine = environment.get("machine", {})
    versions = environment.get("versions", {})
    rows = {
        "Python": environment.get("python"),
        **versions,
        "Keras backend": environment.get("backend"),
        "system": machine.get("system"),
        "processor": machine.get("processor"),
        "threads": machine.get("threads"),
    }
    return [(name, str(value)) for name, value in rows.items() if value is not None]
