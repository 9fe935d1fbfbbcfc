"""Shards as the indexes of a Kubernetes Job: writes the manifest for `kubectl apply`.

Kubernetes runs, repeats and counts the pods.
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
        command: the arguments of `viewpoint100k`.
        shards: number of shards.
        image: a container image with this package and bpy.
        memory: memory of each pod.
        claim: a PersistentVolumeClaim that many pods may write to, if the run lies in a folder.
        mount: where the pod mounts the claim.
        secret: a Secret whose keys become environment variables: the credentials of an object store.

    Raises:
        InputError: Kubernetes does not accept `name`.
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
    """The container of a pod: its command and its share of a machine."""
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
    """How pods are repeated: one for each shard, and no failure ends the other pods.

    A drained or lost node does not count as a failure; wrong input fails immediately.
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
