"""The JSON schema of study specs, for editors: completion and checks while typing.

To write docs/study.schema.json anew::

    python -c "from mlplab.recipes import schema; print(schema.text())" > docs/study.schema.json
"""

from __future__ import annotations

import json
from typing import Any

import keras

from mlplab.recipes.notebook import notebook_recipes
from mlplab.recipes.tables import SpecTables
from mlplab.recipes.vocabulary import Kind, names

_RANGE = {"$ref": "#/$defs/range"}
_KINDS: tuple[Kind, ...] = ("layer", "optimizer", "loss")


def spec_schema() -> dict[str, Any]:
    """Return the schema of study specs, with the names that the installed Keras knows.

    Examples:
        >>> "Dense" in spec_schema()["$defs"]["layer"]["anyOf"][0]["enum"]
        True
    """
    schema = _with_references(SpecTables.model_json_schema())
    schema["$defs"] |= {kind: _object_schema(kind) for kind in _KINDS}
    schema["$defs"] |= {"range": _range_schema()}
    schema["$defs"]["layer"]["anyOf"].append(_block_schema())
    for table in ("TrainTable", "RecipeTable"):
        for key in ("batch_size", "epochs"):
            schema["$defs"][table]["properties"][key]["anyOf"].insert(1, _RANGE)
    like = schema["$defs"]["RecipeTable"]["properties"]["like"]
    like["anyOf"][0]["enum"] = [recipe.name for recipe in notebook_recipes()]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$comment": f"Names of Keras {keras.__version__}",
        **schema,
        "title": "mlplab study spec",
    }


def _with_references(schema: Any) -> Any:
    """Turn the marks ``{"keras": "layer"}`` that ``tables`` set into references."""
    if isinstance(schema, list):
        return [_with_references(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kind = {"$ref": f"#/$defs/{schema['keras']}"} if "keras" in schema else {}
    return kind | {key: _with_references(item) for key, item in schema.items() if key != "keras"}


def _object_schema(kind: Kind) -> dict[str, Any]:
    """A Keras object: its name, or a table that names its class and gives arguments."""
    # Any spelling that Keras takes ("adam") is as good, so a plain name is only suggested.
    plain = [{"enum": sorted(names(kind))}, {"type": "string"}]
    table = {
        "type": "object",
        "properties": {"class": {"anyOf": [*plain, _RANGE], "description": f"A Keras {kind}."}},
        "required": ["class"],
    }
    return {"anyOf": [*plain, table, _RANGE], "description": f"A Keras {kind}, by its Keras name."}


def _range_schema() -> dict[str, Any]:
    """A range: two bounds or choices, and where the search starts."""
    value = {"type": ["string", "number", "boolean"]}
    meant: dict[str, tuple[dict[str, Any], str]] = {
        "low": ({"type": "number"}, "The smallest number."),
        "high": ({"type": "number"}, "The largest number."),
        "step": ({"type": "number", "exclusiveMinimum": 0}, "Only numbers so far apart."),
        "log": ({"type": "boolean"}, "Whether numbers are drawn evenly by their logarithms."),
        "choices": ({"type": "array", "items": value, "minItems": 2}, "The values."),
        "start": (value, "The value of the starting recipe."),
        "name": ({"type": "string", "minLength": 1}, "What the search calls it."),
    }
    return {
        "type": "object",
        "description": "Values for mlplab tune to choose from.",
        "properties": {key: kind | {"description": text} for key, (kind, text) in meant.items()},
        "required": ["start"],
        "oneOf": [{"required": ["low", "high"]}, {"required": ["choices"]}],
        "additionalProperties": False,
    }


def _block_schema() -> dict[str, Any]:
    """Layers that are repeated."""
    return {
        "type": "object",
        "description": "Layers that follow one another several times.",
        "properties": {
            "repeat": {"anyOf": [{"type": "integer", "minimum": 0}, _RANGE]},
            "layers": {"type": "array", "items": {"$ref": "#/$defs/layer"}, "minItems": 1},
        },
        "required": ["repeat", "layers"],
        "additionalProperties": False,
    }


def text() -> str:
    """Return the schema as docs/study.schema.json holds it."""
    return json.dumps(spec_schema(), indent=2)
