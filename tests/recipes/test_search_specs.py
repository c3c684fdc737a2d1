"""Search specs: ranges in the place of values, and every way in which they can be wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from mlplab.data import Dataset
from mlplab.errors import RecipeError
from mlplab.recipes import SearchSpec, check, load_search, load_spec, spec_schema
from mlplab.recipes.toml_file import parse

EXAMPLE = Path(__file__).parents[2] / "examples/tune-digits.toml"
STUDY = '[study]\ndataset = "digits"\n'
LAST = '{ class = "Dense", units = "classes", activation = "softmax" }'
RECIPE = f'[[recipe]]\nname = "a"\nlayers = [{LAST}]\n'
EPOCHS = f"{STUDY}[train]\nepochs = %s\n{RECIPE}"

Problems = Callable[[str], list[str]]


@pytest.fixture
def problems(tmp_path: Path) -> Problems:
    """The lines of the error that a search spec raises, without the folder."""

    def lines_of(text: str) -> list[str]:
        file = tmp_path / "x.toml"
        file.write_text(text)
        with pytest.raises(RecipeError) as caught:
            load_search(file)
        return str(caught.value).replace(f"{tmp_path}/", "").splitlines()

    return lines_of


def read(folder: Path, text: str) -> SearchSpec:
    file = folder / "x.toml"
    file.write_text(text)
    return load_search(file)


def test_the_example(digits: Dataset):
    spec = load_search(EXAMPLE)
    assert list(spec.start) == [
        "batch_size",
        "optimizer.learning_rate",
        "depth",
        "hidden.units",
        "hidden.activation",
        "dropout.rate",
    ]
    deep = spec.recipe(spec.start | {"depth": 3, "hidden.units": 20, "batch_size": 16}, "deep")
    assert (deep.name, deep.batch_size) == ("deep", 16)
    layers = [layer for layer in deep.model(digits).layers if hasattr(layer, "units")]
    assert [layer.units for layer in layers] == [20, 20, 20, 10]
    assert [layer.name for layer in layers[:3]] == ["hidden", "hidden_2", "hidden_3"]


def test_ranges_say_what_they_are(tmp_path: Path):
    text = f"""{STUDY}
[train]
epochs = {{ low = 2, high = 10, step = 4, start = 6 }}
[train.loss]
class = "CategoricalCrossentropy"
label_smoothing = {{ low = 0, high = 0.2, start = 0 }}
[[recipe]]
name = "a"
optimizer = {{ class = {{ choices = ["Adam", "Nadam"], start = "Adam" }} }}
layers = [{{ class = "Dense", units = 4, kernel_regularizer = {{ class = "L2", l2 = \
{{ low = 1e-6, high = 1e-2, log = true, start = 1e-4 }} }} }}, {LAST}]
"""
    spec = read(tmp_path, text)
    epochs, smoothing, optimizer, l2 = spec.ranges
    assert (epochs.name, epochs.values()) == ("epochs", [2, 6, 10])
    assert (smoothing.name, smoothing.low, type(smoothing.start)) == (
        "loss.label_smoothing",
        0.0,
        float,
    )
    assert (optimizer.name, optimizer.values()) == ("optimizer.class", ["Adam", "Nadam"])
    assert (l2.name, l2.log, l2.values()) == ("layers.0.kernel_regularizer.l2", True, None)


def test_one_name_is_one_value(tmp_path: Path, problems: Problems):
    units = '{{ class = "Dense", units = {{ low = 4, high = {}, start = 8, name = "width" }} }}'
    text = f'{STUDY}[[recipe]]\nname = "a"\nlayers = [{{}}, {{}}, {LAST}]\n'.replace("{}", "%s")
    both = text % (units.format(16), units.format(16))
    spec = read(tmp_path, both)
    assert list(spec.start) == ["width"]
    recipe = spec.recipe({"width": 5})
    assert [layer["units"] for layer in recipe.build.layers[:2]] == [5, 5]  # type: ignore[attr-defined]
    assert problems(text % (units.format(16), units.format(32))) == [
        "x.toml:5: layers[1].units: expected the same range wherever it is called 'width', "
        "got another"
    ]


def test_blocks_may_be_repeated_without_a_search(tmp_path: Path, digits: Dataset):
    block = '{ repeat = 2, layers = [{ class = "Dense", units = 3 }, "ReLU"] }'
    file = tmp_path / "x.toml"
    file.write_text(f'{STUDY}[[recipe]]\nname = "a"\nlayers = [{block}, {LAST}]\n')
    spec = load_spec(file)
    check(spec, digits)
    kinds = [type(layer).__name__ for layer in spec.recipes[0].model(digits).layers]
    assert kinds[-5:] == ["Dense", "ReLU", "Dense", "ReLU", "Dense"]


def test_a_problem_in_a_copy_is_told_where_it_is_written(problems: Problems, tmp_path: Path):
    text = f"""{STUDY}[[recipe]]
