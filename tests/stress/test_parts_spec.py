"""How parts are written in a spec, and what is refused."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from attack_world import attacked, pictures
from parts_slowly import SHAPE, bent

from roadworthy.errors import UsageError
from roadworthy.spec import parse
from roadworthy.stress.bound import stress
from roadworthy.stress.parts import PARTS, resolved
from roadworthy.suites import expand


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("parts=(sclae)", "no part is called 'sclae'; did you mean 'scale'"),
        ("parts=(diverse, diverse(rate=0.9))", "'diverse' is given twice"),
        ("parts=(scale(copies=0))", "scale: copies must be 1 to 64, not 0"),
        ("parts=(scale(copy=3))", "part 'scale' has no parameter 'copy'"),
        ("parts=(scale:dir)", "a part takes no path"),
        ("parts=(diverse(rate=0))", "diverse: rate must be larger than 0"),
        ("parts=(diverse(probability=1.5))", "diverse: probability must be 0 to 1, not 1.5"),
        ("parts=(translation(kernel=4))", "translation: kernel must be an odd number"),
        ("parts=(translation(kernel=-1))", "translation: kernel must be an odd number"),
        ("parts=(translation(sigmas=0))", "translation: sigmas must be larger than 0"),
        ("parts=(variance(draws=-1))", "variance: draws must be 0 or more"),
        ("parts=(variance(radius=-1))", "variance: radius must be 0 or larger"),
        ("parts=diverse", "values in round brackets, each a spec"),
        ("parts=(3)", "values in round brackets, each a spec"),
        ("norm=L2, parts=(variance)", "mim: 'variance' is defined under Linf, not under L2"),
        ("norm=L2, parts=(diverse, nesterov)", "'nesterov' is defined under Linf"),
        ("restarts=2", "restarts=2 would find the same again"),
        ("restarts=2, parts=(scale, translation)", "restarts=2 would find the same again"),
    ],
)
def test_what_means_nothing_is_refused(given: str, message: str) -> None:
    with pytest.raises(UsageError, match=message.replace("(", r"\(")):
        stress(f"mim(eps=0.1, {given})")


def test_specs_that_mean_the_same_are_written_alike() -> None:
    long = "mim(eps=8/255, steps=10, parts=(translation(kernel=15), scale(copies=5), nesterov))"
    one, other = stress(long), stress("mim(parts=(nesterov, scale, translation), eps=8/255)")
    assert one.spec == other.spec == "mim(eps=8/255, parts=(nesterov, scale, translation))"
    assert one.digest == other.digest
    assert stress(one.spec).settings == one.settings
    assert stress("mim(eps=8/255, parts=())").spec == "mim(eps=8/255)"


def test_every_parameter_of_a_part_is_in_the_digest() -> None:
    texts = ["", "scale", "scale(copies=4)", "variance", "variance(draws=5)", "variance(radius=1)"]
    digests = {stress(f"mim(eps=0.1, parts=({text}))").digest for text in texts}
    assert len(digests) == len(texts)


def test_a_list_of_compositions_is_a_variant_each() -> None:
    one = stress("mim(eps=0.1, parts=[(diverse), (scale, nesterov)])")
    assert [len(resolved(setting.arguments["parts"])) for setting in one.settings] == [1, 2]
    assert stress(one.spec).digest == one.digest
    swapped = stress("mim(eps=0.1, parts=[(diverse), (nesterov, scale(copies=5))])")
    assert (swapped.spec, swapped.digest) == (one.spec, one.digest)
    with pytest.raises(UsageError, match="'variance' is defined under Linf"):
        stress("mim(eps=0.1, norm=L2, parts=[(diverse), (variance)])")


def test_attacks_made_of_others_take_parts() -> None:
    text = "cascade(mim(parts=(scale, diverse)), eps=0.1)"
    assert (
        stress(text).spec == stress("cascade(mim(parts=(diverse, scale(copies=5))), eps=0.1)").spec
    )
    model, x = bent(), pictures(4, shape=SHAPE)
    labels = model.function(x).argmax(1)
    spec = "eps_search(mim(eps=0.05, steps=2, parts=(diverse(rate=0.6))), bisections=2)"
    assert attacked(spec, model, x, labels).reached.all()


def test_a_restart_draws_anew() -> None:
    model, x = bent(), pictures(6, shape=SHAPE)
    labels = model.function(x).argmax(1)
    spec = "mim(eps=0.02, steps=2, restarts={}, parts=(diverse(rate=0.5, probability=1)))"
    once, often = (attacked(spec.format(times), model, x, labels) for times in (1, 4))
    assert not torch.equal(once.x, often.x)


def test_other_norms_take_the_parts_that_mean_something_there() -> None:
    model, x = bent(), pictures(3, shape=SHAPE)
    labels = model.function(x).argmax(1)
    spec = "mim(eps=0.3, norm=L2, steps=3, parts=(scale, diverse, translation(kernel=3)))"
    tried = attacked(spec, model, x, labels)
    assert (tried.size <= 0.3 + 1e-9).all()
    assert tried.size.min() > 0.1


@pytest.mark.parametrize("name", sorted(PARTS))
def test_every_part_says_what_it_is(name: str) -> None:
    part = PARTS.get(name)
    assert part.name == name
    assert part.paper
    assert len(part.doc) > 100
    assert PARTS.summary(name).endswith(".")
    assert str(resolved((parse(name),))[0].spec) in (name, f"{name}()")


def test_the_suite_is_the_six_attacks_of_the_protocol() -> None:
    found = expand(["transfer"])
    assert [one.name for one in found] == ["fgsm", *["mim"] * 5]
    parts = [resolved(one.settings[0].arguments.get("parts", ())) for one in found]
    names = [[part.definition.name for part in each] for each in parts]
    assert names[2:] == [["diverse"], ["translation"], ["nesterov", "scale"], ["variance"]]
    settled = {p.definition.name: dict(p.arguments) for each in parts for p in each}
    assert settled["diverse"] == {"rate": 0.85, "probability": 0.7}
    assert settled["translation"] == {"kernel": 15, "sigmas": 3.0}
    assert settled["scale"] == {"copies": 5}
    assert settled["variance"] == {"draws": 10, "radius": 1.5}
    for one in found[1:]:
        given = one.settings[0].arguments
        size = given["relative_step"] * float(given["eps"]) / given["steps"]
        assert (given["steps"], given["decay"]) == (20, 1.0)
        assert size == pytest.approx(8 / 255 / 18)


def test_parts_are_listed_without_loading_anything() -> None:
    code = (
        "import sys; from roadworthy.catalogue import listing; "
        "assert set(listing('parts')) >= {'diverse', 'nesterov'}; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
