"""Certificates of an authority that exists for one test."""

from __future__ import annotations

import datetime
import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Certificates:
    """An authority, and what it signs, as PEM files in a folder."""

    folder: Path
    authority: trustme.CA

    @classmethod
    def in_folder(cls, folder: Path) -> Certificates:
        made = cls(folder, trustme.CA())
        made.authority.cert_pem.write_to_path(str(made.ca_file))
        return made

    @property
    def ca_file(self) -> Path:
        return self.folder / "ca.pem"

    def server(self, name: str = "server") -> Path:
        """A certificate for loopback, with its key in the same file."""
        return self._written(name, self.authority.issue_cert("localhost", "127.0.0.1"))

    def client(self, common_name: str, *, expired: bool = False) -> Path:
        """A certificate for a client, with its key in the same file."""
        end = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1) if expired else None
        issued = self.authority.issue_cert(f"{common_name}.test", common_name=common_name, not_after=end)
        return self._written(common_name, issued)

    def _written(self, name: str, issued: trustme.LeafCert) -> Path:
        path = self.folder / f"{name}.pem"
        path.write_bytes(issued.private_key_and_cert_chain_pem.bytes())
        return path

    def trusting(self, client: Path | None = None) -> ssl.SSLContext:
        """What a client needs to trust the server, and to show a certificate."""
        context = ssl.create_default_context(cafile=str(self.ca_file))
        if client is not None:
            context.load_cert_chain(str(client))
        return context
