"""Shards as the indexes of a Kubernetes Job: its manifest, to be applied by `kubectl`.

Kubernetes does the rest.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from viewpoint100k.errors import InputError
from viewpoint100k.runners import Places

NAME = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"  # a DNS label
MOUNT = "run"


def job_manifest(  # noqa: PLR0913 - what a Job says, by name
    command: Sequence[str],
    shards: int,
    places: Places,
    *,
    image: str,
    name: str = "viewpoint100k",
    memory: str = "4Gi",
    claim: str = "",
    mount: str = "",
    secret: str = "",
    environment: Mapping[str, str] = {},
) -> str:
    """The manifest, as YAML. `render-shard` takes its number from the completion index.

    Args:
        command: what follows `viewpoint100k`.
        shards: how many.
        image: a container image that has this package and bpy.
        memory: of each pod.
        claim: a PersistentVolumeClaim that many pods may write to, where the run folder is one.
        mount: where the pod sees it.
        secret: whose keys become environment variables: credentials of an object store.

    Raises:
        InputError: `name` is not one that Kubernetes takes.
    """
    if not re.fullmatch(NAME, name):
        raise InputError(f"--name {name}: expected lower-case letters, digits and dashes, at most 63")
    container = _container(command, image, places, memory, environment)
    pod: dict[str, Any] = {"restartPolicy": "Never", "containers": [container]}
    if secret:
        container["envFrom"] = [{"secretRef": {"name": secret}}]
    if claim:
        container["volumeMounts"] = [{"name": MOUNT, "mountPath": mount}]
        pod["volumes"] = [{"name": MOUNT, "persistentVolumeClaim": {"claimName": claim}}]
    spec = _one_pod_a_shard(pod, shards, places)
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec}
    return str(yaml.safe_dump(job, sort_keys=False))


def _container(
    command: Sequence[str], image: str, places: Places, memory: str, environment: Mapping[str, str]
) -> dict[str, Any]:
    """What a pod runs, and with how much of a machine."""
    resources: dict[str, Any] = {"cpu": str(places.cpus), "memory": memory}
    if places.gpus:
        resources["nvidia.com/gpu"] = str(places.gpus)
    return {
        "name": "render-shard",
        "image": image,
        "command": ["viewpoint100k", *command],  # --shard: JOB_COMPLETION_INDEX, which Kubernetes sets
        "env": [
            {"name": "VIEWPOINT100K_MACHINE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
            *({"name": key, "value": value} for key, value in environment.items()),
        ],
        "resources": {"requests": resources, "limits": dict(resources)},
    }


def _one_pod_a_shard(pod: Mapping[str, Any], shards: int, places: Places) -> dict[str, Any]:
    """How pods are repeated: one for each shard, and none ends the others.

    A node that is drained or lost is nobody's failure; wrong input is a failure at once.
    """
    drained = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    wrong_input = {
        "action": "FailIndex",
        "onExitCodes": {"containerName": "render-shard", "operator": "In", "values": [2]},
    }
    return {
        "completionMode": "Indexed",
        "completions": shards,
        "parallelism": min(places.at_a_time or shards, shards),
        # needs Kubernetes 1.33 (1.29 with its feature gate): one shard that fails does not end the others
        "backoffLimitPerIndex": places.retries,
        "maxFailedIndexes": shards,
        "podFailurePolicy": {"rules": [drained, wrong_input]},
        "template": {"spec": pod},
    }
