"""Names of images, taken apart."""

from __future__ import annotations

import pytest

from falcocore_syscall.live.runtimes.image_names import ImageName, bare_id, is_image_id, of_repository

HEX = "f68d6e55e065" + "0" * 52


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nginx", ImageName("nginx")),
        ("nginx:1.27", ImageName("nginx", "1.27")),
        ("docker.io/library/nginx:1", ImageName("docker.io/library/nginx", "1")),
        ("host:5000/team/box", ImageName("host:5000/team/box")),
        ("host:5000/team/box:1.0", ImageName("host:5000/team/box", "1.0")),
        (f"host:5000/box@sha256:{HEX}", ImageName("host:5000/box", "", f"sha256:{HEX}")),
        (f"host:5000/box:1@sha256:{HEX}", ImageName("host:5000/box", "1", f"sha256:{HEX}")),
        (f"sha256:{HEX}", ImageName("")),
        (HEX, ImageName("")),
        ("", ImageName("")),
    ],
)
def test_parts(text: str, expected: ImageName) -> None:
    assert ImageName.of(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"sha256:{HEX}", True),
        (HEX, True),
        (HEX[:12], True),
        (HEX[:11], False),
        ("nginx", False),
        ("", False),
    ],
)
def test_ids(text: str, expected: bool) -> None:
    assert is_image_id(text) is expected
    assert bare_id(f"sha256:{HEX}") == HEX


def test_the_name_in_a_repository() -> None:
    names = ["other/nginx:2", "nginx:1", "nginx:2"]
    assert of_repository("nginx", names) == ImageName("nginx", "1")
    assert of_repository("box", names) is None
