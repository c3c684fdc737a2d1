"""``mlplab serve``: a trained network behind HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def serve(
    model_file: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL", help="A trained network (.npz, .onnx or .keras).", show_default=False
        ),
    ],
    host: Annotated[
        str, typer.Option("--host", help="The address to listen at; the default is this machine's.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="The port; 0 takes any free one.")
    ] = 8000,
) -> None:
    """Serve a trained network: a page at /, and answers for programs.

    POST /predict takes one example as JSON, or a picture as PNG or JPEG; POST /predict/batch takes
    several examples; /docs says how to ask. The address goes to stdout once it answers. Ctrl-C ends
    it, when every request that has begun is answered.
    """
    from mlplab.extras import needed

    with needed("serve"):
        from mlplab.serve.server import serve as serve_file
    serve_file(model_file, host, port, typer.echo, lambda text: typer.echo(text, err=True))
