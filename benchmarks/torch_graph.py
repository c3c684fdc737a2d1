"""PyTorch by hand on a GPU: a training step captured once as a CUDA graph, and replayed."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from benchmarks.networks import BATCH_SIZE, N_INPUTS, NETWORKS
from mlplab.data import Dataset
from mlplab.recipes import Recipe

WARM_UP = 3  # steps before the capture, as PyTorch asks for


def available() -> bool:
    """Return whether PyTorch is installed and sees a GPU."""
    if find_spec("torch") is None:
        return False
    import torch

    return bool(torch.cuda.is_available())


def train(dataset: Dataset, recipe: Recipe) -> None:
    """Train relu-2 with the data on the GPU as bytes, TF32, fused Adam, one replay a step."""
    import torch

    from benchmarks.torch_by_hand import build

    torch.backends.cuda.matmul.allow_tf32 = True
    torch.manual_seed(0)
    x = torch.from_numpy(dataset.train.x.reshape(-1, N_INPUTS)).cuda()
    y = torch.from_numpy(dataset.train.y).long().cuda()
    model, loss = build(NETWORKS["relu-2"]).cuda(), torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-7, fused=True, capturable=True)

    def step(chosen: Any) -> None:
        optimizer.zero_grad(set_to_none=False)
        loss(model(x[chosen].float() / 255), y[chosen]).backward()
        optimizer.step()

    n_rest = len(x) % BATCH_SIZE
    replay = captured(step, BATCH_SIZE)
    replay_rest = captured(step, n_rest) if n_rest else replay
    for _ in range(recipe.epochs):
        for chosen in torch.randperm(len(x), device="cuda").split(BATCH_SIZE):
            (replay if len(chosen) == BATCH_SIZE else replay_rest)(chosen)
    model.eval()
    with torch.no_grad():
        test = torch.from_numpy(dataset.test.x.reshape(-1, N_INPUTS)).cuda().float() / 255
        guesses = model(test).argmax(1).cpu().numpy()
    accuracy = float((guesses == dataset.test.y).mean())
    if accuracy < NETWORKS["relu-2"].floor:
        raise SystemExit(f"error: PyTorch learned too little: test accuracy {accuracy:.4f}")


def captured(step: Callable[[Any], None], size: int) -> Callable[[Any], None]:
    """Return a step on ``size`` rows as the replay of a graph.

    The steps before the capture train on the first rows; they are few, and count in the time.
    """
    import torch

    static = torch.arange(size, device="cuda")
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(WARM_UP):
            step(static)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step(static)

    def replay(chosen: Any) -> None:
        static.copy_(chosen)
        graph.replay()

    return replay
