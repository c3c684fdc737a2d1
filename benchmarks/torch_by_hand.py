"""PyTorch by hand: data in memory as float rows, fused Adam, no DataLoader."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from benchmarks.networks import BATCH_SIZE, N_INPUTS, Network
from benchmarks.peers import Peer
from benchmarks.turns import Turns
from mlplab.data import Dataset


def build(network: Network) -> nn.Sequential:
    """Make the network with Keras's settings: momentum 0.99 of the old is 0.01 of the new."""
    layers: list[nn.Module] = []
    for i, (fan_in, fan_out) in enumerate(network.shapes):
        dense = nn.Linear(fan_in, fan_out)
        nn.init.zeros_(dense.bias)
        layers.append(dense)
        if i == len(network.units):
            nn.init.xavier_uniform_(dense.weight)
            break
        nn.init.normal_(dense.weight, std=network.deviations[i])
        layers.append(nn.ReLU())
        if network.regularized:
            layers += [nn.BatchNorm1d(fan_out, eps=1e-3, momentum=0.01), nn.Dropout(0.5)]
    return nn.Sequential(*layers)


def rows(images: Any) -> torch.Tensor:
    """Return bytes as rows of floats 0..1."""
    return torch.from_numpy(images.reshape(-1, N_INPUTS)).float() / 255


def train(peer: Peer, network: Network, dataset: Dataset, turns: Turns) -> dict[str, Any]:
    """Train with a loop over shuffled rows."""
    torch.manual_seed(0)
    x, y = rows(dataset.train.x), torch.from_numpy(dataset.train.y).long()
    model, loss = build(network), nn.CrossEntropyLoss()
    optimizer: torch.optim.Optimizer
    if network.units:
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-7, fused=True)
    else:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    model.train()
    for _ in turns:
        for chosen in torch.randperm(len(x)).split(BATCH_SIZE):
            optimizer.zero_grad()
            loss(model(x[chosen]), y[chosen]).backward()
            optimizer.step()
    model.eval()
    with torch.no_grad():
        guesses = model(rows(dataset.test.x)).argmax(1).numpy()
    return {"accuracy": float((guesses == dataset.test.y).mean())}
