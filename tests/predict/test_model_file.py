"""Model files: what is read, what is refused, and the probabilities that come out."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from mlplab.data import Dataset
from mlplab.engine import load_model, predict_probabilities
from mlplab.engine.model_file import class_count, example_shape
from mlplab.errors import DataError, ModelError

layers = keras.layers


def dense(units: int, activation: str | None, shape: tuple[int, ...] = (4,)) -> keras.Model:
    return keras.Sequential([keras.Input(shape), layers.Dense(units, activation=activation)])


def error_text(path: Path) -> str:
    with pytest.raises(ModelError) as raised:
        load_model(path)
    return str(raised.value)


def test_a_saved_model_comes_back(model: keras.Model, model_file: Path, mnist: Dataset) -> None:
    loaded = load_model(model_file)
    x = mnist.test.x[:100]
    probabilities = predict_probabilities(loaded, x)
    assert probabilities.shape == (100, 10)
    assert probabilities.dtype == np.float32
    assert np.array_equal(probabilities, model.predict(x, batch_size=1024, verbose=0))
    assert np.array_equal(predict_probabilities(load_model(str(model_file)), x), probabilities)
    assert (probabilities.argmax(axis=1) == mnist.test.y[:100]).mean() > 0.9


def test_the_batch_size_changes_nothing(model: keras.Model, mnist: Dataset) -> None:
    x = mnist.test.x[:100]
    small, large = (predict_probabilities(model, x, batch_size=size) for size in (7, 1024))
    assert np.allclose(small, large, atol=1e-6)


def test_one_sigmoid_unit_becomes_two_columns() -> None:
    model = dense(1, "sigmoid")
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    probabilities = predict_probabilities(model, x)
    p = model.predict(x, verbose=0)[:, 0]
    assert probabilities.shape == (5, 2)
    assert np.allclose(probabilities, np.stack([1 - p, p], axis=1))
    assert class_count(model) == 2


def test_models_that_take_any_size() -> None:
    model = keras.Sequential(
        [
            keras.Input((None, 3)),
            layers.GlobalAveragePooling1D(),
            layers.Dense(2, activation="softmax"),
        ]
    )
    assert example_shape(model) == (None, 3)
    assert predict_probabilities(model, np.ones((2, 7, 3))).shape == (2, 2)
    with pytest.raises(ModelError) as raised:
        predict_probabilities(model, np.ones((2, 7, 4)))
    assert str(raised.value) == "expected examples of shape (any, 3), got (7, 4)"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "model.h5",
            b"x",
            'expected a Keras model (.keras), got a .h5 file; save with model.save("NAME.keras")',
        ),
        (
            "model",
            b"x",
            "expected a Keras model (.keras), got a name without an ending; "
            'save with model.save("NAME.keras")',
        ),
        (
            "model.keras",
            b"not a zip archive",
            "expected a Keras model (.keras), got a file that is none or is truncated; "
            "copy or save it again",
        ),
        (
            "empty.keras",
            b"",
            "expected a Keras model (.keras), got a file that is none or is truncated; "
            "copy or save it again",
        ),
    ],
)
def test_files_that_are_no_models(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert error_text(path) == f"{path}: {message}"


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "none.keras"
    assert error_text(path) == (
        f"{path}: expected a Keras model (.keras), got no such file; check the path"
    )
    assert error_text(tmp_path) == (
        f"{tmp_path}: expected a Keras model (.keras), got a folder; "
        'save with model.save("NAME.keras")'
    )


def test_a_zip_archive_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "letters.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("letter.txt", "dear reader")
    assert error_text(path) == (
        f"{path}: expected a Keras model (.keras), got a zip archive without "
        "config.json, metadata.json, model.weights.h5"
    )


def test_a_truncated_model(model_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "half.keras"
    content = model_file.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert "got a file that is none or is truncated" in error_text(path)


def with_config(model_file: Path, path: Path, config: str) -> Path:
    """Copy a model file with another configuration."""
    with zipfile.ZipFile(model_file) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            target.writestr(name, config if name == "config.json" else source.read(name))
    return path


def test_a_damaged_configuration(model_file: Path, tmp_path: Path) -> None:
    path = with_config(model_file, tmp_path / "damaged.keras", "{")
    assert error_text(path) == (
        f"{path}: expected a Keras model (.keras), got a damaged one; copy or save it again"
    )


def test_a_layer_that_keras_does_not_know(model_file: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(model_file) as archive:
        config = archive.read("config.json").decode()
    path = with_config(model_file, tmp_path / "odd.keras", config.replace('"Flatten"', '"Flaten"'))
    assert error_text(path).startswith(
        f"{path}: expected a Keras model, got a file that Keras cannot rebuild: "
    )


@pytest.mark.parametrize(
    "function", [lambda f: lambda x: f(x), lambda f: f], ids=["a lambda", "a function's name"]
)
def test_a_model_with_code_in_it_is_refused_and_its_code_not_run(
    tmp_path: Path, function: Callable[[Any], Any]
) -> None:
    path, trace = tmp_path / "code.keras", tmp_path / "trace"

    def leave_trace(x: Any) -> Any:
        trace.touch()
        return x

    model = keras.Sequential([keras.Input((2,)), layers.Lambda(function(leave_trace))])
    trace.unlink()  # building the model has run it
    model.save(path)
    assert error_text(path) == (
        f"{path}: expected a model of layers and weights, got one with Python code "
        "(a Lambda layer), which is never run; replace the Lambda by a Keras layer"
    )
    assert not trace.exists()


def test_code_is_found_deep_inside(model_file: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(model_file) as archive:
        config = json.loads(archive.read("config.json"))
    config["config"]["layers"][-1]["config"]["activation"] = {"class_name": "__lambda__"}
    path = with_config(model_file, tmp_path / "deep.keras", json.dumps(config))
    assert "got one with Python code" in error_text(path)


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (
            np.zeros((2, 27, 28)),
            ModelError,
            "expected examples of shape (28, 28), got (27, 28)",
        ),
        (np.zeros((2, 784)), ModelError, "expected examples of shape (28, 28), got (784,)"),
        (np.zeros(2), ModelError, "expected examples of shape (28, 28), got ()"),
        (np.zeros((0, 28, 28)), DataError, "expected at least one example, got none"),
        (np.full((1, 28, 28), "a"), DataError, "expected numbers, got <U1"),
        (
            np.stack([np.zeros((28, 28)), np.full((28, 28), np.nan)]),
            DataError,
            "expected finite numbers, got 784 NaN or infinite, the first in example 1",
        ),
    ],
)
def test_examples_that_do_not_fit(
    model: keras.Model, x: np.ndarray, error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as raised:
        predict_probabilities(model, x)
    assert str(raised.value) == message


def test_outputs_that_are_no_probabilities() -> None:
    model = dense(3, None)
    model.layers[0].set_weights([np.zeros((4, 3)), np.array([-1.5, 0, 4])])
    with pytest.raises(ModelError) as raised:
        predict_probabilities(model, np.zeros((2, 4)))
    assert str(raised.value) == (
        "expected outputs that are probabilities (0 to 1, each example's summing to 1), "
        "got values from -1.5 to 4; end the model with a softmax or sigmoid"
    )


def test_models_of_another_form() -> None:
    a, b = keras.Input((4,)), keras.Input((4,))
    two_in = keras.Model([a, b], layers.Add()([a, b]))
    two_out = keras.Model(a, [layers.Dense(2)(a), layers.Dense(3)(a)])
    for model, shape, message in (
        (two_in, (4,), "expected a model with one input, got one with 2"),
        (two_out, (4,), "expected a model with one output, got one with 2"),
        (dense(3, None, (5, 4)), (5, 4), "expected an output of shape (classes,), got (5, 3)"),
        (
            keras.Sequential([layers.Dense(3)]),
            (4,),
            "expected a model whose input shape is known, got one that was never built; "
            "begin it with keras.Input",
        ),
    ):
        with pytest.raises(ModelError) as raised:
            predict_probabilities(model, np.zeros((1, *shape)))
        assert str(raised.value) == message
