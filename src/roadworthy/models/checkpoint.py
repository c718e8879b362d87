"""Read the tensors of a checkpoint file without running anything that is in it."""

from __future__ import annotations

import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from roadworthy.errors import RoadworthyError, UsageError, did_you_mean

NESTS = ("state_dict", "model", "model_state_dict", "net", "ema", "state_dict_ema", "weights")
"""Keys under which training scripts keep the weights, in the order in which they are tried."""

DEPTH = 4
INFLATION = 4
"""How much larger than the file its content may be; torch stores tensors uncompressed."""

SAVE_AGAIN = (
    "save the tensors alone, where you trust the file, with "
    "torch.save(model.state_dict(), 'weights.pt') or as .safetensors, and name that file"
)


def read(path: Path) -> Any:
    """Return what the checkpoint ``path`` holds, on the CPU: a tensor dict or a dict around it.

    PyTorch files are read by torch's weights-only unpickler, which builds tensors and plain
    containers and nothing else; ``.safetensors`` files hold no code. Raises UsageError if there is
    no such file and RoadworthyError if it is not a checkpoint or was refused.
    """
    head = _head(path)
    if head.startswith((b"PK\x03\x04", b"\x80")):
        return _read_torch(path, head)
    if path.suffix == ".safetensors" or head[8:9] == b"{":
        return _read_safetensors(path)
    raise RoadworthyError(
        f"checkpoint '{path}' is not a PyTorch or safetensors file: {_kind(head)}"
    )


def state_dicts(loaded: Any, *, depth: int = DEPTH) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Yield every (place, tensors by key) inside ``loaded``, the likeliest first; "" is the top."""
    if not isinstance(loaded, Mapping):
        return
    tensors = {str(k): v for k, v in loaded.items() if isinstance(v, Tensor)}
    if tensors:
        yield "", tensors
    if depth > 0:
        for key in NESTS:
            for place, found in state_dicts(loaded.get(key), depth=depth - 1):
                yield f"{key}.{place}".rstrip("."), found


def _head(path: Path) -> bytes:
    if path.is_dir():
        raise UsageError(f"checkpoint '{path}' is a folder; name the file with the weights in it")
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except FileNotFoundError:
        near = did_you_mean(path.name, _siblings(path))
        raise UsageError(f"there is no checkpoint '{path}'{near}") from None
    except OSError as error:
        raise UsageError(f"checkpoint '{path}' cannot be read: {error.strerror}") from None
    if not head:
        raise RoadworthyError(f"checkpoint '{path}' is empty (0 bytes); download or save it again")
    return head


def _siblings(path: Path) -> list[str]:
    try:
        return [p.name for p in path.parent.iterdir()]
    except OSError:
        return []


def _kind(head: bytes) -> str:
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        return "it is a web page; the download link led to a page, not to the file: fetch it again"
    if text.startswith(b"version https://git-lfs"):
        return "it is a Git LFS pointer, not the weights; run `git lfs pull` in its repository"
    if head.startswith(b"\x1f\x8b"):
        return "it is a gzip archive; unpack it first"
    return f"it begins with {head[:12]!r}"


def _read_torch(path: Path, head: bytes) -> Any:
    if head.startswith(b"PK"):
        check_archive(path)
    try:
        with warnings.catch_warnings():  # torch warns of what it goes on to refuse
            warnings.simplefilter("ignore")
            return torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:  # torch raises many types on damaged files
        raise RoadworthyError(_refusal(path, str(error))) from None


def check_archive(path: Path) -> None:
    """Raise RoadworthyError for a damaged archive, and for one that unpacks to far more than its size."""
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(item.file_size for item in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise RoadworthyError(
            f"checkpoint '{path}' is damaged or cut off ({path.stat().st_size} bytes); "
            "download or save it again"
        ) from None
    if unpacked > INFLATION * path.stat().st_size + 2**20:
        raise RoadworthyError(
            f"checkpoint '{path}' was refused: it would unpack to {unpacked} bytes from "
            f"{path.stat().st_size}, which no file saved by torch does; nothing was loaded"
        )


def _refusal(path: Path, message: str) -> str:
    code = re.search(r"GLOBAL ([\w.]+)", message) or re.search(
        r"Unsupported class ([\w.]+)", message
    )
    if code or "Unsupported" in message or "Trying to " in message:
        what = f" ({code.group(1)})" if code else ""
        return (
            f"checkpoint '{path}' was refused: it holds pickled Python objects{what}, which could "
            f"run code when loaded; nothing in it was run. {SAVE_AGAIN.capitalize()}"
        )
    if "TorchScript" in message:
        return (
            f"checkpoint '{path}' was refused: it is a TorchScript program, which could run code; "
            f"nothing in it was run. {SAVE_AGAIN.capitalize()}. As a model of its own it is "
            f"torchscript:{path}"
        )
    reason = message.strip().partition("\n")[0][:200] or "no reason given"
    return f"checkpoint '{path}' is damaged or cut off: {reason}; download or save it again"


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        from safetensors.torch import load_file
    except ImportError:
        raise RoadworthyError(
            f"reading '{path}' needs safetensors: pip install 'roadworthy[torch]'"
        ) from None
    try:
        return load_file(path, device="cpu")
    except Exception as error:  # SafetensorError derives from Exception alone
        raise RoadworthyError(
            f"checkpoint '{path}' is not a readable safetensors file: {error}; "
            "download or save it again"
        ) from None
