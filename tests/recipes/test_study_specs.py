"""Study specs: what they mean, and every way in which they can be wrong."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from mlplab.data import Dataset, Split
from mlplab.errors import RecipeError
from mlplab.recipes import check, load_search, load_spec, notebook_recipes, parameter_counts
from mlplab.recipes.objects import problems_of
from mlplab.recipes.vocabulary import names

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.toml"))

STUDY = '[study]\ndataset = "mnist"\n'
LAST = '{ class = "Dense", units = "classes", activation = "softmax" }'
RECIPE = f'[[recipe]]\nname = "a"\nlayers = [{LAST}]\n'


def write(folder: Path, text: str) -> Path:
    file = folder / "my study.toml"
    file.write_text(text)
    return file


@pytest.fixture(scope="module")
def digits() -> Dataset:
    bunch = load_digits()
    split = Split(bunch.images, bunch.target)
    return Dataset("digits", split, split, tuple("0123456789"))


# What they mean


def test_everything_said(tmp_path: Path, images: Dataset):
    text = f"""
[study]
name = "full"
dataset = "data/mine.csv"
target = "digit"
seeds = [3, 1]
validation = 0.2
keep = "models"
[train]
epochs = 7
optimizer = {{ class = "SGD", learning_rate = {{ class = "ExponentialDecay", \
initial_learning_rate = 0.1, decay_steps = 100, decay_rate = 0.9 }}, momentum = 0.9 }}
[[recipe]]
name = "own"
batch_size = 32
layers = [{{ class = "Dense", units = 5, activation = "relu", \
kernel_initializer = {{ class = "VarianceScaling", scale = 2.0 }}, \
kernel_regularizer = {{ class = "L2", l2 = 0.01 }}, bias_constraint = "max_norm" }}, \
"BatchNormalization", {LAST}]
[[recipe]]
like = "relu-2"
[[recipe]]
name = "again"
like = "softmax"
epochs = 3
loss = "sparse_categorical_crossentropy"
"""
    spec = load_spec(write(tmp_path, text))
    assert (spec.name, spec.seeds, spec.validation, spec.keep) == ("full", [3, 1], 0.2, "models")
    assert (spec.dataset, spec.load_options) == (
        str(tmp_path / "data/mine.csv"),
        {"target": "digit"},
    )
    own, relu_2, again = spec.recipes
    assert [recipe.name for recipe in spec.recipes] == ["own", "relu-2", "again"]
    assert (own.batch_size, own.epochs) == (32, 7)
    assert (relu_2.batch_size, relu_2.epochs) == (156, 7)
    assert (again.batch_size, again.epochs) == (156, 3)

    model = own.model(images)
    dense = model.layers[2]
    assert [type(layer).__name__ for layer in model.layers] == [
        "Rescaling",
        "Flatten",
        "Dense",
        "BatchNormalization",
        "Dense",
    ]
    assert (dense.kernel_initializer.scale, float(dense.kernel_regularizer.l2)) == (2.0, 0.01)
    assert isinstance(dense.bias_constraint, keras.constraints.MaxNorm)
    assert model.optimizer.get_config()["learning_rate"]["class_name"] == "ExponentialDecay"
    assert isinstance(again.model(images).loss, keras.losses.SparseCategoricalCrossentropy)
    assert parameter_counts(relu_2.model(images))["total"] == 524_922


def test_what_is_left_out(tmp_path: Path):
    spec = load_spec(write(tmp_path, STUDY + RECIPE))
    assert (spec.name, spec.dataset, spec.load_options) == ("my-study", "mnist", {})
    assert (spec.seeds, spec.validation, spec.keep) == (list(range(10)), None, None)
    recipe = spec.recipes[0]
    assert (recipe.batch_size, recipe.epochs) == (128, 20)
    assert (recipe.optimizer, recipe.loss) == ("adam", "categorical_crossentropy")


def test_a_network_of_the_notebook_is_the_same_from_a_file(tmp_path: Path, images: Dataset):
    spec = load_spec(write(tmp_path, f'{STUDY}[[recipe]]\nlike = "softmax"\n'))
    ours, theirs = spec.recipes[0], notebook_recipes()[0]
    assert ours == theirs
    assert ours.fingerprint(images) == theirs.fingerprint(images)


def test_layers_of_a_file_are_the_same_recipe_as_in_python(tmp_path: Path, images: Dataset):
    ours = load_spec(write(tmp_path, STUDY + RECIPE)).recipes[0]

    def build(dataset: Dataset) -> keras.Model:
        return keras.Sequential(
            [
                keras.Input((28, 28)),
                keras.layers.Rescaling(1 / 255),
                keras.layers.Flatten(),
                keras.layers.Dense(10, "softmax"),
            ]
        )

    assert ours.fingerprint(images) == ours.replace(build=build).fingerprint(images)


@pytest.mark.parametrize(
    ("layers", "shape", "dtype", "built"),
    [
        ([LAST], (5,), "float32", ["Dense"]),
        ([LAST], (4, 3), "float32", ["Flatten", "Dense"]),
        ([LAST], (5,), "uint8", ["Rescaling", "Dense"]),
        (['"Flatten"', LAST], (4, 3), "uint8", ["Rescaling", "Flatten", "Dense"]),
        (['"Normalization"', LAST], (4, 3), "uint8", ["Normalization", "Flatten", "Dense"]),
        (
            ['{ class = "Rescaling", scale = 2.0 }', LAST],
            (5,),
            "uint8",
            ["Rescaling", "Dense"],
        ),
        (
            ['{ class = "Conv1D", filters = 2, kernel_size = 2 }', LAST],
            (4, 3),
            "float32",
            ["Conv1D", "Flatten", "Dense"],
        ),
        (
            ['{ class = "LSTM", units = 4 }', LAST],
            (4, 3),
            "float32",
            ["LSTM", "Dense"],
        ),
        (
            ['{ class = "Bidirectional", layer = { class = "GRU", units = 2 } }', LAST],
            (4, 3),
            "float32",
            ["Bidirectional", "Dense"],
        ),
    ],
)
def test_what_is_added_to_the_layers(
    layers: list[str],
    shape: tuple[int, ...],
    dtype: str,
    built: list[str],
    tmp_path: Path,
    dataset_of: Callable[..., Dataset],
):
    text = f'{STUDY}[[recipe]]\nname = "a"\nlayers = [{", ".join(layers)}]\n'
    spec = load_spec(write(tmp_path, text))
    dataset = dataset_of(shape, 3, dtype)
    check(spec, dataset)
    model = spec.recipes[0].model(dataset)
    assert [type(layer).__name__ for layer in model.layers] == built
    assert model.output_shape == (None, 3)


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_examples_load_and_build(file: Path, images: Dataset, digits: Dataset):
    spec = load_search(file).study if file.name.startswith("tune-") else load_spec(file)
    dataset = {"mnist": images, "digits": digits}[spec.dataset]
    check(spec, dataset)
    assert file.read_text().startswith("#:schema ../docs/study.schema.json\n")


def test_the_quick_example_learns(digits: Dataset):
    keras.utils.set_random_seed(0)
    recipe = load_spec(ROOT / "examples/digits.toml").recipes[1]
    model, targets = recipe.model(digits), recipe.targets(digits.train.y, digits.n_classes)
    x, sizes = digits.train.x, {"batch_size": recipe.batch_size, "epochs": recipe.epochs}
    model.fit(x, targets, **sizes, verbose=0)
    assert model.evaluate(x, targets, verbose=0)[1] > 0.97


# What can be wrong with them

WRONG_VALUES = [
    ("epochs = 0", "train.epochs: expected a whole number above 0, got 0"),
    ("epochs = 1.0", "train.epochs: expected a whole number, got 1.0"),
    ("batch_size = -1", "train.batch_size: expected a whole number above 0, got -1"),
    ("batch_size = true", "train.batch_size: expected a whole number, got True"),
    ("epoch = 3", "train.epoch: unknown key 'epoch'; did you mean 'epochs'?"),
    ('optimizer = "Adm"', "train.optimizer: unknown optimizer 'Adm'; did you mean 'Adam'?"),
    (
        "optimizer = 3",
        "train.optimizer: expected the Keras name of an optimizer, or a table, got 3",
    ),
    (
        'optimizer = { class = "SGD", learning_rate = { class = "ExponentialDecy" } }',
        "train.optimizer.learning_rate.class: unknown schedule 'ExponentialDecy'; "
        "did you mean 'ExponentialDecay'?",
    ),
    (
        'optimizer = { clas = "SGD" }',
        "train.optimizer: a table for an optimizer needs the key 'class', got 'clas'",
    ),
    (
        'loss = "categorical_crossentrpy"',
        "train.loss: unknown loss 'categorical_crossentrpy'; did you mean "
        "'CategoricalCrossentropy'?",
    ),
    (
        'loss = { class = "CategoricalCrossentropy", label_smooth = 0.1 }',
        "train.loss.label_smooth: unknown argument 'label_smooth' of CategoricalCrossentropy; "
        "did you mean 'label_smoothing'?",
    ),
]
SEEDS = "seeds: expected a number of seeds above 0, or a list of whole numbers from 0 up, got"
VALIDATION = (
    'validation: expected "test", a number of examples above 0 or a share between 0 and 1, got'
)
WRONG_STUDIES = [
    (
        "seeds = 0",
        f"{SEEDS} 0",
    ),
    (
        "seeds = []",
        f"{SEEDS} []",
    ),
    (
        "seeds = [1, -1]",
        f"{SEEDS} [1, -1]",
    ),
    ("seeds = [1, 1]", "seeds: expected different seeds, got 1 more than once"),
    (
        "validation = 0",
        f"{VALIDATION} 0",
    ),
    (
        "validation = 1.0",
        f"{VALIDATION} 1.0",
    ),
    (
        'validation = "train"',
        f"{VALIDATION} 'train'",
    ),
    ('keep = "model"', "keep: expected 'models', got 'model'"),
    (
        'name = "a/b"',
        "name: expected letters, digits and . _ + - that start with a letter or digit, got 'a/b'",
    ),
    ("target = 3", "target: expected a text in quotes, got 3"),
    ("seed = 3", "seed: unknown key 'seed'; did you mean 'seeds'?"),
]
WRONG_LAYERS = [
    ('"Dens"', ": unknown layer 'Dens'; did you mean 'Dense'?"),
    ("3", ": expected the Keras name of a layer, or a table, got 3"),
    ('"Dense"', ": Dense needs the argument 'units'"),
    ("{ units = 3 }", ": a table for a layer needs the key 'class'"),
    ("{ class = 3 }", ".class: expected the Keras name of a layer, or a table, got 3"),
    ('{ class = "Dropot" }', ".class: unknown layer 'Dropot'; did you mean 'Dropout'?"),
    (
        '{ class = "Dense", unit = 9 }',
        ".unit: unknown argument 'unit' of Dense; did you mean 'units'?",
    ),
    (
        '{ class = "Dense", units = "clases" }',
        ".units: expected a whole number above 0, or 'classes', got 'clases'",
    ),
    (
        '{ class = "Dense", units = 3, activation = "rleu" }',
        ".activation: unknown activation 'rleu'; did you mean 'relu'?",
    ),
    (
        '{ class = "Dense", units = 3, kernel_initializer = "HeNorml" }',
        ".kernel_initializer: unknown initializer 'HeNorml'; did you mean 'HeNormal'?",
    ),
    (
        '{ class = "Dense", units = 3, kernel_regularizer = { class = "L2", l1 = 1 } }',
        ".kernel_regularizer.l1: unknown argument 'l1' of L2",
    ),
    (
        '{ class = "Dense", units = 3, bias_constraint = { class = "os.system" } }',
        ".bias_constraint.class: unknown constraint 'os.system'",
    ),
    (
        '{ class = "Dense", units = -3 }',
        ": Keras says of Dense: Received an invalid value for `units`, "
        "expected a positive integer. Received: units=-3",
    ),
    (
        '{ class = "Dropout", rate = 1.5 }',
        ": Keras says of Dropout: Invalid value received for argument `rate`. "
        "Expected a float value between 0 and 1. Received: rate=1.5",
    ),
    (
        '{ class = "Lambda", function = "print" }',
        ".class: Lambda carries code; a file may not. Write the recipe in Python",
    ),
    (
        '{ class = "TFSMLayer", filepath = "/tmp" }',
        ".class: TFSMLayer carries code; a file may not. Write the recipe in Python",
    ),
]


@pytest.mark.parametrize(("setting", "text"), WRONG_VALUES)
def test_wrong_settings(setting: str, text: str, problems: Callable[[str], list[str]]):
    assert problems(f"{STUDY}[train]\n{setting}\n{RECIPE}") == [f"x.toml:4: {text}"]


@pytest.mark.parametrize(("setting", "text"), WRONG_VALUES)
def test_wrong_settings_of_one_recipe(
    setting: str, text: str, problems: Callable[[str], list[str]]
):
    expected = text.removeprefix("train.")
    assert problems(f"{STUDY}{RECIPE}{setting}\n") == [f"x.toml:6: {expected}"]


@pytest.mark.parametrize(("setting", "text"), WRONG_STUDIES)
def test_wrong_studies(setting: str, text: str, problems: Callable[[str], list[str]]):
    assert problems(f"{STUDY}{setting}\n{RECIPE}") == [f"x.toml:3: study.{text}"]


@pytest.mark.parametrize(("layer", "text"), WRONG_LAYERS)
def test_wrong_layers(layer: str, text: str, problems: Callable[[str], list[str]]):
    written = f'{STUDY}[[recipe]]\nname = "a"\nlayers = [\n  "Flatten",\n  {layer},\n]\n'
    assert problems(written) == [f"x.toml:7: layers[1]{text}"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "",
            [
                "x.toml:1: study: missing; a study spec has a table [study]",
                "x.toml:1: recipe: missing; a study spec has one table [[recipe]] or more",
            ],
        ),
        (
            f"[study]\n{RECIPE}",
            ["x.toml:1: study.dataset: missing; name a dataset, or a path to one"],
        ),
        (
            f"{STUDY}[recipe]\nname = 'a'\n",
            ["x.toml:3: recipe: expected tables that begin with [[recipe]], in two brackets"],
        ),
        (
            f"{STUDY}{RECIPE}[trian]\n",
            ["x.toml:6: trian: unknown key 'trian'; did you mean 'train'?"],
        ),
        (
            f"{STUDY}{RECIPE}layer = []\n",
            ["x.toml:6: layer: unknown key 'layer'; did you mean 'layers'?"],
        ),
        (
            f"{STUDY}[[recipe]]\nname = 'a'\nlayers = []\n",
            ["x.toml:5: layers: expected at least one, got []"],
        ),
        (
            f"{STUDY}[[recipe]]\nname = 'a'\nlayers = 'Dense'\n",
            ["x.toml:5: layers: expected a list, got 'Dense'"],
        ),
        (
            f"{STUDY}[[recipe]]\nname = 'a'\n",
            [
                "x.toml:3: a recipe has layers, or 'like' and a notebook network; got neither",
            ],
        ),
        (
            f"{STUDY}{RECIPE}like = 'softmax'\n",
            ["x.toml:3: a recipe has layers, or 'like' and a notebook network; got both"],
        ),
        (
            f"{STUDY}[[recipe]]\nlayers = [{LAST}]\n",
            ["x.toml:3: a recipe of its own layers needs a 'name'"],
        ),
        (
            f"{STUDY}[[recipe]]\nlike = 'relu2'\n",
            ["x.toml:4: like: unknown recipe 'relu2'; did you mean 'relu-2'?"],
        ),
        (
            f"{STUDY}[[recipe]]\nlike = 'resnet'\n",
            [
                "x.toml:4: like: unknown recipe 'resnet'; there are softmax, relu-2, "
                "bn-dropout-3, bn-dropout-5"
            ],
        ),
        (STUDY + RECIPE + RECIPE, ["x.toml:7: name: expected different names, got 'a' again"]),
    ],
)
def test_wrong_files(text: str, expected: list[str], problems: Callable[[str], list[str]]):
    assert problems(text) == expected


def test_every_problem_at_once_in_the_order_of_the_file(problems: Callable[[str], list[str]]):
    text = f"""\
