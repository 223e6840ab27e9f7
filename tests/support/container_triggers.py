"""For each rule of the stable pack that needs a container, something harmless that is done in one."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

_API_SERVER = "kubernetes.default.svc.cluster.local"
ADDRESS = "127.0.0.77"
"""Where it is."""

ON_TERMINAL = frozenset({"Terminal shell in container"})
"""A shell on a terminal does it; for the others, one without."""
LAYERED = frozenset({"Drop and execute new binary in container"})
"""The container's file system has to be overlayfs."""
PRIVILEGED = frozenset({"Debugfs Launched in Privileged Container"})
"""It has to be privileged."""
TRIGGERS: Mapping[str, str] = {
    "Terminal shell in container": "exit",
    "Contact K8S API Server From Container": "/bin/nc {address} {port} -e /bin/true",
    "Netcat Remote Code Execution in Container": "/bin/nc {address} {port} -e /bin/true",
    # Of an interface that has no such frames: nothing is sent.
    "Packet socket created in container": "/bin/arping -c 1 -I lo {address}",
    "Redirect STDOUT/STDIN to Network Connection in Container": "/bin/nc {address} {port} -e /bin/true",
    # The kernel refuses what is no module.
    "Linux Kernel Module Injection Detected": "echo none > /module; /bin/insmod /module",
    # The program of this name does nothing.
    "Debugfs Launched in Privileged Container": "/bin/debugfs",
    # A file of this name that is the container's own.
    "Detect release_agent File Container Escapes": ": > /release_agent",
    "Drop and execute new binary in container": "/bin/cp /bin/busybox /busybox-late; /busybox-late true",
}
"""Commands of a shell. `address` is ADDRESS, and at `port` somebody listens there."""


def addresses(host: str | None, *_: Any, **__: Any) -> list[Any]:
    """In place of getaddrinfo, as on a machine that belongs to a cluster."""
    if host != _API_SERVER:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")
    return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (ADDRESS, 0))]
