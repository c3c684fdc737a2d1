"""The pages of a service: the one that is drawn on at ``/``, the OpenAPI to read at ``/docs``.

Neither loads anything from elsewhere, and the content policy of each admits just the scripts and
styles that stand in it, by their hashes.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, NamedTuple

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from mlplab.errors import MlplabError, ModelError
from mlplab.export.policy import content_policy
from mlplab.serve.reader import Served
from mlplab.serve.service import Service, in_daemon

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
        self._home: asyncio.Future[_Made] | None = None
        self._again = math.inf  # when it is made again, by the clock of the loop

    async def home(self) -> HTMLResponse:
        """Return the page at ``/``, made when it is first asked for.

        One that could not be made for a reason that may pass is made again later.
        """
        loop = asyncio.get_running_loop()
        if self._home is None or loop.time() > self._again:
            self._again = math.inf
            self._home = in_daemon(self._made)
        try:
            made = await asyncio.shield(self._home)  # whoever leaves leaves it to the next
        except Exception:
            self._home = None
            raise
        if made.may_change and self._again == math.inf:
            self._again = loop.time() + self._service.limits.retry_seconds
        return made.page

    def _made(self) -> _Made:
        """Return the page that is drawn on, or a plain one that says why there is none."""
        served = self._service.served
        try:
            return _Made(page(_drawn_on(served)))
        except _NoPageError as error:
            why, may_change = str(error), error.may_change
        about, pictures = self._service.about(), served.takes_pictures
        text = rendered("home.html", about=about, takes_pictures=pictures, why=why)
        return _Made(page(text), may_change)

    def docs(self) -> HTMLResponse:
        """Return the OpenAPI as a page."""
        return page(rendered("docs.html", api=self._openapi(), shown=_shown))


class _Made(NamedTuple):
    """A page, and whether it would be another one later."""

    page: HTMLResponse
    may_change: bool = False


class _NoPageError(Exception):
    """Why there is no page to draw on, and whether that may change."""

    def __init__(self, why: str, may_change: bool = False) -> None:
        super().__init__(why)
        self.may_change = may_change


def _drawn_on(served: Served) -> str:
    """Return the page that is drawn on."""
    if served.weights is None:
        raise _NoPageError("That takes a network that is a chain of layers mlplab knows.")
    dataset = _dataset_of(served.reader.facts)
    from mlplab.export.page import page_html  # late: it takes as long as all else together

    try:
        ensemble = served.weights()
    except MlplabError as error:
        logger.warning("The page at / cannot be drawn on: %s", error)
        raise _NoPageError("That takes weights, which could not be read out of the file.") from None
    # The check of the file is none of the page's own code, whose weights are rounded.
    facts = {key: value for key, value in ensemble.facts.items() if key != "parity"}
    try:
        return page_html(replace(ensemble, facts=facts), dataset)
    except ModelError:
        raise _NoPageError("That takes a network whose examples are pictures.") from None


def _dataset_of(facts: dict[str, Any]) -> Dataset:
    """Return the dataset of the catalog that facts name, where it is the same to the byte."""
    from mlplab.data import CATALOG, load

    said = facts.get("dataset", {})
    name = said.get("name")
    if name not in CATALOG:
        raise _NoPageError(
            "That takes the dataset it was trained on, which the file does not name."
        )
    try:
        dataset = load(name, progress=False)
    except MlplabError as error:
        logger.warning("The page at / cannot be drawn on: %s", error)
        raise _NoPageError(
            f"That takes the dataset it was trained on, {name}, which could not be loaded; the log "
            "of the service says why.",
            may_change=True,
        ) from None
    if dataset.fingerprint != said.get("fingerprint"):
        raise _NoPageError(f"It was trained on another {name} than the one that is had here.")
    return dataset


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
