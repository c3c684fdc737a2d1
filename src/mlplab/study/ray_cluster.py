"""Connecting to Ray: the cluster at an address, this machine's, or one that is started for us."""

from __future__ import annotations

import ipaddress
import logging
import os
import re
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from mlplab.engine.core import usable_cores
from mlplab.errors import FailedError, UsageError
from mlplab.extras import needed
from mlplab.study import ray_sent
from mlplab.study.signals import terminated_as_before, uninterrupted

LOCAL = "ray"
ASKED_WHO_YOU_ARE = (
    "; where a cluster asks for a token, set RAY_AUTH_MODE=token and copy ~/.ray/auth_token from "
    "its head"
)
SECONDS_TO_ANSWER = 10
"""For the port of an address to answer."""

MOST_CONNECTIONS = 3
"""How often a Ray Client tries to connect."""

_ADDRESS = re.compile(r"ray://(\[[0-9A-Fa-f:.]+\]|[^/:\s]+):[0-9]{1,5}")
_SWITCH = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
"""Where it is 0 Ray serves one machine, and listens on its loopback address."""
_QUIET: dict[str, Any] = {"logging_level": logging.CRITICAL, "log_to_driver": False}


@dataclass
class Cluster:
    """A connection to Ray.

    Attributes:
        ray: the module.
        started: whether it was started for us alone.
        joined: whether the connection is ours to end.
    """

    ray: Any
    started: bool
    joined: bool = True

    def __post_init__(self) -> None:
        self.ray.cloudpickle.register_pickle_by_value(ray_sent)
        self.connects_itself = connects_itself(self.ray, False)

    def close(self) -> None:
        """Leave; Ray ends where it was started for us."""
        connects_itself(self.ray, self.connects_itself)
        if self.joined:
            self.ray.shutdown()

    def check(self) -> None:
        """Raise ConnectionError where the connection is lost."""
        if not self.ray.is_initialized():
            raise ConnectionError("it has ended")


def connects_itself(ray: Any, wanted: bool) -> bool:
    """Say whether Ray, when it is used without a connection, finds or starts some; change that."""
    hook = ray._private.auto_init_hook
    before, hook.enable_auto_connect = hook.enable_auto_connect, wanted
    return bool(before)


def check_address(on: str) -> None:
    """Raise UsageError unless ``on`` names a place and Ray is installed.

    Examples:
        >>> check_address("ray://host")
        Traceback (most recent call last):
        mlplab.errors.UsageError: expected on= (--on) to be ray or ray://HOST:PORT, got 'ray://host'
    """
    if on != LOCAL and not _ADDRESS.fullmatch(on):
        raise UsageError(f"expected on= (--on) to be ray or ray://HOST:PORT, got {on!r}")
    with needed("ray"):
        for package in ("ray", "grpc"):
            if find_spec(package) is None:
                raise ModuleNotFoundError(name=package)


def connect(on: str) -> Cluster:
    """Connect to Ray; start it where ``on`` is ``"ray"`` and none was started on this machine.

    Raises:
        UsageError: nothing answers at the address, or what answers cannot be used.
        FailedError: Ray does not start.
    """
    if on == LOCAL and os.environ.get("RAY_ADDRESS", "").startswith("ray://"):
        on = os.environ["RAY_ADDRESS"]
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    with terminated_as_before():
        return connect_here() if on == LOCAL else connect_to(on)


def connect_to(address: str) -> Cluster:
    """Connect to the cluster whose head serves Ray Clients at an address."""
    check_answers(address)
    import ray

    try:
        init_client(ray, address)
    except Exception as error:
        hint = ASKED_WHO_YOU_ARE if isinstance(error, ConnectionError) else ""
        raise UsageError(
            f"expected a Ray cluster at {address}, got: {refusal(error)}{hint}"
        ) from error
    return Cluster(ray, started=False)


def init_client(ray: Any, address: str) -> None:
    """Connect a Ray Client.

    The head forks a server for each client, and now and then, as seen with Ray 2.60, that process
    dies before it has begun; the head says so after half a minute.
    """
    for tries in range(1, MOST_CONNECTIONS + 1):
        try:
            with warnings.catch_warnings(action="ignore", category=UserWarning):
                ray.init(address, **_QUIET)
            return
        except ConnectionAbortedError:
            if tries == MOST_CONNECTIONS:
                raise


def connect_here(n_cores: int | None = None) -> Cluster:
    """Connect to the Ray of this machine, or start one with so many cores; all where it is None."""
    import ray

    if ray.is_initialized():
        return Cluster(ray, started=False, joined=False)
    address = address_here()
    if address is None:
        return start(ray, n_cores or usable_cores())
    alone = is_loopback(parts_of(address)[0])
    try:
        with listening_here_alone() if alone else nullcontext():
            ray.init(address, **_QUIET)
    except Exception as error:
        raise UsageError(
            f"expected the Ray of this machine to answer at {address}, got: {reason(error)}; "
            "ray stop clears away what a crash left"
        ) from error
    return Cluster(ray, started=False)


