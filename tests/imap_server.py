"""A real IMAP server for the tests: Dovecot on a free port, with one mailbox; tests skip where it is not installed."""

import getpass
import grp
import imaplib
import os
import pwd
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_CONFIG = """
base_dir = {home}/run
state_dir = {home}/run
log_path = {home}/log
protocols = imap
listen = 127.0.0.1
ssl = required
ssl_cert = <{home}/cert.pem
ssl_key = <{home}/key.pem
mail_location = maildir:{home}/mail
first_valid_uid = 1
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {plain}
  }}
  inet_listener imaps {{
    port = {port}
  }}
}}
service anvil {{
  chroot =
}}
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={home}
}}
"""


@dataclass(frozen=True)
class Server:
    """Where it listens, by TLS and by STARTTLS, and whose certificate it shows."""

    port: int
    plain: int
    certificate: Path

    def deliver(self, body: str, folder: str = "INBOX") -> None:
        """Puts a mail there, unread."""
        with imaplib.IMAP4_SSL("localhost", self.port, ssl_context=self.trusting()) as box:
            box.login("sales", "secret")
            box.create(folder)
            answer, said = box.append(folder, "", "", body.replace("\n", "\r\n").encode())
            assert answer == "OK", said

    def unseen(self, folder: str = "INBOX") -> int:
        with imaplib.IMAP4_SSL("localhost", self.port, ssl_context=self.trusting()) as box:
            box.login("sales", "secret")
            box.select(folder)
            return len(box.uid("SEARCH", "UNSEEN")[1][0].split())

    def trusting(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.certificate))


@contextmanager
def dovecot() -> Iterator[Server]:
    """Runs one for as long as the block does."""
    has_it = shutil.which("dovecot", path="/usr/sbin:/usr/bin") and shutil.which("openssl")
    if not has_it or not _version().startswith("2.3"):
        pytest.skip("no IMAP server: install Dovecot 2.3 (apt install dovecot-imapd openssl)")
    with tempfile.TemporaryDirectory(prefix="rung-imap-") as folder:
        home = Path(folder)
        user = "nobody" if os.geteuid() == 0 else getpass.getuser()
        group = grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name
        (home / "mail").mkdir()
        _certify(home)
        if os.geteuid() == 0:
            shutil.chown(home, user, group)
            shutil.chown(home / "mail", user, group)
        port, plain = _free_port(), _free_port()
        config = home / "dovecot.conf"
        config.write_text(_CONFIG.format(home=home, user=user, group=group, port=port, plain=plain))
        server = subprocess.Popen(["/usr/sbin/dovecot", "-F", "-c", config], stderr=subprocess.PIPE)
        try:
            _wait_for(port, server, home)
            yield Server(port, plain, home / "cert.pem")
        finally:
            server.terminate()
            server.wait(20)


def _version() -> str:
    return subprocess.run(["/usr/sbin/dovecot", "--version"], capture_output=True, text=True, check=True).stdout


def _certify(home: Path) -> None:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost", "-keyout", home / "key.pem", "-out", home / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _wait_for(port: int, server: "subprocess.Popen[bytes]", home: Path) -> None:
    for _ in range(100):
        with socket.socket() as asked:
            if asked.connect_ex(("127.0.0.1", port)) == 0:
                return
        if server.poll() is not None:
            break
        time.sleep(0.1)
    log = home / "log"
    raise RuntimeError(f"Dovecot does not start: {log.read_text()[-800:] if log.exists() else server.stderr.read()!r}")
