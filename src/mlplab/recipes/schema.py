"""The JSON schema of study files, for editors: completion and checks while typing.

To write docs/study.schema.json anew::

    python -c "from mlplab.recipes import schema; print(schema.text())" > docs/study.schema.json
"""

from __future__ import annotations

import json
from typing import Any

import keras

from mlplab.recipes.notebook import notebook_recipes
from mlplab.recipes.tables import StudyFile
from mlplab.recipes.vocabulary import Kind, names

_KINDS: tuple[Kind, ...] = ("layer", "optimizer", "loss")


def spec_schema() -> dict[str, Any]:
    """Return the schema of study files, with the names that the installed Keras knows.

    Examples:
        >>> "Dense" in spec_schema()["$defs"]["layer"]["anyOf"][0]["enum"]
        True
    """
    schema = _with_references(StudyFile.model_json_schema())
    schema["$defs"] |= {kind: _object_schema(kind) for kind in _KINDS}
    like = schema["$defs"]["RecipeTable"]["properties"]["like"]
    like["anyOf"][0]["enum"] = [recipe.name for recipe in notebook_recipes()]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$comment": f"Names of Keras {keras.__version__}",
        **schema,
        "title": "mlplab study file",
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
        "properties": {"class": {"anyOf": plain, "description": f"A Keras {kind}."}},
        "required": ["class"],
    }
    return {"anyOf": [*plain, table], "description": f"A Keras {kind}, by its Keras name."}


def text() -> str:
    """Return the schema as docs/study.schema.json holds it."""
    return json.dumps(spec_schema(), indent=2)