name = "a"
epochs = {{ low = 1, high = 2, start = 1 }}
[[recipe.layers]]
repeat = 2
[[recipe.layers.layers]]
class = "Dense"
unit = 4
[[recipe.layers]]
class = "Dense"
units = "classes"
"""
    found = "layers[0].layers[0].unit: unknown argument 'unit' of Dense; did you mean 'units'?"
    assert set(problems(text)) == {f"x.toml:10: {found}"}


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("{ low = 5, high = 5, start = 5 }", "expected low below high, got 5 and 5"),
        (
            "{ low = 0, high = 5, log = true, start = 1 }",
            ".low: expected low above 0 where log is true, got 0",
        ),
        (
            "{ low = 1, high = 5, start = 9 }",
            ".start: expected start between low and high, 1 and 5, got 9",
        ),
        (
            "{ low = 1, high = 5, start = 2.5 }",
            ".start: expected a whole number, as low and high are, got 2.5; for others: low = 1.0",
        ),
        ("{ low = 1, high = 5 }", "a range needs 'start', the value of the starting recipe"),
        ("{ low = 1, start = 5 }", "a range has low and high, or choices; high is missing"),
        (
            "{ low = 1, high = 5, start = 1, stepp = 1 }",
            ".stepp: unknown key 'stepp' of a range; did you mean 'step'?",
        ),
        (
            "{ low = 1, high = 6, step = 2, start = 1 }",
            ".high: expected high a whole number of steps of 2 above 1, got 6",
        ),
        (
            "{ low = 1, high = 5, step = 2, start = 2 }",
            ".start: expected start a whole number of steps of 2 above 1, got 2",
        ),
        (
            "{ low = 1, high = 5, step = 2, log = true, start = 1 }",
            ".step: expected step or log, got both",
        ),
        (
            "{ low = 1, high = 5, step = 0.5, start = 1 }",
            ".step: expected a whole number above 0, got 0.5",
        ),
        ("{ low = 1, high = nan, start = 1 }", ".high: expected a number, got nan"),
        ("{ low = 1, high = 2, log = 1, start = 1 }", ".log: expected true or false, got 1"),
        (
            "{ choices = [5], start = 5 }",
            ".choices: expected a list of two choices or more, got [5]",
        ),
        ("{ choices = [5, 5], start = 5 }", ".choices: expected different choices, got [5, 5]"),
        (
            "{ choices = [5, [6]], start = 5 }",
            ".choices: expected texts, numbers, true or false, got [6]",
        ),
        (
            "{ choices = [5, 6], start = 7 }",
            ".start: expected start to be one of the choices, got 7",
        ),
        (
            "{ choices = [5, 6], low = 1, start = 5 }",
            "a range has choices, or low and high; got choices and low",
        ),
        (
            "{ choices = [5, 6], start = 5, name = 3 }",
            ".name: expected a text that is not empty, got 3",
        ),
    ],
)
def test_ranges_that_mean_nothing(problems: Problems, written: str, problem: str):
    where = "train.epochs" if problem.startswith(".") else "train.epochs: "
    assert problems(EPOCHS % written) == [f"x.toml:4: {where}{problem}"]


def test_ranges_where_none_may_stand(problems: Problems):
    text = (
        '[study]\ndataset = "digits"\nseeds = { low = 1, high = 5, start = 1 }\n'
        '[[recipe]]\nname = { choices = ["a", "b"], start = "a" }\n'
        "augmentation = [{ choices = ['noisy', 'slanted'], start = 'noisy' }]\n"
        f"epochs = {{ low = 1, high = 2, start = 1 }}\nlayers = [{LAST}]\n"
    )
    may = (
        "a range may stand for batch_size, epochs, optimizer, loss or layers or within them, "
        "not here"
    )
    assert problems(text) == [
        f"x.toml:3: study.seeds: {may}",
        f"x.toml:5: name: {may}",
        f"x.toml:6: augmentation[0]: {may}",
    ]


def test_every_bound_and_choice_is_checked(problems: Problems):
    text = f"""{STUDY}[train]
