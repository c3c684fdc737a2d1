"""Recipe: what to train. A function that builds a Keras model, and how to fit it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from mlplab.data.dataset import Dataset, Split
from mlplab.data.drawn import KINDS, can_change, changed
from mlplab.data.lazy import LazyRows, is_mapped
from mlplab.errors import RecipeError, did_you_mean
from mlplab.recipes.describe import describe_model, describe_object, fingerprint_of
from mlplab.recipes.objects import make, problems_of
from mlplab.recipes.problems import sentence
from mlplab.recipes.vocabulary import Kind

# A recipe's name is part of file names.
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._+-]*$"

# Losses that read labels as integers, and losses for which two classes are one unit: yes or no.
_SPARSE_LOSSES = (keras.losses.SparseCategoricalCrossentropy,)
_BINARY_LOSSES = (keras.losses.BinaryCrossentropy, keras.losses.BinaryFocalCrossentropy)

Written = str | dict[str, Any]


@dataclass(frozen=True)
class Recipe:
    """What to train: a Keras model for a dataset's shapes, a loss, an optimizer, batches, epochs.

    The model is a Sequential or functional one, so that it can be described and compared. Its last
    layer has as many units as there are classes; with two classes under a binary cross-entropy it
    has one unit, the probability of class 1.

    Attributes:
        name: letters, digits and ``. _ + -``; used in file names.
        build: takes a Dataset, returns an uncompiled Keras model for its shapes. It is called anew
            for every run and must build a new model each time.
        loss: a Keras loss: its name, a table (``{"class": "CategoricalCrossentropy",
            "label_smoothing": 0.1}``) or an object.
        optimizer: a Keras optimizer: its name, a table or an object. Each model gets its own copy.
        batch_size: examples a step.
        epochs: passes over the training part.
        augmentation: kinds of change, names of ``mlplab.data.drawn.KINDS``. The training part gets
            a second copy in which each example is changed by one of them, drawn at random; an
            epoch passes over both.

    Raises:
        RecipeError: a name, loss, optimizer, batch size or number of epochs that cannot be used;
            all of them are named at once.

    Examples:
        >>> def tiny(dataset):
        ...     return keras.Sequential(
        ...         [
        ...             keras.Input(dataset.input_shape),
        ...             keras.layers.Flatten(),
        ...             keras.layers.Dense(dataset.n_classes, activation="softmax"),
        ...         ]
        ...     )
        >>> sgd = {"class": "SGD", "learning_rate": 0.1}
        >>> recipe = Recipe("tiny", tiny, optimizer=sgd, epochs=3)
        >>> recipe.replace(name="tiny-10", epochs=10).epochs
        10
    """

    name: str
    build: Callable[[Dataset], keras.Model]
    loss: Written | keras.losses.Loss = "categorical_crossentropy"
    optimizer: Written | keras.optimizers.Optimizer = "adam"
    batch_size: int = 128
    epochs: int = 20
    augmentation: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        problems = list(self._problems())
        if problems:
            raise RecipeError("\n".join(f"recipe {self.name!r}: {text}" for text in problems))

    def _problems(self) -> Iterator[str]:
        if not isinstance(self.name, str) or not re.fullmatch(NAME_PATTERN, self.name):
            yield (
                "expected a name of letters, digits and . _ + - that starts with a letter or digit,"
                f" got {self.name!r}"
            )
        if not callable(self.build):
            yield f"expected a function that builds a model from a Dataset, got {self.build!r}"
        yield from _object_problems("loss", self.loss, keras.losses.Loss)
        yield from _object_problems("optimizer", self.optimizer, keras.optimizers.Optimizer)
        for field in ("batch_size", "epochs"):
            value = getattr(self, field)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                yield f"expected {field} to be a whole number above 0, got {value!r}"
        yield from kinds_problems(self.augmentation)

    def model(self, dataset: Dataset) -> keras.Model:
        """Build the model for a dataset's shapes and compile it.

        The optimizer is new, so that no moments leak from one run into another; the metric is
        accuracy. Initial weights follow from the last ``keras.utils.set_random_seed``.

        Raises:
            RecipeError: ``build`` returned something that cannot be trained on this dataset.
        """
        model = self._built(dataset)
        model.compile(
            optimizer=self._fresh_optimizer(), loss=self._made_loss(), metrics=["accuracy"]
        )
        return model

    def describe(self, dataset: Dataset, model: keras.Model | None = None) -> dict[str, Any]:
        """Say as plain data what is trained: layers and their settings, loss, optimizer, sizes.

        Two recipes with the same description train alike. The recipe's name and the names of
        layers are not part of it, nor is the code of custom layers and functions, nor are weights
        that ``build`` loads.

        Args:
            dataset: what it is to be trained on.
            model: what ``model`` returned. Where it is None the model is built, which uses up
                random numbers: set seeds after.

        Raises:
            RecipeError: as for ``model``; or a custom layer cannot say what it was made with.
        """
        if model is None:
            model = self._built(dataset)
        try:
            described: dict[str, Any] = {
                "model": describe_model(model),
                "loss": describe_object(self._made_loss()),
                "optimizer": describe_object(self._fresh_optimizer()),
            }
        except (NotImplementedError, TypeError, ValueError) as error:
            text = f"Keras cannot describe the model: {sentence(error)}"
            raise RecipeError(f"recipe {self.name!r}: {text}") from error
        described |= {"batch_size": self.batch_size, "epochs": self.epochs}
        return described | ({"augmentation": list(self.augmentation)} if self.augmentation else {})

    def fingerprint(self, dataset: Dataset) -> str:
        """SHA-256 of ``describe``, as 64 hexadecimal digits: another one after any change."""
        return fingerprint_of(self.describe(dataset))

    def training_part(self, split: Split, rng: np.random.Generator) -> Split:
        """Return the examples to train on: a dataset's, and their changed copy where one is asked.

        Args:
            split: the training part, n examples.
            rng: the random stream of augmentation.

        Returns:
            n examples without augmentation, 2 n with it, the unchanged ones first.

        Examples:
            >>> two = Split(np.zeros((2, 28, 28), np.uint8), np.array([3, 5]))
            >>> recipe = Recipe("any", lambda dataset: keras.Sequential(), augmentation=("noisy",))
            >>> recipe.training_part(two, np.random.default_rng(0)).y.tolist()
            [3, 5, 3, 5]
        """
        if not self.augmentation:
            return split
        copy = split.x.copy()
        kind_of = rng.integers(len(self.augmentation), size=split.n)
        for place, kind in enumerate(self.augmentation):
            copy[kind_of == place] = changed(split.x[kind_of == place], kind, rng)
        return Split(np.concatenate([split.x, copy]), np.concatenate([split.y, split.y]))

    def targets(self, y: Any, n_classes: int) -> Any:
        """Turn class indices, shape (n,), into what the loss compares the model's output with.

        Returns:
            int32 indices, shape (n,), under a sparse loss. Under a binary cross-entropy with two
            classes, where the model has one output unit, float32 zeros and ones, shape (n, 1).
            Otherwise one-hot rows, float32, shape (n, n_classes). Of labels that are mapped from a
            file these are rows that are made when they are read.

        Examples:
            >>> notebook = Recipe("any", lambda dataset: keras.Sequential())
            >>> notebook.targets(np.array([2, 0]), 3).tolist()
            [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
        """
        if is_mapped(y):
            rows = y if isinstance(y, LazyRows) else LazyRows(y)
            return rows.then(partial(self.targets, n_classes=n_classes))
        if isinstance(self._made_loss(), _SPARSE_LOSSES):
            return y.astype(np.int32)
        if self.n_outputs(n_classes) == 1:
            return y.astype(np.float32)[:, np.newaxis]
        one_hot: npt.NDArray[np.float32] = np.eye(n_classes, dtype=np.float32)[y]
        return one_hot

    def n_outputs(self, n_classes: int) -> int:
        """Units the last layer must have: one a class, or one in all (binary loss, two classes)."""
        binary = isinstance(self._made_loss(), _BINARY_LOSSES)
        return 1 if binary and n_classes == 2 else n_classes

    def replace(self, **changes: Any) -> Recipe:
        """Return the same recipe with other values for some of its fields.

        Raises:
            RecipeError: an unknown field, or a value that cannot be used.
        """
        fields = [field.name for field in dataclasses.fields(self)]
        unknown = [name for name in changes if name not in fields]
        if unknown:
            hints = [f"a recipe has no {name!r}{did_you_mean(name, fields)}" for name in unknown]
            raise RecipeError("\n".join(f"recipe {self.name!r}: {hint}" for hint in hints))
        return dataclasses.replace(self, **changes)

    def _built(self, dataset: Dataset) -> keras.Model:
        model = self.build(dataset)
        _refuse(self.name, _model_problem(model))
        if not model.built:
            model.build((None, *dataset.input_shape))
        _refuse(self.name, shape_problem(model, dataset, self.n_outputs(dataset.n_classes)))
        _refuse(self.name, augmentation_problem(self.augmentation, dataset))
        return model

    def _made_loss(self) -> keras.losses.Loss:
        return make("loss", self.loss) if isinstance(self.loss, str | dict) else self.loss

    def _fresh_optimizer(self) -> keras.optimizers.Optimizer:
        if isinstance(self.optimizer, str | dict):
            return make("optimizer", self.optimizer)
        return type(self.optimizer).from_config(self.optimizer.get_config())


def shape_problem(model: keras.Model, dataset: Dataset, n_outputs: int) -> str | None:
    """What keeps a built model from a dataset: its input, or the width of its last layer."""
    taken, given = model.input_shape, dataset.input_shape
    if not _admits(taken, given):
        return f"the model takes inputs of shape {_row(taken)}; {dataset.name} has {given}"
    if not isinstance(model.output_shape, tuple) or len(model.output_shape) != 2:
        return (
            f"expected one row of {_units(n_outputs)} an example, "
            f"the model gives {_row(model.output_shape)}; a Flatten may be missing"
        )
    if model.output_shape[1] != n_outputs:
        return (
            f"expected {_units(n_outputs)} in the last layer for the {dataset.n_classes} classes "
            f"of {dataset.name}, got {model.output_shape[1]}"
        )
    return None


def augmentation_problem(kinds: Sequence[str], dataset: Dataset) -> str | None:
    """What keeps a dataset's examples from being changed as augmentation would."""
    if not kinds or can_change(dataset.train.x):
        return None
    x = dataset.train.x
    return (
        "augmentation changes grey pictures of bytes; "
        f"{dataset.name} has {x.dtype} of shape {x.shape[1:]}"
    )


def kinds_problems(kinds: Any) -> Iterator[str]:
    """What is wrong with the names of changes."""
    if isinstance(kinds, str) or not isinstance(kinds, Sequence):
        yield f"expected augmentation to be a list of changes, got {kinds!r}"
        return
    for kind in kinds:
        if kind not in KINDS:
            yield (
                f"expected augmentation out of {', '.join(KINDS)}, got {kind!r}"
                f"{did_you_mean(str(kind), KINDS)}"
            )
    if len(set(map(str, kinds))) < len(kinds):
        yield f"expected different changes in augmentation, got {', '.join(map(str, kinds))}"


def _units(n: int) -> str:
    return "1 unit" if n == 1 else f"{n} units"


def _admits(taken: Any, given: tuple[int, ...]) -> bool:
    """Whether a model's input shape, batch first, fits one example's; None fits any size."""
    if not isinstance(taken, tuple) or len(taken) != len(given) + 1:
        return False
    return all(size in (None, actual) for size, actual in zip(taken[1:], given, strict=True))


def _row(shape: Any) -> Any:
    """One example's part of a Keras shape, which has the batch first."""
    return shape[1:] if isinstance(shape, tuple) else shape


def _model_problem(model: Any) -> str | None:
    if not isinstance(model, keras.Model):
        return f"expected build to return a keras.Model, got {model!r}"
    if model.compiled:
        return (
            "expected build to return a new, uncompiled model, got a compiled one; "
            "leave out compile(): loss and optimizer are the recipe's"
        )
    if not isinstance(model, keras.Sequential) and not hasattr(model, "operations"):
        return (
            "expected a Sequential or functional keras.Model, which can be described, "
            f"got the subclass {type(model).__name__}"
        )
    return None


def _refuse(name: str, problem: str | None) -> None:
    if problem is not None:
        raise RecipeError(f"recipe {name!r}: {problem}")


def _object_problems(kind: Kind, value: Any, base: type) -> Iterator[str]:
    if isinstance(value, base):
        return
    for problem in problems_of(kind, value, ()):
        where = "".join(f".{key}" for key in problem.path if key != "class")
        yield f"{kind}{where}: {problem.text}" if where else problem.text
