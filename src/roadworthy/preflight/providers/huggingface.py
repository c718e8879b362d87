"""An image processor of Hugging Face, from its configuration on disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from roadworthy.errors import RoadworthyError, UsageError
from roadworthy.models.user_code import last_words
from roadworthy.preflight.base import Subject, provider
from roadworthy.preflight.calling import subject_of
from roadworthy.preflight.quietly import quietly

FILE = "preprocessor_config.json"


@provider
def huggingface(path: str, *, backend: Literal["torchvision", "pil"] | None = None) -> Subject:
    """Make the processor that a folder configures: ``huggingface:FOLDER``, or its configuration.

    ``FOLDER`` holds ``preprocessor_config.json``, as ``save_pretrained`` writes it. ``backend`` picks
    the fast or the slow processor where there are both, by default what the installed transformers
    picks. Nothing is downloaded and no code of the folder is run. Raises UsageError without such a
    file or without transformers, RoadworthyError where no processor can be made of it.
    """
    place = Path(os.path.expanduser(path))
    folder = place.parent if place.is_file() else place
    if not (folder / FILE).is_file():
        raise UsageError(
            f"'{place}' has no {FILE}; expected a folder in which save_pretrained left one"
        )
    try:
        from transformers import AutoImageProcessor
    except ImportError:
        raise UsageError(
            "a pipeline of Hugging Face needs transformers: pip install 'roadworthy[huggingface]'"
        ) from None
    options = {} if backend is None else {"backend": backend}
    try:
        with quietly():
            made = AutoImageProcessor.from_pretrained(
                str(folder), local_files_only=True, trust_remote_code=False, **options
            )
    except Exception as error:  # a configuration may be wrong in any way
        raise RoadworthyError(
            f"'{folder / FILE}' makes no processor: {last_words(error)}"
        ) from None
    said = f"(backend={backend})" if backend else ""
    return subject_of(made, spec=f"huggingface:{path}{said}")
