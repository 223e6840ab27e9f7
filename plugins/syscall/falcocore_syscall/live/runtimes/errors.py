"""What goes wrong when a container runtime is asked."""

from __future__ import annotations


class UnansweredError(Exception):
    """A runtime can't be reached, is too slow or can't be understood; it may be asked again later."""
