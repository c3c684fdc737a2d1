"""The pages of a service: the one that is drawn on at ``/``, the OpenAPI to read at ``/docs``.

Neither loads anything from elsewhere, and the content policy of each admits just the scripts and
styles that stand in it, by their hashes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import cache
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from mlplab.errors import FailedError, ModelError
from mlplab.export.policy import content_policy
from mlplab.serve.service import Service

if TYPE_CHECKING:
    from mlplab.data import Dataset

logger = logging.getLogger("mlplab")


class Pages:
    """The pages of one service.

    Args:
        service: what is served.
        openapi: returns the OpenAPI of its application.
    """

    def __init__(self, service: Service, openapi: Callable[[], dict[str, Any]]) -> None:
        self._service, self._openapi = service, openapi
        self._home: asyncio.Future[HTMLResponse] | None = None

    async def home(self) -> HTMLResponse:
        """Return the page at ``/``, made when it is first asked for."""
        if self._home is None:
            self._home = asyncio.ensure_future(self._service.in_thread(self._made))
        return await asyncio.shield(self._home)  # whoever leaves leaves it to the next

    def _made(self) -> HTMLResponse:
        """Return the page that is drawn on, or a plain one where that cannot be made."""
        served = self._service.served
        if served.ensemble is None:
            why = "That takes the network's weights, which an .npz file of mlplab export has."
        elif (dataset := dataset_of(served.reader.facts)) is None:
            why = "That takes the dataset it was trained on, which is not known here."
        else:
            from mlplab.export.page import page_html  # late: it takes as long as all else together

            try:
                return page(page_html(served.ensemble, dataset))
            except ModelError:
                why = "That takes a network whose examples are pictures."
        about, pictures = self._service.about(), served.takes_pictures
        return page(rendered("home.html", about=about, takes_pictures=pictures, why=why))

    def docs(self) -> HTMLResponse:
        """Return the OpenAPI as a page."""
        return page(rendered("docs.html", api=self._openapi(), shown=_shown))


def dataset_of(facts: dict[str, Any]) -> Dataset | None:
    """Return the dataset of the catalog that facts name, where it is the same to the byte."""
    from mlplab.data import CATALOG, load

    said = facts.get("dataset", {})
    if said.get("name") not in CATALOG:
        return None
    try:
        dataset = load(said["name"], progress=False)
    except FailedError as error:
        logger.warning("The page at / cannot be drawn on: %s", error)
        return None
    return dataset if dataset.fingerprint == said.get("fingerprint") else None


@cache
def _templates() -> Environment:
    loader = PackageLoader("mlplab.serve")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)


def rendered(template: str, **values: Any) -> str:
    """Return one of the templates with values in it."""
    return _templates().get_template(template).render(**values)


def page(text: str) -> HTMLResponse:
    """Return a page under a policy that admits what stands in it, and nothing else."""
    return HTMLResponse(text, headers={"content-security-policy": policy(text)})


def policy(text: str) -> str:
    """Return the content policy of a page.

    Args:
        text: its HTML; its scripts and styles stand in it.

    Examples:
        >>> policy("<script>a</script>").split("; ")[1]
        "script-src 'sha256-ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs='"
    """
    found = _Inline()
    found.feed(text)
    own = content_policy(found.texts["script"], found.texts["style"], form_action="'self'")
    return f"{own}; frame-ancestors 'none'"


class _Inline(HTMLParser):
    """Gathers the texts of the scripts and styles of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: dict[str, list[str]] = {"script": [], "style": []}
        self._open = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # A script of data is not run, and needs no leave.
        data = tag == "script" and "json" in (dict(attrs).get("type") or "")
        if tag in self.texts and not data:
            self._open = tag
            self.texts[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts[self._open][-1] += data


def _shown(schema: dict[str, Any], plural: bool = False) -> str:
    """Say in words what a schema asks for, without the schema.

    Examples:
        >>> number = {"type": "number", "minimum": 0, "maximum": 255}
        >>> _shown({"type": "array", "minItems": 28, "maxItems": 28, "items": number})
        '28 numbers from 0 to 255'
    """
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(map(_shown, schema["anyOf"]))
    if schema.get("type") == "array":
        least, most, items = schema.get("minItems"), schema.get("maxItems"), schema["items"]
        count = "" if most is None else f"{most} " if least == most else f"{least} to {most} "
        by = "x " if count and items.get("type") == "array" else ""
        return f"{count}{by}{_shown(items, plural=True)}"
    if schema.get("format") == "binary":
        return "the bytes of a file"
    kind = str(schema.get("type", "anything"))
    name = {"integer": "whole number", "string": "text", "null": "nothing"}.get(kind, kind)
    name += "s" if plural else ""
    if "minimum" in schema and "maximum" in schema:
        return f"{name} from {schema['minimum']:g} to {schema['maximum']:g}"
    return name
