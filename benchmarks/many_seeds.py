"""Many seeds in one program: seconds on this processor, or on this accelerator.

``python -m benchmarks.many_seeds --page docs/many-seeds.md`` measures everything there is to
measure where it runs, and writes the tables into the page, with the name of the hardware.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlplab  # before Keras, to choose its backend
from benchmarks import machine, torch_graph
from benchmarks.marks import write_between_marks
from benchmarks.networks import NETWORKS
from benchmarks.tables import table
from mlplab.data import Dataset, Split
from mlplab.engine import Streams, explain
from mlplab.recipes import Recipe, choose_notebook_recipes
from mlplab.study import RunResult, train
from mlplab.study.together import train_together

COMMAND = "python -m benchmarks.many_seeds --page docs/many-seeds.md"
PROCESSOR, ACCELERATOR = "on a processor", "on an accelerator"
LEARNED = 0.2  # training accuracy below which nothing was learned: twice chance


def conv_network(dataset: Dataset) -> Any:
    """Return a small convolutional network, which the native engine does not run."""
    import keras

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input(dataset.input_shape),
            layers.Reshape((*dataset.input_shape, 1)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(8, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(dataset.n_classes, activation="softmax"),
        ]
    )


def norm_network(dataset: Dataset) -> Any:
    """Return a network of small layers, which the native engine does not run either."""
    import keras

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input(dataset.input_shape),
            layers.Flatten(),
            layers.Rescaling(1 / 255),
            layers.Dense(32, activation="relu"),
            layers.GroupNormalization(4),
            layers.Dense(dataset.n_classes, activation="softmax"),
        ]
    )


def recipe_of(name: str) -> Recipe:
    """Return a recipe by name: of the notebook, or of this file."""
    own = {
        "conv": Recipe("conv", conv_network, batch_size=156),
        "group-norm": Recipe("group-norm", norm_network, batch_size=32),
    }
    return own[name] if name in own else choose_notebook_recipes([name])[0]


def first_examples(dataset: Dataset, n_train: int) -> Dataset:
    """Return a dataset of the first training examples, and a sixth as many for tests."""
    parts = [
        Split(split.x[:n], split.y[:n])
        for split, n in ((dataset.train, n_train), (dataset.test, max(100, n_train // 6)))
    ]
    return Dataset(dataset.name, *parts, dataset.class_names)


def one_seed(recipe: Recipe, dataset: Dataset, engine: str) -> RunResult:
    """Train a recipe under one seed."""
    carved = dataset.with_validation("test", Streams.of(0).rng("split"))
    result = train(recipe, carved, Streams.of(0), engine)
    check_learned(recipe, [result])
    return result


def many_seeds(recipe: Recipe, dataset: Dataset, n_seeds: int) -> list[RunResult]:
    """Train a recipe under many seeds in one program."""

    def ignore(what: Any) -> None:
        pass

    planned = [(seed, Streams.of(seed), ignore) for seed in range(n_seeds)]
    found = [result for _, result in train_together(recipe, dataset, "test", planned, ignore)]
    check_learned(recipe, found)
    return found


def check_learned(recipe: Recipe, results: Sequence[RunResult]) -> None:
    """Refuse times of runs that learned nothing."""
    lowest = min(result.epochs[-1].accuracy for result in results)
    if not lowest > LEARNED:
        raise SystemExit(f"error: {recipe.name} learned nothing: accuracy {lowest:.4f}")


def on_processor(options: argparse.Namespace, dataset: Dataset) -> Iterator[str]:
    """Yield the tables of a processor: seconds an epoch and seed under each engine."""
    ways = ["keras", "jax", *map(str, options.seeds), "native"]
    titles = ["Keras `fit`", "jax, 1 seed", *(f"jax, {n} seeds" for n in options.seeds), "native"]
    steady, whole = [], []
    for name in options.networks:
        recipe = recipe_of(name).replace(epochs=options.epochs)
        runs: dict[str, list[RunResult]] = {way: [] for way in ways}
        for _ in range(options.turns):
            for way in ways:
                runs[way] += trained(recipe, dataset, way)
        later = ([e.seconds for run in runs[way] for e in run.epochs[1:]] for way in ways)
        steady.append([name, *map(cell, later)])
        whole.append([name, *(cell([run.seconds for run in runs[way]]) for way in ways)])
    yield (
        f"{dataset.train.n:,} training examples, {options.epochs} epochs. Seconds of an epoch and "
        "seed, with validation; the middle of those after the first:\n"
    )
    yield table(["network", *titles], steady) + "\n"
    yield "Seconds of a whole run and seed: compiling, all epochs, test scores:\n"
    yield table(["network", *titles], whole)


def trained(recipe: Recipe, dataset: Dataset, way: str) -> list[RunResult]:
    """Return a run under an engine, or of so many seeds; none where native does not cover it."""
    if way.isdigit():
        return many_seeds(recipe, dataset, int(way))[:1]
    if way == "native" and explain(recipe.model(dataset)) is not None:
        return []
    return [one_seed(recipe, dataset, way)]


def cell(seconds: Sequence[float]) -> str:
    """Return the middle of some seconds; a dash where there are none."""
    return f"{statistics.median(seconds):.3f}" if seconds else "–"


def on_accelerator(options: argparse.Namespace, dataset: Dataset) -> Iterator[str]:
    """Yield the table of an accelerator: relu-2, from one network to as many as asked for."""
    recipe = recipe_of("relu-2").replace(epochs=options.epochs)
    operations = NETWORKS["relu-2"].operations * dataset.train.n / 60_000 * options.epochs
    peak = matmul_rate(options.matrix)
    rows = []
    for label, n_networks, run in (
        ("Keras `fit`", 1, partial(one_seed, recipe, dataset, "keras")),
        *(
            [("PyTorch by hand, CUDA graph", 1, partial(torch_graph.train, dataset, recipe))]
            if torch_graph.available()
            else []
        ),
        *(("jax", n, partial(many_seeds, recipe, dataset, n)) for n in options.networks_at_once),
    ):
        clock = time.perf_counter()
        run()
        seconds = time.perf_counter() - clock
        share = operations * n_networks / seconds / peak
        rows.append([label, str(n_networks), f"{seconds:.2f}", f"{seconds / n_networks:.3f}",
                     f"{100 * share:.2f}%"])  # fmt: skip
    yield (
        f"relu-2, {options.epochs} epochs of {dataset.train.n:,} examples in batches of "
        f"{recipe.batch_size}, from building the models to their test scores, compiling included. "
        f"A product of float32 matrices of {options.matrix:,} squared, in JAX's default precision, "
        f"measured here: {peak / 1e12:.2f} TFLOP/s; the last column is the share of it.\n"
    )
    yield table(["", "networks", "seconds", "seconds a network", "share"], rows)


def matmul_rate(size: int, repeats: int = 5) -> float:
    """Return the operations a second of the device's best square product of float32 matrices."""
    import jax

    product = jax.jit(jax.numpy.matmul)
    a = jax.random.normal(jax.random.key(0), (size, size), "float32")
    product(a, a).block_until_ready()
    best = float("inf")
    for _ in range(repeats):
        clock = time.perf_counter()
        product(a, a).block_until_ready()
        best = min(best, time.perf_counter() - clock)
    return 2 * size**3 / best


