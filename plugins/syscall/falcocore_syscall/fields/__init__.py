"""All fields that rules of source `syscall` can read."""

from __future__ import annotations

from falcocore.api import Field
from falcocore_syscall.fields.addresses import address_fields
from falcocore_syscall.fields.arguments import argument_fields
from falcocore_syscall.fields.containers import container_fields
from falcocore_syscall.fields.counts import count_fields
from falcocore_syscall.fields.events import event_fields
from falcocore_syscall.fields.families import family_fields
from falcocore_syscall.fields.fds import fd_fields
from falcocore_syscall.fields.kubernetes import kubernetes_fields
from falcocore_syscall.fields.listed import fdlist_fields
from falcocore_syscall.fields.paths import path_fields
from falcocore_syscall.fields.processes import process_fields
from falcocore_syscall.fields.threads import thread_fields
from falcocore_syscall.fields.users import user_fields

FIELDS: tuple[Field, ...] = (
    *event_fields(),
    *argument_fields(),
    *count_fields(),
    *process_fields(),
    *family_fields(),
    *thread_fields(),
    *user_fields(),
    *fd_fields(),
    *address_fields(),
    *path_fields(),
    *fdlist_fields(),
    *container_fields(),
    *kubernetes_fields(),
)