def start(ray: Any, n_cores: int) -> Cluster:
    """Start Ray for us alone."""
    try:
        with listening_here_alone():
            ray.init("local", num_cpus=n_cores, include_dashboard=False, **_QUIET)
    except BaseException as error:
        with uninterrupted():
            ray.shutdown()
        if not isinstance(error, Exception):
            raise
        raise FailedError(f"Ray does not start on this machine: {reason(error)}") from error
    return Cluster(ray, started=True)


def address_here() -> str | None:
    """Return where the Ray of this machine is: as its user says, or as ``ray start`` wrote down.

    What ``ray start`` wrote stays after a crash, so it counts only where something answers.
    """
    from ray._private.utils import read_ray_address

    named = os.environ.get("RAY_ADDRESS", "")
    if named == "local":
        return None
    if named not in ("", "auto"):
        check_named(named)
        return named
    written: str | None = read_ray_address()
    try:
        return written if written and answers(*parts_of(written)) is None else None
    except ValueError:
        return None


def check_named(address: str) -> None:
    """Raise UsageError unless the address that RAY_ADDRESS names has a host and a port.

    Examples:
        >>> check_named("head:6379")
        >>> check_named("head")
        Traceback (most recent call last):
        mlplab.errors.UsageError: expected RAY_ADDRESS to be HOST:PORT, ray://HOST:PORT, local or \
auto, got 'head'
    """
    try:
        host, _ = parts_of(address)
    except ValueError:
        host = ""
    if not host:
        raise UsageError(
            f"expected RAY_ADDRESS to be HOST:PORT, ray://HOST:PORT, local or auto, got {address!r}"
        )


def parts_of(address: str) -> tuple[str, int]:
    """Return the host and the port of an address.

    Examples:
        >>> parts_of("ray://head:10001"), parts_of("[::1]:6379")
        (('head', 10001), ('::1', 6379))
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    return host.strip("[]"), int(port)


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine by its loopback address.

    Examples:
        >>> is_loopback("127.0.0.1"), is_loopback("10.0.0.1"), is_loopback("head")
        (True, False, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_answers(address: str) -> None:
    """Raise UsageError where no program listens at an address."""
    host, port = parts_of(address)
    refused = answers(host, port)
    if refused:
        raise UsageError(
            f"expected a Ray cluster at {address}, got no answer ({refused}); "
            f"start its head: ray start --head --ray-client-server-port {port}"
        )


def answers(host: str, port: int) -> str | None:
    """Return why no program listens at a port; None where one does."""
    try:
        socket.create_connection((host, port), timeout=SECONDS_TO_ANSWER).close()
    except (OSError, OverflowError) as error:
        return reason(error)
    return None


@contextmanager
def listening_here_alone() -> Iterator[None]:
    """Have a Ray that is started inside listen on the loopback address alone.

    Ray's own switch for systems whose users are asked about each port. It stands in the environment
    for the processes that are started, and in the module, which may have been imported already.
    """
    from ray._private import ray_constants

    environment, module = os.environ.get(_SWITCH), ray_constants.ENABLE_RAY_CLUSTER
    os.environ[_SWITCH], ray_constants.ENABLE_RAY_CLUSTER = "0", False
    try:
        with warnings.catch_warnings():
            # The child of the fork becomes one of Ray's programs and uses nothing of JAX.
            warnings.filterwarnings("ignore", r"os\.fork\(\) was called", RuntimeWarning)
            yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = module
        del os.environ[_SWITCH]
        if environment is not None:
            os.environ[_SWITCH] = environment


def refusal(error: Exception) -> str:
    r"""Return what Ray says of a connection that it refuses, in one line.

    Its own check of versions takes several lines to name them; a traceback from the other side
    ends with what matters.

    Examples:
        >>> refusal(RuntimeError("Version mismatch: The cluster has:\n    Ray: 2.60.0"))
        'Version mismatch: The cluster has: Ray: 2.60.0'
        >>> refusal(ConnectionAbortedError("Failure from server:\nOSError: full\n"))
        'OSError: full'
    """
    found = re.search(r"Version mismatch: .*", str(error), re.DOTALL)
    lines = str(error).split("\n") if found is None else [" ".join(found[0].split())]
    words = (line.strip() for line in reversed(lines) if re.search(r"\w", line))
    return next(words, reason(error))


def reason(error: BaseException) -> str:
    """Return the first line of what an error says.

    Examples:
        >>> reason(ConnectionRefusedError(111, "Connection refused")), reason(TimeoutError())
        ('Connection refused', 'TimeoutError')
    """
    said = getattr(error, "strerror", None) or str(error).strip()
    return said.splitlines()[0] if said else type(error).__name__
