"""The application: paths, what they take and give, and the OpenAPI that says so."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from pydantic_core import to_json
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from mlplab import __version__
from mlplab.serve.answers import About, Answer, Answers, Health
from mlplab.serve.guard import GONE, Guard
from mlplab.serve.limits import Limits
from mlplab.serve.metrics import Metrics
from mlplab.serve.pages import Pages
from mlplab.serve.reader import Served
from mlplab.serve.refused import Problem, Refused
from mlplab.serve.service import Service

PATHS = (
    *("/", "/predict", "/predict/batch", "/health", "/model", "/metrics"),
    *("/docs", "/openapi.json"),
)

JSON = "application/json"
FORM = "multipart/form-data"
PICTURE_TYPES = ("image/png", "image/jpeg")
_BYTES = {"type": "string", "format": "binary"}

# Status -> when it is given; every path may give those of ALWAYS, those with a body also TAKING.
ALWAYS = {
    421: "The Host header names another host.",
    500: "The service failed; its log says how.",
    503: "Too much at once, or no answer in time. The header Retry-After says in how many seconds "
    "to come again.",
}
TAKING = {
    400: "No request that can be read.",
    408: "The body did not come in time.",
    413: "The body is too large.",
    415: "The body is of another type.",
    422: "The body is not what was expected.",
}


def make_app(served: Served, limits: Limits, hosts: Collection[str] | None = None) -> Guard:
    """Return the ASGI application that serves a network.

    Args:
        served: the network.
        limits: what may be asked.
        hosts: the names by which the service may be called; None admits all.
    """
    metrics = Metrics(PATHS, served.reader.class_names)
    service = Service(served, limits, metrics)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.warm_up()
        yield
        service.close()

    app = FastAPI(
        title="mlplab serve",
        version=__version__,
        description=f"Answers of the network in {served.name}.",
        docs_url=None,  # FastAPI's own pages load from elsewhere; ours is /docs
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        responses=_responses(ALWAYS),
    )
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _failed)
    _add_predictions(app, service)
    _add_facts(app, service)
    _add_pages(app, Pages(service, app.openapi))
    return Guard(app, limits, metrics, hosts)


def _add_predictions(app: FastAPI, service: Service) -> None:
    inputs = service.inputs

    @app.post(
        "/predict",
        summary="Read one example, or one picture",
        response_model=Answer,
        response_description="The answer.",
        response_model_exclude_none=True,
        responses=_responses(TAKING),
        openapi_extra=_body(inputs.one, pictures=service.served.takes_pictures),
    )
    async def predict(request: Request) -> Response:
        """Take one example as JSON; or a picture of a digit as PNG or JPEG, or in a form.

        A picture may have any size, colours and place of the digit: it is brought to MNIST's frame
        first, and the answer holds what the network saw of it.
        """
        if _type(request) == JSON:
            body = await request.body()
            if service.served.is_quick:
                return _json(service.example(body))
            return _json(await service.in_thread(service.example, body))
        content = await _upload(request, service.served.takes_pictures)
        return _json(await service.in_thread(service.picture, content))

    @app.post(
        "/predict/batch",
        summary="Read several examples",
        response_model=Answers,
        response_description="The answers.",
        responses=_responses(TAKING),
        openapi_extra=_body(inputs.many),
    )
    async def predict_batch(request: Request) -> Response:
        """Take several examples as JSON."""
        if _type(request) != JSON:
            raise _other_type([JSON], request)
        body = await request.body()
        return await service.in_thread(lambda: _json(service.examples(body)))


def _add_facts(app: FastAPI, service: Service) -> None:
    told: dict[str, Any] = {"response_description": "What was asked for."}

    @app.get("/health", summary="Say that the service answers", response_model=Health, **told)
    async def health() -> Response:
        return _json(service.health())

    @app.get("/model", summary="Say what is served", response_model=About, **told)
    async def model() -> Response:
        return _json(service.about())

    @app.get(
        "/metrics",
        summary="Counts in the text format of Prometheus",
        response_class=Response,
        responses=_text("text/plain"),
    )
    async def metrics() -> Response:
        return Response(service.metrics.text(), media_type="text/plain; version=0.0.4")


def _add_pages(app: FastAPI, pages: Pages) -> None:
    html: dict[str, Any] = {"response_class": Response, "responses": _text("text/html")}

    @app.get("/", summary="The page", **html)
    async def home() -> Response:
        return await pages.home()

    @app.get("/docs", summary="This description, to read", **html)
    async def docs() -> Response:
        return pages.docs()


def _type(request: Request) -> str:
    """Return the type of a body, without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _upload(request: Request, takes_pictures: bool) -> bytes:
    """Return the bytes of an uploaded picture, sent as it is or in a form."""
    kind = _type(request)
    known = [JSON, *(PICTURE_TYPES if takes_pictures else ()), *([FORM] if takes_pictures else [])]
    if kind not in known:
        raise _other_type(known, request)
    if kind in PICTURE_TYPES:
        return await request.body()
    async with request.form(max_files=1, max_fields=0) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise Refused(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "expected a form with one picture in its field file, got none",
            )
        return await file.read()


def _other_type(known: list[str], request: Request) -> Refused:
    got = _type(request)[:80] or "none"
    text = f"expected a body of the type {' or '.join(known)}, got {got}"
    return Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, text)


def _json(content: Any) -> Response:
    return Response(to_json(content), media_type=JSON)


def _body(schema: dict[str, Any], pictures: bool = False) -> dict[str, Any]:
    """Return what the OpenAPI says of a body that handlers read themselves."""
    content: dict[str, Any] = {JSON: {"schema": schema}}
    if pictures:
        form = {
            "type": "object",
            "properties": {"file": _BYTES},
            "required": ["file"],
            "additionalProperties": False,
        }
        content |= {kind: {"schema": _BYTES} for kind in PICTURE_TYPES}
        encoding = {"file": {"contentType": ", ".join(PICTURE_TYPES)}}
        content[FORM] = {"schema": form, "encoding": encoding}
    return {"requestBody": {"required": True, "content": content}}


def _responses(statuses: dict[int, str]) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": Problem, "description": text} for status, text in statuses.items()}


def _text(kind: str) -> dict[int | str, dict[str, Any]]:
    """Return what the OpenAPI says of a reply that is no JSON."""
    return {
        200: {
            "description": "What was asked for.",
            "content": {kind: {"schema": {"type": "string"}}},
        }
    }


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return error.response()


async def _http_error(_: Request, error: Exception) -> Response:
    """Give Starlette's own refusals the form of ours."""
    assert isinstance(error, HTTPException)
    text = error.detail
    if error.status_code == HTTPStatus.NOT_FOUND:
        text = f"expected a path out of {', '.join(PATHS)}, got another"
    if error.status_code == HTTPStatus.BAD_REQUEST:  # its text is the form reader's
        text = f"expected a form with one picture in its field file, got another: {text}"
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "another")
        text = f"expected the method {allowed}, got another"
    return Refused(HTTPStatus(error.status_code), text, error.headers).response()


async def _gone(_: Request, __: Exception) -> Response:
    """Reply to a caller who has left: for the metrics alone."""
    return Response(status_code=GONE)


async def _failed(_: Request, __: Exception) -> Response:
    """Tell nothing of what went wrong; the traceback goes to the log."""
    text = "the service failed; its log says how"
    return Refused(HTTPStatus.INTERNAL_SERVER_ERROR, text).response()
