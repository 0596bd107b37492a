"""`python3 start.py --database postgresql://… --port 8000`: installs, migrates, serves.

Python 3.10 or newer is all that has to be there. What is installed is kept in
~/.cache/annals. SIGTERM ends it, and so does the end of who started it.
"""

import argparse
import ctypes
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = Path.home() / ".cache" / "annals"


def install() -> Path:
    """An environment with what requirements.txt names; whole, as it is renamed last."""
    requirements = HERE / "requirements.txt"
    digest = hashlib.sha256(requirements.read_bytes() + sys.version.encode())
    folder = CACHE / f"django-peer-{digest.hexdigest()[:12]}"
    if folder.exists():
        return folder
    print("Installing Django and what goes with it …", flush=True)
    unfinished = folder.with_name(f"{folder.name}.{os.getpid()}")
    try:
        venv.create(unfinished, with_pip=True)
        pip = [unfinished / "bin" / "python", "-m", "pip", "install", "--quiet"]
        flags = ["--disable-pip-version-check", "--only-binary=:all:", "--no-deps"]
        subprocess.run([*pip, *flags, "--requirement", requirements], check=True)
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def end_with_parent() -> None:
    """Has the system end this process with the one that started it, where it can."""
    library = ctypes.CDLL(None)
    if hasattr(library, "prctl"):
        library.prctl(1, signal.SIGTERM)


def main() -> None:
    end_with_parent()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--database", required=True, metavar="URL")
    parser.add_argument("--port", required=True, type=int)
    parser.add_argument("--cache", type=int, default=0, metavar="SECONDS")
    options = parser.parse_args()
    python = install() / "bin" / "python"
    os.chdir(HERE)
    os.environ.update(
        DJANGO_SETTINGS_MODULE="publication.settings",
        PYTHONPYCACHEPREFIX=str(CACHE / "pycache"),
        PEER_DATABASE_URL=options.database,
        PEER_PORT=str(options.port),
        PEER_CACHE_SECONDS=str(options.cache),
        PEER_SECRET_KEY=hashlib.sha256(options.database.encode()).hexdigest(),
    )
    subprocess.run([python, "-m", "django", "migrate", "--verbosity=0"], check=True)
    os.execv(python, [python, "-m", "gunicorn"])


if __name__ == "__main__":
    main()
