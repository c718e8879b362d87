"""How labels relate to outputs: by WordNet id, then name, then index; mismatches explain themselves."""

from __future__ import annotations

import numpy as np
import pytest

from roadworthy.data.base import Images
from roadworthy.data.labels import Relation, relate
from roadworthy.data.matching import meaningful, normal
from roadworthy.errors import UsageError
from roadworthy.types import Classes, Sample


def data_of(labels: list[int], classes: Classes, spec: str = "csv:t.csv") -> Images:
    samples = [Sample(f"{i}.png", label, "") for i, label in enumerate(labels)]
    return Images(spec, classes, samples, lambda sample: b"")


def wnid(number: int) -> str:
    return f"n{number:08}"


WNIDS = tuple(wnid(i) for i in range(1000))
NAMES = (
    "tench, Tinca tinca",
    "great_white_shark",
    "crane",
    "crane",
    "maillot",
    "maillot, tank suit",
)


def refusal(labels: list[int], classes: Classes, model: Classes, spec: str = "csv:t.csv") -> str:
    with pytest.raises(UsageError) as caught:
        relate(data_of(labels, classes, spec), model, model_name="timm/x")
    assert spec in str(caught.value)
    assert "timm/x" in str(caught.value)
    return str(caught.value)


def targets(relation: Relation) -> list[int]:
    return [int(t) for t in relation.targets]


# ---------------------------------------------------------------------------------- by index


def test_sparse_integers_are_indices() -> None:
    relation = relate(data_of([7, 993, 7], Classes(None)), Classes(1000))
    assert (relation.by, relation.subset) == ("index", None)
    assert relation.targets.dtype == np.int32
    assert [relation.target_of(label) for label in (0, 7, 993)] == [0, 7, 993]
    assert "1000 outputs" in relation.description
    with pytest.raises(UsageError, match="label 1000"):
        relation.target_of(1000)


def test_dense_integers_are_classes_of_their_own() -> None:
    message = refusal(list(range(10)) * 3, Classes(None), Classes(1000))
    assert "has 10 classes (its 30 labels run densely over 0..9)" in message
    assert "timm/x has 1000" in message
    assert "csv:…(classes=1000)" in message
    # One image of each is enough: ten photographs in folders 0..9 are no tenches and goldfishes.
    assert "densely over 0..9" in refusal(list(range(10)), Classes(None), Classes(1000))


@pytest.mark.parametrize(
    ("labels", "outputs"),
    [
        (list(range(10)) * 3, 10),  # as many as the model has
        ([*range(3)] * 2, 1000),  # few classes with fewer than three images each
        ([0] * 30, 1000),  # one class only
        ([*range(9), 11] * 3, 1000),  # a gap
        ([*range(1, 11)] * 3, 1000),  # not from 0
    ],
)
def test_other_integers_stay_indices(labels: list[int], outputs: int) -> None:
    relation = relate(data_of(labels, Classes(None)), Classes(outputs))
    assert (relation.by, targets(relation)) == ("index", list(range(outputs)))


def test_a_declared_count_decides() -> None:
    labels = list(range(10)) * 3
    assert relate(data_of(labels, Classes(1000)), Classes(1000)).by == "index"
    message = refusal(labels, Classes(200), Classes(1000))
    assert "has 200 classes" in message
    assert "densely" not in message


def test_labels_beyond_the_outputs_explain_themselves() -> None:
    one_based = refusal([1, 500, 1000], Classes(None), Classes(1000))
    assert "label 1000 of '2.png' is outside the 1000 classes" in one_based
    assert "count from 1" in one_based
    assert "1001 outputs" in one_based
    assert "background" in one_based
    with_zero = refusal([0, 500, 1000], Classes(None), Classes(1000))
    assert "background" in with_zero
    assert "count from 1" not in with_zero
    assert "background" not in refusal([0, 5000], Classes(None), Classes(1000))


def test_equal_counts_without_common_knowledge_match_by_index() -> None:
    names = Classes(2, names=("cat", "dog"))
    for model in (
        Classes(2),
        Classes(2, wnids=WNIDS[:2]),
        Classes(2, names=("LABEL_0", "LABEL_1")),
    ):
        relation = relate(data_of([0, 1], names), model)
        assert (relation.by, targets(relation), relation.subset) == ("index", [0, 1], None)


# ------------------------------------------------------------------------- by WordNet id, name


