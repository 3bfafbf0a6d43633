#!/usr/bin/env python3
"""Submit one job script of Snakemake as a Kubernetes Job, and print the Job's name.

MOLPATH_IMAGE: image with this workflow's environment. MOLPATH_CLAIM: claim of the shared volume (ReadWriteMany).
MOLPATH_MOUNT: where pods and Snakemake itself have it mounted; the working directory lies below it.
"""

import json
import os
import subprocess
import sys
import uuid


def properties_of(script: str) -> dict:
    """What Snakemake writes into the second line of a job script: threads and resources among others."""
    with open(script, encoding="utf-8") as handle:
        return next(json.loads(line[len("# properties = ") :]) for line in handle if line.startswith("# properties = "))


def job_of(script: str, image: str, claim: str, mount: str) -> dict:
    """The Job that runs a job script in the working directory, as this user."""
    properties = properties_of(script)
    resources = properties["resources"]
    requests = {"cpu": str(properties["threads"]), "memory": f"{resources['mem_mb']}M"}
    requests["ephemeral-storage"] = f"{resources['disk_mb']}M"
    limits = {"memory": requests["memory"]}
    if int(resources.get("gpu", 0)):
        limits["nvidia.com/gpu"] = str(resources["gpu"])
    container = {
        "name": "job",
        "image": image,
        "command": ["sh", os.path.abspath(script)],
        "workingDir": os.getcwd(),
        "env": [{"name": "HOME", "value": os.getcwd()}],  # caches on the volume: a user id without a home has none
        "resources": {"requests": requests, "limits": limits},
        "volumeMounts": [{"name": "shared", "mountPath": mount}, {"name": "memory", "mountPath": "/dev/shm"}],
    }
    pod = {
        "restartPolicy": "Never",
        "activeDeadlineSeconds": int(resources["runtime"]) * 60,
        "securityContext": {"runAsUser": os.getuid(), "runAsGroup": os.getgid()},
        "containers": [container],
        "volumes": [
            {"name": "shared", "persistentVolumeClaim": {"claimName": claim}},
            {"name": "memory", "emptyDir": {"medium": "Memory"}},  # a pod's own /dev/shm has 64 MB
        ],
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": f"molpath-{uuid.uuid4().hex[:20]}", "labels": {"app": "molpath"}},
        "spec": {"backoffLimit": 0, "ttlSecondsAfterFinished": 86400, "template": {"spec": pod}},
    }


def main() -> None:
    """Submit the job script named on the command line."""
    names = ("MOLPATH_IMAGE", "MOLPATH_CLAIM", "MOLPATH_MOUNT")
    missing = [name for name in names if not os.environ.get(name)]
    if missing:
        sys.exit(f"set {', '.join(missing)} before you start Snakemake (workflow/docs/clusters.md, Kubernetes)")
    job = json.dumps(job_of(sys.argv[1], *(os.environ[name] for name in names)))
    done = subprocess.run(["kubectl", "create", "-o", "name", "-f", "-"], input=job, text=True, check=False)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
