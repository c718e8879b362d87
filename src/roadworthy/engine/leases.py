"""Leases: several processes fill one folder without doing the same work twice for long."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from roadworthy.engine.files import alive

HEARTBEAT_SECONDS = 5.0
STALE_SECONDS = 60.0
NAMELESS_SECONDS = 3.0
"""An owner writes his name at once; where none is after so long, he was killed before he could."""

LOOK_SECONDS = 0.02
WORD = ".shared"
"""End of the name of a file that lies beside a lease and tells its owner that he is not alone."""


def who(pid: object, host: object) -> str:
    """Return a process in words."""
    return f"process {pid} on {host}"


class Leases:
    """Leases on units of work, one file each, kept alive by a heartbeat.

    A lease only saves work: parts are written whole and named by what they hold, so two processes
    with the same lease write the same thing. A lease is stale when its owner on this machine is
    dead, or when its file was not touched for a minute of the observer's own monotonic clock, so
    that no jump of a wall clock frees or keeps one.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._held: set[Path] = set()
        self._seen: dict[Path, tuple[int, float]] = {}
        self._stop = threading.Event()
        self._beat: threading.Thread | None = None
        self._me = {"host": socket.gethostname(), "pid": os.getpid(), "token": uuid.uuid4().hex}

    def take(self, name: str) -> bool:
        """Take the lease ``name`` if nobody alive holds it; returns whether it is held now."""
        path = self.folder / name
        if self._created(path):
            return True
        if self._stale(path):
            path.unlink(missing_ok=True)
            return self._created(path)
        return False

    @contextmanager
    def holding(self, names: Iterable[str]) -> Iterator[list[str]]:
        """Hold what can be had of the leases ``names`` while the block runs; yields which these are.

        Those that are held already are among them, and are held on.
        """
        mine = {path.name for path in self._held}
        held = []
        try:
            for name in names:
                if name in mine or self.take(name):
                    held.append(name)
            yield held
        finally:
            for name in held:
                if name not in mine:
                    self.give_back(name)

    def company(self, names: Collection[str]) -> bool:
        """Whether others hold one of the leases ``names``, or have left word with one that we hold."""
        there, mine = self._names(), {path.name for path in self._held}
        return any(name + WORD in there for name in mine) or not (there - mine).isdisjoint(names)

    def leave_word(self, names: Iterable[str]) -> None:
        """Tell whoever holds the leases ``names`` that somebody does a part of what he is at."""
        with suppress(FileNotFoundError):  # then nobody holds any
            for name in names:
                (self.folder / (name + WORD)).touch()

    def give_back(self, name: str) -> None:
        """End a lease, unless it was taken over in the meantime."""
        path = self.folder / name
        self._held.discard(path)
        if self._owner(path).get("token") == self._me["token"]:
            path.unlink(missing_ok=True)
            path.with_name(name + WORD).unlink(missing_ok=True)

    def others(self) -> set[str]:
        """Return the leases that others hold, and remove those whose owner is dead or silent."""
        found, there = set(), self._names()
        for name in there:
            path = self.folder / name
            if name.endswith(WORD):
                if name.removesuffix(WORD) not in there:
                    path.unlink(missing_ok=True)
                continue
            if path in self._held:
                continue
            if self._stale(path):
                path.unlink(missing_ok=True)
            else:
                found.add(name)
        return found

    def wait(self, names: Iterable[str], *, seconds: float) -> bool:
        """Wait until nobody holds one of the leases ``names``, at most so long; whether that came."""
        until, wanted = time.monotonic() + seconds, set(names)
        while wanted <= self._names():
            if time.monotonic() >= until:
                return False
            time.sleep(LOOK_SECONDS)
        return True

    def owners(self, names: Iterable[str]) -> list[str]:
        """Return the processes that hold leases, in words."""
        found = (self._owner(self.folder / name) for name in names)
        return sorted({who(one.get("pid"), one.get("host")) for one in found if one})

    def _names(self) -> set[str]:
        try:
            return set(os.listdir(self.folder))
        except FileNotFoundError:  # whoever takes one makes it, or says that all has vanished
            return set()

    def _created(self, path: Path) -> bool:
        try:
            self.folder.mkdir(exist_ok=True)
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        except FileExistsError:
            return False
        try:
            with os.fdopen(descriptor, "w") as file:
                json.dump(self._me, file)
        except BaseException:  # a full disk: nobody could tell whose it is
            path.unlink(missing_ok=True)
            raise
        self._held.add(path)
        return True

    def _owner(self, path: Path) -> dict[str, object]:
        try:
            owner = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return owner if isinstance(owner, dict) else {}

    def _stale(self, path: Path) -> bool:
        try:
            touched = path.stat().st_mtime_ns
        except OSError:
            return False
        owner = self._owner(path)
        pid = owner.get("pid")
        if owner.get("host") == self._me["host"] and isinstance(pid, int) and not alive(pid):
            return True
        now = time.monotonic()
        before, since = self._seen.get(path, (touched, now))
        if before != touched:
            since = now
        self._seen[path] = (touched, since)
        return now - since > (STALE_SECONDS if owner else NAMELESS_SECONDS)

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Keep the held leases alive while the block runs, and give them back at its end."""
        self._stop.clear()
        self._beat = threading.Thread(target=self._heartbeat, name="leases", daemon=True)
        self._beat.start()
        try:
            yield
        finally:
            self._stop.set()
            self._beat.join()
            for path in list(self._held):
                self.give_back(path.name)
            self.others()  # removes what dead processes left

    def _heartbeat(self) -> None:
        while not self._stop.wait(HEARTBEAT_SECONDS):
            for path in list(self._held):
                try:
                    os.utime(path)
                except OSError:
                    self._held.discard(path)