def test_a_subset_by_wordnet_id() -> None:
    mine = tuple(wnid(i) for i in range(0, 1000, 5))
    relation = relate(data_of([0, 199], Classes(200, wnids=mine)), Classes(1000, wnids=WNIDS))
    assert relation.by == "wnid"
    assert targets(relation) == list(range(0, 1000, 5))
    assert relation.subset is not None
    assert relation.subset.tolist() == [i % 5 == 0 for i in range(1000)]
    assert relation.description == "200 data classes matched to 1000 outputs by wnid"


def test_wordnet_ids_go_before_names_and_names_before_indices() -> None:
    mine = Classes(2, names=("cat", "dog"), wnids=(wnid(1), wnid(0)))
    model = Classes(2, names=("cat", "dog"), wnids=(wnid(0), wnid(1)))
    assert targets(relate(data_of([0, 1], mine), model)) == [1, 0]
    swapped = Classes(2, names=("dog", "cat"))
    relation = relate(data_of([0, 1], swapped), model)
    assert (relation.by, targets(relation), relation.subset) == ("name", [1, 0], None)


def test_wordnet_ids_in_place_of_names() -> None:
    mine = Classes(2, wnids=(wnid(1), wnid(2)))
    relation = relate(data_of([0, 1], mine), Classes(3, names=tuple(wnid(i) for i in range(3))))
    assert (relation.by, targets(relation)) == ("wnid", [1, 2])


@pytest.mark.parametrize(
    ("name", "output"),
    [
        ("tench", 0),
        ("Tinca Tinca", 0),
        ("tinca_tinca, tench", 0),
        ("Great White Shark", 1),
        ("great-white-shark", 1),
        ("maillot", 4),
        ("tank suit", 5),
        ("maillot, tank suit", 5),
    ],
)
def test_names_match_without_case_underscore_and_by_synonym(name: str, output: int) -> None:
    relation = relate(data_of([0], Classes(1, names=(name,))), Classes(6, names=NAMES))
    assert (relation.by, relation.target_of(0)) == ("name", output)
    assert relation.subset is not None
    assert relation.subset.sum() == 1


def test_a_name_of_two_outputs_is_refused_unless_its_place_decides() -> None:
    message = refusal([0], Classes(1, names=("crane",)), Classes(6, names=NAMES))
    assert "2 'crane', 3 'crane'" in message
    relation = relate(data_of([0, 2, 3], Classes(6, names=NAMES)), Classes(6, names=NAMES))
    assert targets(relation) == [0, 1, 2, 3, 4, 5]
    assert relation.by == "name"


def test_a_place_decides_only_between_equally_many_classes() -> None:
    mine = Classes(3, names=("tench", "great white shark", "crane"))
    assert "2 'crane', 3 'crane'" in refusal([0, 1, 2], mine, Classes(6, names=NAMES))


def test_the_leading_synonym_goes_before_the_others() -> None:
    model = Classes(3, names=("cloak, mantle", "mantle, cape", "other"))
    assert relate(data_of([0], Classes(1, names=("Mantle",))), model).target_of(0) == 1


def test_case_decides_where_only_case_differs() -> None:
    model = Classes(3, names=("Cardigan, dog", "Cardigan", "cardigan"))
    mine = Classes(2, names=("cardigan", "Cardigan"))
    assert targets(relate(data_of([0, 1], mine), model)) == [2, 1]


def test_classes_without_images_need_no_output() -> None:
    mine = Classes(3, names=("tench", "docs", "crane, tower crane"))
    model = Classes(3, names=("goldfish", "tench", "tower crane"))
    relation = relate(data_of([0, 2], mine), model)
    assert targets(relation) == [1, -1, 2]
    with pytest.raises(UsageError, match="label 1 relates to no output"):
        relation.target_of(1)
    with pytest.raises(UsageError, match="label -1"):
        relation.target_of(-1)


def test_unmatched_classes_are_listed_with_the_nearest_name() -> None:
    mine = Classes(3, names=("tench", "great wite shark", "zzz"))
    message = refusal([0, 1, 2], mine, Classes(6, names=NAMES), "imagefolder:val")
    assert "2 of its classes match no output" in message
    assert "'great wite shark' (nearest: 'great_white_shark')" in message
    assert "'zzz'" in message
    assert "'tench'" not in message
    many = Classes(20, names=("tench", *(f"zz{i}" for i in range(19))))
    assert "and 9 more" in refusal(list(range(20)), many, Classes(6, names=NAMES))


