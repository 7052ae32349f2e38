"""A throw-away authority, and what it signs for 127.0.0.1."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.collector.running import missing

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
TOKEN = "token-of-the-tests"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """What MLSEC_TLS_DIR holds, a file of one valid token beside it, and PEM stores as Kafka wants them."""

    directory: Path

    @property
    def token_file(self) -> Path:
        return self.directory / "agents.token"

    def path(self, name: str) -> str:
        return str(self.directory / name)


def make(directory: Path) -> Certificates:
    if shutil.which("openssl") is None:
        missing("openssl", "`make servers`")
    signs = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")  # Python 3.13 and newer trust no other authority
    _openssl(directory, "req", "-x509", *KEY, *signs, "-days", "2", "-subj", "/CN=tests", "-keyout", "ca.key", "-out", "ca.crt")
    (directory / "extensions").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n")
    for name in ("server", "client"):
        _openssl(directory, "req", *KEY, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        _openssl(
            directory, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", "extensions", "-out", f"{name}.crt",
        )  # fmt: skip
    store = (directory / "server.key").read_text() + (directory / "server.crt").read_text()
    (directory / "server.pem").write_text(store)
    made = Certificates(directory=directory)
    made.token_file.write_text(f"{TOKEN}\n")
    return made


def _openssl(directory: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)