[study]
datset = "mnist"
[[recipe]]
name = "a b"
layers = [
  {{ class = "Dense", unit = 3, activation = "rleu" }},
  {LAST},
]
[train]
epochs = 0
"""
    assert problems(text) == [
        "x.toml:1: study.dataset: missing; name a dataset, or a path to one",
        "x.toml:2: study.datset: unknown key 'datset'; did you mean 'dataset'?",
        "x.toml:4: name: expected letters, digits and . _ + - that start with a letter or digit, "
        "got 'a b'",
        "x.toml:6: layers[0].unit: unknown argument 'unit' of Dense; did you mean 'units'?",
        "x.toml:6: layers[0].activation: unknown activation 'rleu'; did you mean 'relu'?",
        "x.toml:10: train.epochs: expected a whole number above 0, got 0",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[study\n", "x.toml:1:7: not TOML: Expected ']' at the end of a table declaration"),
        ("a = 1\nb 2\n", "x.toml:2:3: not TOML: Expected '=' after a key in a key/value pair"),
        ("a = 1\na = 2\n", "x.toml:2:6: not TOML: Cannot overwrite a value"),
        ("a = 1\nb =", "x.toml:2:4: not TOML: Invalid value"),
    ],
)
def test_not_toml(text: str, expected: str, problems: Callable[[str], list[str]]):
    assert problems(text) == [expected]


def test_files_that_cannot_be_read(tmp_path: Path):
    latin = tmp_path / "latin.toml"
    latin.write_bytes('name = "\xe4"'.encode("latin-1"))
    study = tmp_path / "a.study"
    with closing(sqlite3.connect(study)) as made, made:
        made.execute("CREATE TABLE run (id INTEGER)")
    for file, text in [
        (
            study,
            "expected a study spec (TOML), got a study file; to see what it holds: "
            f"mlplab compare {study}, mlplab report {study}",
        ),
        (tmp_path / "none.toml", "cannot read this study spec: No such file or directory"),
        (tmp_path, "cannot read this study spec: Is a directory"),
        (latin, "expected UTF-8 text, byte 8 is not"),
    ]:
        with pytest.raises(RecipeError) as caught:
            load_spec(file)
        assert str(caught.value) == f"{file}: {text}"


def test_check_names_every_recipe_that_does_not_fit(tmp_path: Path, images: Dataset):
    text = f"""\
{STUDY}
[[recipe]]
name = "fine"
layers = [{LAST}]
[[recipe]]
name = "conv"
layers = [
  {{ class = "Conv2D", filters = 3, kernel_size = 3 }},
  {LAST},
]
[[recipe]]
name = "width"
layers = [
  {{ class = "Dense", units = 9 }},
]
[[recipe]]
name = "rank"
layers = ["ReLU"]
"""
    file = write(tmp_path, text)
    with pytest.raises(RecipeError) as caught:
        check(load_spec(file), images)
    conv, width, rank = str(caught.value).replace(f"{file}:", "").splitlines()
    assert conv.startswith("10: layers[0]: Keras says of Conv2D: Input 0 ")
    assert (
        width
        == "16: layers[0]: expected 10 units in the last layer for the 10 classes of tiny, got 9"
    )
    assert rank == (
        "20: layers[0]: expected one row of 10 units an example, the model gives (28, 28); "
        "a Flatten may be missing"
    )


def test_building_says_what_check_says(tmp_path: Path, images: Dataset):
    layers = '["Flatten", { class = "LSTM", units = 3 }]'
    text = f'{STUDY}[[recipe]]\nname = "a"\nlayers = {layers}\n'
    recipe = load_spec(write(tmp_path, text)).recipes[0]
    with pytest.raises(RecipeError, match=r"^layers\[1\]: Keras says of LSTM: "):
        recipe.model(images)


def test_check_covers_the_networks_of_the_notebook(
    tmp_path: Path, dataset_of: Callable[..., Dataset]
):
    file = write(tmp_path, f'{STUDY}[[recipe]]\nlike = "softmax"\nloss = "binary_crossentropy"\n')
    with pytest.raises(RecipeError) as caught:
        check(load_spec(file), dataset_of((28, 28), 2))
    assert str(caught.value) == (
        f"{file}:3: recipe 'softmax': expected 1 unit in the last layer for the 2 classes of tiny, "
        "got 2"
    )


def test_a_large_array_is_not_printed_whole(problems: Callable[[str], list[str]]):
    array = list(np.arange(1000).tolist())
    (line,) = problems(f"{STUDY}[train]\nepochs = {array}\n{RECIPE}")
    assert line.endswith("...")
    assert len(line) < 150


# Whatever is typed, the answer is a spec or a RecipeError.

SOUND = (ROOT / "examples/digits.toml").read_text()
BITS = [*"\"'[]{}=,.#0\n", "[[", "-1", "1e9", "nan", "true", "class", '"classes"', "[]", '"""']
JUNK = st.sampled_from([*BITS, "x = 3\n", "[recipe]\n", "[[study]]\n", "[[recipe]]\n"])


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    at=st.integers(0, len(SOUND)),
    removed=st.integers(0, 12),
    junk=st.lists(JUNK, max_size=2).map("".join),
)
def test_no_slip_of_the_pen_is_a_crash(tmp_path: Path, at: int, removed: int, junk: str):
    file = write(tmp_path, SOUND[:at] + junk + SOUND[at + removed :])
    told = ""
    try:
        load_spec(file)
    except RecipeError as error:
        told = str(error)
    assert all(line.startswith(f"{file}:") for line in told.splitlines())


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(names("layer"))), st.dictionaries(st.text(max_size=5), st.integers()))
def test_any_layer_with_any_arguments_is_answered(name: str, given_arguments: dict[str, int]):
    for problem in problems_of("layer", {"class": name, **given_arguments}, ("here",)):
        assert problem.path[0] == "here"
        assert problem.text == problem.text.strip() != ""
