"""The JSON schema of study specs: current, and of one mind with load_spec."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from mlplab.recipes import schema, spec_schema

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "docs/study.schema.json"


def without_names(value: Any) -> Any:
    """The schema without what depends on the version of Keras."""
    if isinstance(value, list):
        return [without_names(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {k: without_names(v) for k, v in value.items() if k not in ("enum", "$comment")}


def test_the_committed_schema_is_current():
    """How to write it anew stands at the top of mlplab/recipes/schema.py."""
    committed, current = json.loads(COMMITTED.read_text()), spec_schema()
    if committed["$comment"] == current["$comment"]:
        assert COMMITTED.read_text() == schema.text() + "\n"
    assert without_names(committed) == without_names(current)


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    jsonschema.Draft202012Validator.check_schema(spec_schema())
    return jsonschema.Draft202012Validator(spec_schema())


@pytest.mark.parametrize("file", sorted((ROOT / "examples").glob("*.toml")), ids=lambda f: f.name)
def test_examples_satisfy_it(file: Path, validator: jsonschema.Draft202012Validator):
    validator.validate(tomllib.loads(file.read_text()))


@pytest.mark.parametrize(
    "wrong",
    [
        {"seed": 3},
        {"seeds": 0},
        {"validation": 1.5},
        {"keep": "model"},
        {"name": "a/b"},
    ],
)
def test_slips_do_not(wrong: dict[str, Any], validator: jsonschema.Draft202012Validator):
    right = {"study": {"dataset": "mnist"}, "recipe": [{"like": "relu-2"}]}
    assert validator.is_valid(right)
    assert not validator.is_valid(right | {"study": right["study"] | wrong})
    assert not validator.is_valid(right | {"recipe": [{"like": "relu-3"}]})
    assert not validator.is_valid(right | {"recipe": []})


def test_it_offers_keras_names():
    offered = spec_schema()["$defs"]["layer"]["anyOf"][0]["enum"]
    assert {"Dense", "BatchNormalization", "Dropout"} <= set(offered)
    assert not {"Lambda", "Layer", "TFSMLayer", "Input"} & set(offered)
