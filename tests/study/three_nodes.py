"""A Ray cluster of three machines, all of them this one: a program that tests start and talk to.

It prints a line of JSON when the cluster is up, and one more for each line that it reads: ``add``
and a folder for PYTHONPATH adds a machine of other packages, ``remove`` takes it away again. It
ends with its standard input. All of it listens on the loopback address alone, and its files are in
a folder of its own.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile

from tests.ports import free_port

os.environ.update(
    RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER="0",  # the loopback address, before Ray is imported
    RAY_USAGE_STATS_ENABLED="0",
    RAY_AUTH_MODE="disabled",
    RAY_health_check_period_ms="1000",
    RAY_health_check_failure_threshold="3",
)


def say(**facts: object) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def main(folder: str) -> None:
    os.environ["RAY_TMPDIR"] = folder
    from ray.cluster_utils import Cluster

    port = free_port()
    head = {"num_cpus": 1, "ray_client_server_port": port, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    nodes = [cluster.add_node(num_cpus=1, wait=False) for _ in range(2)]
    cluster.wait_for_nodes()
    raylets = [node.all_processes["raylet"][0].process.pid for node in nodes]
    started = cluster.head_node.all_processes.values()
    head_pids = [one.process.pid for processes in started for one in processes]
    say(address=f"ray://127.0.0.1:{port}", raylets=raylets, head=head_pids, folder=folder)
    other = None
    for line in sys.stdin:
        if line.startswith("add "):
            path = os.pathsep.join([line.removeprefix("add ").strip(), *sys.path[1:]])
            other = cluster.add_node(num_cpus=1, env_vars={"PYTHONPATH": path})
        elif other is not None:
            cluster.remove_node(other)
        say(done=line.strip())
    cluster.shutdown()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as own:
        main(own)
