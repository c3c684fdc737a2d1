"""What the plan reads of a Keras model, and the sentence it gives where it cannot."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import keras
import pytest
from keras import layers, optimizers

from mlplab.engine import explain
from mlplab.engine.plan import plan
from mlplab.errors import Unplannable


def compiled(*parts: Any, optimizer: Any = "sgd", loss: Any = "mse", **options: Any) -> Any:
    model = keras.Sequential([keras.Input((8,)), *parts])
    model.compile(optimizer, loss, **options)
    return model


def reason(model: Any) -> str:
    with pytest.raises(Unplannable) as caught:
        plan(model)
    return str(caught.value)


def test_layers_become_steps_and_the_input_is_flattened() -> None:
    model = keras.Sequential(
        [
            keras.Input((4, 3)),
            layers.Flatten(),
            layers.Rescaling(0.5, offset=1),
            layers.Dense(5, "relu", use_bias=False),
            layers.Dropout(0.25),
            layers.Dropout(0.0),
            layers.Dense(2),
        ]
    )
    model.compile("adam", "mse")
    planned = plan(model)
    assert (planned.input_shape, planned.n_inputs, planned.n_outputs) == ((4, 3), 12, 2)
    assert [step["kind"] for step in planned.layers] == [
        "affine",
        "dense",
        "activation",
        "dropout",
        "dense",
    ]
    assert planned.layers[0] == {"kind": "affine", "scale": 0.5, "offset": 1.0}
    assert not planned.layers[1]["use_bias"]
    assert planned.slot_names == ["m", "v"]


def test_a_functional_chain_with_a_nested_model_is_one_chain() -> None:
    inner = keras.Sequential([keras.Input((5,)), layers.Dense(4), layers.ReLU()])
    inputs = keras.Input((3,))
    outputs = layers.Dense(2)(inner(layers.Dense(5)(inputs)))
    model = keras.Model(inputs, outputs)
    model.compile("sgd", "mse")
    planned = plan(model)
    assert [step["kind"] for step in planned.layers] == ["dense", "dense", "activation", "dense"]
    assert [id(w) for w in planned.weights] == [id(w) for w in model.weights]


@pytest.mark.parametrize(
    ("loss", "units", "expected"),
    [
        ("categorical_crossentropy", 3, "categorical_accuracy"),
        ("sparse_categorical_crossentropy", 3, "sparse_categorical_accuracy"),
        (keras.losses.SparseCategoricalCrossentropy(), 3, "sparse_categorical_accuracy"),
        ("binary_crossentropy", 1, "binary_accuracy"),
        (keras.losses.categorical_crossentropy, 3, "categorical_accuracy"),
    ],
)
def test_accuracy_means_what_keras_takes_it_for(loss: Any, units: int, expected: str) -> None:
    planned = plan(compiled(layers.Dense(units), loss=loss, metrics=["accuracy"]))
    assert [metric["kind"] for metric in planned.loss["metrics"]] == [expected]
    assert planned.metric_names == ["accuracy"]


def test_metrics_of_one_name_are_told_apart_as_in_keras() -> None:
    metrics = ["mae", keras.metrics.MeanAbsoluteError(name="mae")]
    assert plan(compiled(layers.Dense(2), metrics=metrics)).metric_names == ["mae", "mae_1"]


def test_weight_decay_leaves_out_what_keras_leaves_out() -> None:
    optimizer = optimizers.AdamW(weight_decay=0.1)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    planned = plan(compiled(layers.Dense(3), layers.Dense(2), optimizer=optimizer))
    assert planned.optimizer["decay_mask"] == [True, False, True, False]


def test_partial_sets_the_arguments_of_an_activation() -> None:
    tanh_like = functools.partial(keras.activations.gelu, approximate=True)
    assert plan(compiled(layers.Dense(2, tanh_like))).layers[1]["function"] == "gelu_tanh"


def branched() -> Any:
    inputs = keras.Input((8,))
    first = layers.Dense(4)(inputs)
    model = keras.Model(inputs, layers.Add(name="sum")([first, layers.Dense(4)(inputs)]))
    model.compile("sgd", "mse")
    return model


def shared() -> Any:
    inputs, layer = keras.Input((8,)), layers.Dense(8, name="twice")
    model = keras.Model(inputs, layer(layer(inputs)))
    model.compile("sgd", "mse")
    return model


class Own(keras.Model):
    """A subclass whose call says what it does."""

    def call(self, x: Any) -> Any:
        return x


def own() -> Any:
    model = Own()
    model.compile("sgd", "mse")
    return model


def unbuilt() -> Any:
    model = keras.Sequential([layers.Dense(2)])
    model.compile("sgd", "mse")
    return model


def images(*parts: Any) -> Any:
    model = keras.Sequential([keras.Input((6, 6)), *parts])
    model.compile("sgd", "mse")
    return model


def bfloat16() -> Any:
    return compiled(layers.Dense(2, name="half", dtype="mixed_bfloat16"))


REASONS: list[tuple[Callable[[], Any], str]] = [
    (
        lambda: images(layers.Conv1D(4, 3, name="conv")),
        "layer 0 (Conv1D 'conv') is not one the native engine trains",
    ),
    (
        lambda: images(layers.Dense(4, name="d")),
        "layer 0 (Dense 'd') takes examples of shape (6, 6); put a Flatten before it",
    ),
    (
        lambda: compiled(layers.Dropout(0.5, noise_shape=(None, 1), name="d")),
        "layer 0 (Dropout 'd') has noise_shape=(None, 1), where the native engine covers None",
    ),
    (
        lambda: compiled(layers.Dense(4, "mish", name="d")),
        "layer 0 (Dense 'd') has the activation 'mish', which the native engine lacks",
    ),
    (
        lambda: compiled(layers.Dense(4, kernel_regularizer="orthogonal_regularizer", name="d")),
        "layer 0 (Dense 'd') has the kernel regularizer OrthogonalRegularizer; the native engine "
        "covers L1, L2 and L1L2",
    ),
    (
        lambda: compiled(layers.Dense(4, kernel_constraint="non_neg", name="d")),
        "layer 0 (Dense 'd') has the kernel constraint NonNeg; the native engine covers "
        "MaxNorm over axis 0",
    ),
    (
        lambda: compiled(layers.Dense(4, activity_regularizer="l2", name="d")),
        "layer 0 (Dense 'd') has activity_regularizer=L2, where the native engine covers None",
    ),
    (
        lambda: compiled(layers.Dense(4), layers.Rescaling(2.0, name="r")),
        "layer 1 (Rescaling 'r') does not stand at the input, where alone the native engine "
        "rescales",
    ),
    (
        bfloat16,
        "layer 0 (Dense 'half') has dtype mixed_bfloat16, where the engine covers float32",
    ),
    (branched, "the model is no chain: 'sum' joins 2 tensors"),
    (shared, "the layer 'twice' is used more than once"),
    (
        own,
        "the model is of class Own, where the native engine reads Sequential and functional models",
    ),
    (unbuilt, "the model is not built; begin it with keras.Input(shape)"),
    (
        lambda: compiled(layers.Dense(2), loss="huber"),
        "the loss 'huber' is not one the native engine computes",
    ),
    (
        lambda: compiled(layers.Dense(2), loss=keras.losses.MeanSquaredError(reduction="sum")),
        "the loss 'mean_squared_error' has reduction='sum', where the native engine covers "
        "'sum_over_batch_size'",
    ),
    (
        lambda: compiled(layers.Dense(2), metrics=[keras.metrics.AUC(name="auc")]),
        "the metric 'auc' is not one the native engine computes",
    ),
    (
        lambda: compiled(layers.Dense(2), loss_weights=2.0),
        "the model has loss_weights, which the native engine does not apply",
    ),
    (
        lambda: compiled(layers.Dense(2), weighted_metrics=["mae"]),
        "the model has weighted_metrics, which the native engine does not cover",
    ),
    (
        lambda: compiled(layers.Dense(2), metrics=["sparse_categorical_accuracy"]),
        "the metric 'sparse_categorical_accuracy' takes class numbers and the loss vectors; the "
        "native engine takes one kind of target",
    ),
    (
        lambda: compiled(layers.Dense(2), optimizer="nadam"),
        "the optimizer Nadam is not one the native engine runs",
    ),
    (
        lambda: compiled(layers.Dense(2), optimizer=optimizers.Adam(amsgrad=True)),
        "the optimizer Adam has amsgrad=True, where the native engine covers False",
    ),
    (
        lambda: compiled(layers.Dense(2), optimizer=optimizers.SGD(lambda: 0.1)),
        "the optimizer's learning rate is a function, where the native engine takes a number or a "
        "LearningRateSchedule",
    ),
    (
        lambda: compiled(layers.Dense(2), run_eagerly=True),
        "the model is compiled with run_eagerly=True, which only Keras can do",
    ),
]


@pytest.mark.parametrize(("make", "sentence"), REASONS, ids=[r[1][:40] for r in REASONS])
def test_every_reason_is_one_exact_sentence(make: Callable[[], Any], sentence: str) -> None:
    model = make()
    assert reason(model) == sentence
    assert explain(model) == sentence


def test_an_optimizer_built_for_other_weights_is_seen() -> None:
    model = compiled(layers.Dense(3), layers.Dense(2))
    model.optimizer.build(model.trainable_variables)
    model.layers[0].trainable = False
    assert reason(model) == (
        "the optimizer was built for other weights than the model now trains; compile it again"
    )


def test_explain_says_nothing_where_the_native_engine_trains() -> None:
    assert explain(compiled(layers.Dense(3, "relu"), layers.Dense(2))) is None
