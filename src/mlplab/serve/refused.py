"""What a caller is told who gets no answer: a status and one sentence, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json
from starlette.responses import Response


class Problem(BaseModel):
    """Why there is no answer."""

    model_config = ConfigDict(extra="forbid")

    error: str = Field(description="What was expected, what came, what to do.")


class Refused(Exception):  # noqa: N818 - a word for the reader of a log
    """A request that is not answered.

    Args:
        status: of HTTP.
        text: what was expected, what came, what to do.
        headers: to send along.
    """

    def __init__(
        self, status: HTTPStatus, text: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(text)
        self.status, self.text, self.headers = status, text, dict(headers or {})

    def response(self) -> Response:
        """Return the reply."""
        content = to_json({"error": self.text})
        return Response(content, self.status, self.headers, "application/json")


def too_large(what: str, got: str, limit: int) -> Refused:
    """Return the refusal of a body that is larger than it may be."""
    return Refused(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"expected at most {limit:,} bytes of {what}, got {got}; send less",
    )


def busy(why: str) -> Refused:
    """Return the refusal of a request that may be sent again in a second."""
    headers = {"Retry-After": "1"}
    return Refused(HTTPStatus.SERVICE_UNAVAILABLE, f"{why}; come again in a second", headers)
