"""An operating profile as a suite: ``profile:profile.yaml``."""

from __future__ import annotations

from pathlib import Path

from roadworthy.errors import UsageError
from roadworthy.profiles.read import read_profile
from roadworthy.spec import Spec
from roadworthy.stress.bound import stress
from roadworthy.suites.bound import BoundSuite

NAME, VERSION = "profile", 1


def is_profile(spec: Spec) -> bool:
    """Whether a spec names a profile: the stress of that name, about colours, takes no path."""
    return spec.name == NAME and spec.path is not None


def bound_profile(spec: Spec) -> BoundSuite:
    """Read a profile; its members are the stresses of its conditions. Raises UsageError."""
    assert spec.path is not None
    if not spec.plain:
        raise UsageError(f"'{spec}': a profile takes no parameters; write '{spec.head}'")
    profile = read_profile(Path(spec.path).expanduser())
    return BoundSuite(
        spec=str(spec),
        name=NAME,
        version=VERSION,
        kind="profile",
        headline="expected_error" if profile.costs is None else "expected_cost",
        baseline=None,
        without_baseline="a profile is not divided by anything",
        stresses=tuple(map(stress, profile.stresses)),
        profile=profile,
    )