batch_size = {{ low = 0, high = 64, start = 32 }}
[[recipe]]
name = "a"
[[recipe.layers]]
class = "Dense"
units = 4
activation = {{ choices = ["relu", "gellu"], start = "relu" }}
[[recipe.layers]]
class = "Dense"
units = "classes"
"""
    assert problems(text) == [
        "x.toml:4: train.batch_size: expected a whole number above 0, got 0 "
        "(where batch_size is 0)",
        "x.toml:10: layers[0].activation: unknown activation 'gellu'; did you mean 'gelu'? "
        "(where layers.0.activation is 'gellu')",
    ]


def test_what_a_search_cannot_do(problems: Problems):
    text = (
        '[study]\ndataset = "digits"\nvalidation = "test"\nvary = "init"\n'
        "[train]\nepochs = { low = 1, high = 2, start = 1 }\n"
        f'[tune]\nsampler = "best"\ntrial = 3\n{RECIPE}epochs = 3\n{RECIPE}'
    )
    assert problems(text) == [
        'x.toml:3: study.validation: a search scores by validation data, got "test": the test set '
        "is for the end; give a number of training examples, or a share",
        "x.toml:4: study.vary: expected \"all\" where recipes are searched, got 'init'",
        "x.toml:6: train.epochs: the recipe has its own epochs: not searched",
        "x.toml:10: recipe: a search starts from one recipe, got 2; give each a file of its own",
    ]
    epochs = "epochs = { low = 1, high = 2, start = 1 }"
    settings = f'{STUDY}[tune]\nsampler = "best"\ntrial = 3\n{RECIPE}{epochs}\n'
    assert problems(settings) == [
        "x.toml:4: tune.sampler: expected 'tpe', 'random', 'grid', 'qmc' or 'cmaes', got 'best'",
        "x.toml:5: tune.trial: unknown key 'trial'; did you mean 'trials'?",
    ]


def test_nothing_to_search(problems: Problems):
    assert problems(STUDY + RECIPE) == [
        "x.toml:1: expected a range somewhere, such as { low = 16, high = 512, start = 64 }, "
        "got none; to train the recipe as it is: mlplab run"
    ]


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        (
            "{ repeat = -1, layers = ['ReLU'] }",
            ".repeat: expected a whole number from 0 to 1000, got -1",
        ),
        ("{ repeat = 2 }", ": a repeated block has a list of layers, got None"),
        ("{ repeat = 2, layers = [] }", ": a repeated block has a list of layers, got []"),
        (
            "{ repeat = 2, layers = ['ReLU'], rate = 1 }",
            ".rate: a repeated block has repeat and layers, got 'rate'",
        ),
    ],
)
def test_blocks_that_mean_nothing(tmp_path: Path, block: str, problem: str):
    file = tmp_path / "x.toml"
    file.write_text(f'{STUDY}[[recipe]]\nname = "a"\nlayers = [{block}, {LAST}]\n')
    with pytest.raises(RecipeError) as caught:
        load_spec(file)
    assert str(caught.value) == f"{file}:5: layers[0]{problem}"


def test_a_table_for_searches_does_not_hinder_a_run(tmp_path: Path):
    file = tmp_path / "x.toml"
    file.write_text(f"{STUDY}[tune]\ntrials = 3\n{RECIPE}")
    assert [recipe.name for recipe in load_spec(file).recipes] == ["a"]


def test_a_range_is_refused_where_a_recipe_is_trained(tmp_path: Path):
    file = tmp_path / "x.toml"
    file.write_text(EPOCHS % "{ low = 1, high = 5, start = 1 }")
    with pytest.raises(RecipeError) as caught:
        load_spec(file)
    text = f"expected a value, got a range; to search: mlplab tune {file}"
    assert str(caught.value) == f"{file}:4: train.epochs: {text}"


@pytest.mark.parametrize(
    ("written", "good"),
    [
        ("{ low = 1, high = 5, start = 1 }", True),
        ("{ choices = [1, 5], start = 1 }", True),
        ("{ low = 1, high = 5 }", False),
        ("{ low = 1, start = 5 }", False),
        ("{ low = 1, high = 5, choices = [1, 5], start = 1 }", False),
        ("{ low = 1, high = 5, start = 1, stepp = 1 }", False),
    ],
)
def test_the_schema_knows_ranges(written: str, good: bool):
    validator = jsonschema.Draft202012Validator(spec_schema())
    assert validator.is_valid(parse(EPOCHS % written, Path("x.toml"))) == good
    block = f"{{ repeat = {written}, layers = ['ReLU'] }}"
    text = f'{STUDY}[[recipe]]\nname = "a"\nlayers = [{block}, {LAST}]\n'
    assert validator.is_valid(parse(text, Path("x.toml"))) == good
