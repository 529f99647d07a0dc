"""S3Proxy on this machine: an S3-compatible server that checks signatures, on a folder.

`python -m tests.s3.server` fetches its jars anew and rewrites `jars.sha256`. Where they cannot be
had, a test fails and is not skipped.
"""

import contextlib
import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.artifacts import expected_jars, java

HERE = Path(__file__).parent
POM, CHECKSUMS, LOGBACK = HERE / "pom.xml", HERE / "jars.sha256", HERE / "logback.xml"
KEY_ID, KEY_SECRET = "test-key", "test-secret"
START_SECONDS = 30.0


def jars() -> Path:
    """The folder with exactly the pinned jars, fetched once. Raises RuntimeError."""
    version = hashlib.sha256(CHECKSUMS.read_bytes()).hexdigest()[:12]
    cache = Path(os.environ.get("THIDUA_CACHE") or Path.home() / ".cache" / "thidua")
    folder = cache / f"s3proxy-{version}"
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            draft = Path(scratch) / "jars"
            _fetch(draft)
            _verify(draft)
            with contextlib.suppress(OSError):
                draft.rename(folder)
    _verify(folder)
    return folder


def _verify(folder: Path) -> None:
    found = {file.name: _digest(file) for file in folder.iterdir()}
    if found != (pinned := expected_jars(CHECKSUMS)):
        wrong = sorted(set(found.items()) ^ set(pinned.items()))
        raise RuntimeError(f"the jars of S3Proxy in {folder} are not as pinned: {wrong}")


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _fetch(folder: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise RuntimeError("the tests of the S3 store need Maven (Debian's package maven)")
    goal = "dependency:copy-dependencies"
    command = [maven, "-q", "-B", "-f", str(POM), goal, f"-DoutputDirectory={folder}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"Maven could not bring S3Proxy:\n{done.stdout[-2000:]}")


@dataclass(frozen=True)
class Bucket:
    """A running server with one bucket, whose things are files in `folder`."""

    endpoint: str
    folder: Path
    name: str = "evidence"

    @property
    def address(self) -> str:
        return f"s3://{self.name}/tu-minh?endpoint={self.endpoint}"


@contextmanager
def running(folder: Path) -> Iterator[Bucket]:
    """The server on a free port, with its bucket made, until the block ends."""
    classes = jars()
    (folder / "data" / "evidence").mkdir(parents=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    endpoint = f"http://127.0.0.1:{port}"
    settings = folder / "s3proxy.properties"
    settings.write_text(
        f"s3proxy.endpoint={endpoint}\n"
        "s3proxy.authorization=aws-v4\n"
        f"s3proxy.identity={KEY_ID}\n"
        f"s3proxy.credential={KEY_SECRET}\n"
        "jclouds.provider=filesystem-nio2\n"
        f"jclouds.filesystem.basedir={folder / 'data'}\n"
    )
    options = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx128m"]
    command = [str(java()), *options, f"-Dlogback.configurationFile={LOGBACK}"]
    command += ["-cp", f"{classes}/*", "org.gaul.s3proxy.Main", "--properties", str(settings)]
    log = folder / "s3proxy.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
    try:
        _wait_for(endpoint, process, log)
        yield Bucket(endpoint, folder / "data" / "evidence")
    finally:
        process.kill()
        process.wait()


def _wait_for(endpoint: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            urllib.request.urlopen(endpoint, timeout=5).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"S3Proxy did not start:\n{log.read_text()}") from None
            time.sleep(0.05)
        else:
            return


def main() -> None:
    """Write `jars.sha256` for what the POM names now."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "jars"
        _fetch(folder)
        lines = [f"{_digest(jar)}  {jar.name}\n" for jar in sorted(folder.iterdir())]
    CHECKSUMS.write_text("".join(lines))


if __name__ == "__main__":
    main()
