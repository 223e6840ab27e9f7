"""A container image of one program, busybox, made on the spot."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import shutil
import tarfile
from pathlib import Path

BUSYBOX = shutil.which("busybox")
PROGRAMS = ("sh", "sleep", "true", "cp", "nc", "arping", "insmod", "debugfs")
"""All are busybox, which knows nothing of the last one: by its name it can be run, and does nothing."""
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def root_archive() -> bytes:
    """A file system with the programs of PROGRAMS in /bin, as tar."""
    assert BUSYBOX is not None
    program = Path(BUSYBOX).read_bytes()
    files = {"bin/busybox": program}
    return _archive(files, links={f"bin/{name}": "busybox" for name in PROGRAMS})


def image_archive(name: str, number: int) -> bytes:
    """The image in the form of `docker save`, by this name; images of other numbers have other ids."""
    layer = root_archive()
    config = {
        "architecture": _ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": {"Cmd": ["/bin/sleep", "600"], "Labels": {"number": str(number)}},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    text = json.dumps(config).encode()
    config_name = f"{hashlib.sha256(text).hexdigest()}.json"
    manifest = [{"Config": config_name, "RepoTags": [name], "Layers": ["layer.tar"]}]
    return _archive({config_name: text, "layer.tar": layer, "manifest.json": json.dumps(manifest).encode()})


def _archive(files: dict[str, bytes], links: dict[str, str] | None = None) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o755
            archive.addfile(entry, io.BytesIO(data))
        for name, target in (links or {}).items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            archive.addfile(entry)
    return out.getvalue()