def test_one_spelling_in_ten_may_differ_in_its_own_place() -> None:
    names = tuple(f"kind {chr(97 + i)}" for i in range(10))
    other = (*names[:9], "something else")
    relation = relate(data_of(list(range(10)), Classes(10, names=other)), Classes(10, names=names))
    assert targets(relation) == list(range(10))
    assert "9 of 10" in relation.description
    two = (*names[:8], "this", "that")
    assert "'this'" in refusal(list(range(10)), Classes(10, names=two), Classes(10, names=names))
    moved = (*names[:8], names[9], "that")
    assert "'that'" in refusal(list(range(10)), Classes(10, names=moved), Classes(10, names=names))


def test_as_many_classes_but_none_in_common() -> None:
    message = refusal([0, 1], Classes(2, names=("zero", "one")), Classes(2, names=("cat", "dog")))
    assert "both have 2 classes, but none in common" in message
    assert "'zero', 'one'" in message
    assert "'cat', 'dog'" in message
    wnids = Classes(2, wnids=(wnid(5), wnid(6)))
    assert "none in common" in refusal([0, 1], wnids, Classes(2, wnids=WNIDS[:2]))


def test_another_count_shows_both_sides_and_the_way_out() -> None:
    cifar = Classes(10, names=("airplane", "automobile", "bird", "cat"))
    message = refusal([0, 1], cifar, Classes(1000, names=NAMES), "parquet:cifar")
    assert "parquet:cifar has 10 classes ('airplane', 'automobile', 'bird', …)" in message
    assert "1000 ('tench, Tinca tinca'" in message
    assert "parquet:…(classes=1000)" in message
    folders = refusal([0, 1], Classes(2, names=("x", "y")), Classes(1000), "imagefolder:val")
    assert "(without names)" in folders
    assert "name the classes as the model does" in folders


# ----------------------------------------------------------------- what other columns confirm


def sparse(**known: str) -> tuple[str, ...]:
    found = {int(key[1:]): text for key, text in known.items()}
    return tuple(found.get(i, "") for i in range(max(found) + 1))


def test_sparse_wordnet_ids_confirm_indices() -> None:
    classes = Classes(None, wnids=sparse(_3=wnid(3), _7=wnid(7)))
    relation = relate(data_of([3, 7], classes), Classes(1000, wnids=WNIDS))
    assert (relation.by, relation.subset) == ("index", None)
    assert "confirmed for 2 classes by wnid" in relation.description


@pytest.mark.parametrize("count", [None, 1000])
def test_the_first_contradiction_is_named(count: int | None) -> None:
    classes = Classes(count, wnids=sparse(_3=wnid(3), _7=wnid(8), _9=wnid(10)))
    message = refusal([9, 7, 3], classes, Classes(1000, wnids=WNIDS))
    assert f"label 7 stands beside the WordNet id '{wnid(8)}'" in message
    assert f"class 7 of timm/x is '{wnid(7)}'" in message
    assert "label=COLUMN" in message
    unknown = Classes(None, wnids=sparse(_3="n99999999"))
    assert "label 3 stands beside" in refusal([3], unknown, Classes(1000, wnids=WNIDS))


def test_names_contradict_only_where_they_mean_another_output() -> None:
    model = Classes(6, names=NAMES)
    for label, name in ((1, "my photo"), (5, "maillot"), (3, "crane"), (0, "tinca tinca")):
        relation = relate(
            data_of([label], Classes(None, names=sparse(**{f"_{label}": name}))), model
        )
        assert relation.by == "index"
    message = refusal([2], Classes(None, names=sparse(_2="tench")), model)
    assert "label 2 stands beside the name 'tench', but class 2 of timm/x is 'crane'" in message


def test_dense_labels_with_wordnet_ids_match_by_them() -> None:
    mine = tuple(wnid(i * 4) for i in range(5))
    relation = relate(
        data_of(list(range(5)) * 3, Classes(None, wnids=mine)), Classes(1000, wnids=WNIDS)
    )
    assert (relation.by, targets(relation)) == ("wnid", [0, 4, 8, 12, 16])


def test_dense_indices_of_as_many_classes_are_never_silently_reordered() -> None:
    swapped = Classes(None, names=("dog", "cat"))
    message = refusal([0, 1] * 3, swapped, Classes(2, names=("cat", "dog")))
    assert "label 0 stands beside the name 'dog'" in message


def test_a_model_without_a_class_count() -> None:
    with pytest.raises(UsageError, match="does not say how many classes"):
        relate(data_of([0], Classes(None)), Classes(None))


def test_the_form_in_which_names_are_compared() -> None:
    assert normal("  Great_White-Shark ") == "great white shark"
    assert meaningful(("LABEL_0", "class 7", "12")) is None
    assert meaningful(("LABEL_0", "cat")) == ("LABEL_0", "cat")
