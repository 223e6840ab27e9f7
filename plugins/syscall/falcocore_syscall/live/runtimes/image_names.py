"""Names of images, taken apart."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_DIGEST = "sha256:"
_ID = re.compile(r"(?:sha256:)?[0-9a-f]{12,64}\Z")


@dataclass(frozen=True, slots=True)
class ImageName:
    """The parts of `registry:port/path:tag@sha256:digest`; parts that are not there are empty."""

    repository: str
    tag: str = ""
    digest: str = ""

    @classmethod
    def of(cls, text: str) -> ImageName:
        """Take a name apart; of an image's bare id nothing is a name."""
        if is_image_id(text):
            return cls("")
        name, _, digest = text.partition("@")
        before, colon, tag = name.rpartition(":")
        if not colon or "/" in tag:
            return cls(name, "", digest)
        return cls(before, tag, digest)


def is_image_id(text: str) -> bool:
    """True for what is no name, but the id of an image, whole or shortened."""
    return bool(_ID.match(text))


def bare_id(text: str) -> str:
    """An image's id without the name of the hash."""
    return text.removeprefix(_DIGEST)


def of_repository(repository: str, names: Iterable[str]) -> ImageName | None:
    """The first of the names that belongs to the repository."""
    return next((name for name in map(ImageName.of, names) if name.repository == repository), None)