def hardware() -> str:
    """Return a line that names device, processor and versions."""
    import jax

    device = jax.devices()[0]
    versions = ", ".join(f"{name} {version(name)}" for name in ("keras", "jax", "jaxlib", "numpy"))
    name = "" if device.platform == "cpu" else f"{device.device_kind} ({device.platform}); "
    return f"{name}{machine.processor()}, {machine.n_cores()} cores; {versions}\n"


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser("python -m benchmarks.many_seeds", description=__doc__)
    parser.add_argument("--page", type=Path, help="a Markdown page to write the tables into")
    parser.add_argument(
        "--part", choices=("processor", "accelerator"), help="default: what is here"
    )
    parser.add_argument("--examples", type=int, default=60_000, help="training examples")
    parser.add_argument("--epochs", type=int, help="epochs of each run; 4, or 20 on an accelerator")
    parser.add_argument("--turns", type=int, default=1, help="times that each is measured")
    parser.add_argument("--seeds", type=int, nargs="*", default=[4], help="processor: at once")
    parser.add_argument(
        "--networks", nargs="+", default=["relu-2", "bn-dropout-3", "group-norm", "conv"]
    )
    parser.add_argument(
        "--networks-at-once", type=int, nargs="+", default=[1, 10, 100, 1000], metavar="N"
    )
    parser.add_argument("--matrix", type=int, default=8192, help="size of the peak's matrices")
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> None:
    """Measure, print, and write the page."""
    import jax

    options = parse(words)
    here = "processor" if jax.default_backend() == "cpu" else "accelerator"
    on_cpu = (options.part or here) == "processor"
    options.epochs = options.epochs or (4 if on_cpu else 20)
    dataset = first_examples(mlplab.load("mnist", progress=False), options.examples)
    measure, part = (on_processor, PROCESSOR) if on_cpu else (on_accelerator, ACCELERATOR)
    text = "\n".join([hardware(), *measure(options, dataset)])
    print(text)
    if options.page:
        write_between_marks(options.page, COMMAND, text, part)


if __name__ == "__main__":
    main()
