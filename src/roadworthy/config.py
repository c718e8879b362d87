"""The run file: every flag of ``roadworthy run`` as a YAML key of the same long name."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from roadworthy import _yaml
from roadworthy.errors import UsageError, did_you_mean
from roadworthy.exporting.formats import TextFormat


class RunFile(BaseModel):
    """What a run file may say; flags of the command line win over it."""

    model_config = ConfigDict(extra="forbid")

    models: list[str] | None = None
    data: list[str] | None = None
    stresses: list[str] | None = None
    profile: list[str] | None = None
    out: str | None = None
    limit: int | None = None
    seed: int | None = None
    device: str | None = None
    batch_size: int | Literal["auto"] | None = None
    precision: Literal["fp32", "bf16"] | None = None
    dry_run: bool | None = None
    quiet: bool | None = None
    as_json: bool | None = Field(None, alias="json")
    format: TextFormat | None = None
    executor: Literal["serial", "processes"] | None = None
    retry_failed: bool | None = None
    until: str | None = None
    transfer: bool | None = None
    adapt: Literal["resize", "pad_crop"] | None = None
    keep: bool | None = None

    @field_validator("models", "data", "stresses", "profile", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value


def read(path: Path) -> RunFile:
    """Read a run file; raises UsageError naming the file and the key that is wrong."""
    try:
        value = _yaml.load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the run file '{path}': {error}") from None
    except yaml.YAMLError as error:
        raise UsageError(f"the run file '{path}' is not valid YAML: {error}") from None
    if not isinstance(value, dict):
        raise UsageError(f"the run file '{path}' must hold keys and values, such as 'seed: 0'")
    value = {str(key).replace("-", "_"): entry for key, entry in value.items()}
    try:
        return RunFile.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        said = str(first["msg"])
        if first["type"] == "extra_forbidden":
            known = ["json", *(name for name in RunFile.model_fields if name != "as_json")]
            said = f"there is no such key{did_you_mean(key, known)}"
        raise UsageError(f"the run file '{path}': key '{key}': {said}") from None
