"""The table of peers: who trains, in which module, and what it needs."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass


@dataclass(frozen=True)
class Peer:
    """A way to train.

    Attributes:
        name: what the command line calls it.
        title: what the tables call it.
        module: the module of this package whose ``train`` does it.
        requires: the package that must be installed.
        backend: the Keras backend, where Keras is used.
        validates: whether an epoch ends with an evaluation of the test images.
        networks: the networks it can train; all where empty.
    """

    name: str
    title: str
    module: str
    requires: str
    backend: str = ""
    validates: bool = False
    networks: tuple[str, ...] = ()

    @property
    def installed(self) -> bool:
        """Whether its package is there."""
        return importlib.util.find_spec(self.requires) is not None

    def trains(self, network: str) -> bool:
        """Whether it can train a network."""
        return not self.networks or network in self.networks


# fmt: off
PEERS = {
    peer.name: peer
    for peer in (
        Peer("ours", "mlplab", "keras_fit", "mlplab", "jax"),
        Peer("ours-val", "mlplab", "keras_fit", "mlplab", "jax", validates=True),
        Peer("keras-jax", "Keras on JAX", "keras_fit", "jax", "jax", validates=True),
        Peer("keras-tf", "Keras on TensorFlow", "keras_fit", "tensorflow", "tensorflow",
             validates=True),
        Peer("keras-torch", "Keras on PyTorch", "keras_fit", "torch", "torch", validates=True),
        Peer("jax", "JAX by hand", "jax_by_hand", "jax"),
        Peer("torch", "PyTorch by hand", "torch_by_hand", "torch"),
        Peer("sklearn", "scikit-learn", "sklearn_fit", "sklearn", networks=("relu-2",)),
    )
}
# fmt: on
OURS = ("ours", "ours-val")


def ours_like(peer: Peer) -> str:
    """Return the name of ours to compare a peer with: both validate, or neither does."""
    return "ours-val" if peer.validates else "ours"


def is_ours(peer: Peer) -> bool:
    """Whether it is the native engine."""
    return peer.name in OURS


def label(peer: Peer) -> str:
    """Return what pictures call it."""
    return f"{peer.title}{' + validation' * peer.validates}"
