"""Texts that are specs, and what they mean."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from roadworthy.spec import Range, Spec, Sweep, parse


def given(*args: Any, **params: Any) -> Spec:
    return Spec("a", args, tuple(params.items()))


ACCEPTED: list[tuple[str, Spec, str | None]] = [
    # text, its spec, its own text where that differs
    ("pgd", Spec("pgd"), None),
    ("  pgd  ", Spec("pgd"), "pgd"),
    ("pgd()", Spec("pgd"), "pgd"),
    ("timm/resnet50.a1_in1k", Spec("timm/resnet50.a1_in1k"), None),
    (
        "timm/vit_base_patch16_224.augreg_in21k_ft_in1k",
        Spec("timm/vit_base_patch16_224.augreg_in21k_ft_in1k"),
        None,
    ),
    ("a / b/ c", Spec("a/b/c"), "a/b/c"),
    ("4/255", Spec("4/255"), None),
    ("none", Spec("none"), None),
    (
        "pgd(eps=4/255, steps=40)",
        Spec("pgd", (), (("eps", Fraction(4, 255)), ("steps", 40))),
        None,
    ),
    (
        "pgd ( eps = 4 / 255 ,steps=40 )",
        parse("pgd(eps=4/255, steps=40)"),
        "pgd(eps=4/255, steps=40)",
    ),
    (
        "ensemble(timm/a, timm/b)",
        Spec("ensemble", (Spec("timm/a"), Spec("timm/b"))),
        None,
    ),
    (
        "quantized(demo/efficientnet_lite0, bits=8)",
        Spec("quantized", (Spec("demo/efficientnet_lite0"),), (("bits", 8),)),
        None,
    ),
    ("imagefolder:data/val", Spec("imagefolder", path="data/val"), None),
    ("imagefolder: data/val ", Spec("imagefolder", path="data/val"), "imagefolder:data/val"),
    ("imagefolder:~/my data/../val", Spec("imagefolder", path="~/my data/../val"), None),
    ("csv:C:\\bilder\\ä.csv", Spec("csv", path="C:\\bilder\\ä.csv"), None),
    ("csv:' a.csv'", Spec("csv", path=" a.csv"), None),
    ("csv:'a.csv '", Spec("csv", path="a.csv "), None),
    ("csv:it's.csv", Spec("csv", path="it's.csv"), None),
    ("csv:a=b.csv", Spec("csv", path="a=b.csv"), None),
    ("csv:a, b.csv", Spec("csv", path="a, b.csv"), "csv:'a, b.csv'"),
    (
        "imagefolder:my (1) data/val",
        Spec("imagefolder", path="my (1) data/val"),
        "imagefolder:'my (1) data/val'",
    ),
    (
        'imagefolder:"my (1) data/val"(limit=3)',
        Spec("imagefolder", (), (("limit", 3),), "my (1) data/val"),
        "imagefolder:'my (1) data/val'(limit=3)",
    ),
    (
        "imagefolder:my (1) data (limit=3)",
        Spec("imagefolder", (), (("limit", 3),), "my (1) data"),
        "imagefolder:'my (1) data'(limit=3)",
    ),
    ("imagefolder:data (1)", Spec("imagefolder", (1,), (), "data"), "imagefolder:data(1)"),
    ('imagefolder:"data (1)"', Spec("imagefolder", path="data (1)"), "imagefolder:'data (1)'"),
    ('csv:"a(b"', Spec("csv", path="a(b"), "csv:'a(b'"),
    ("csv:x(a=')', b=2)", Spec("csv", (), (("a", ")"), ("b", 2)), "x"), None),
    (
        "torch:nets.py:resnet20(checkpoint=r.pt)",
        Spec("torch", (), (("checkpoint", "r.pt"),), "nets.py:resnet20"),
        None,
    ),
    (
        "ensemble(torch:nets.py:resnet20(checkpoint=r.pt), timm/a)",
        Spec("ensemble", (parse("torch:nets.py:resnet20(checkpoint=r.pt)"), Spec("timm/a"))),
        None,
    ),
    ("a(csv:x y.csv , 2)", given(Spec("csv", path="x y.csv"), 2), "a(csv:x y.csv, 2)"),
    ("a([csv:x.csv, 1])", given(Sweep((Spec("csv", path="x.csv"), 1))), None),
    ("imagenet_c(store=none)", Spec("imagenet_c", (), (("store", None),)), None),
    ("a(true, false, none)", given(True, False, None), None),
    ("a(True, None, nan, inf)", given("True", "None", "nan", "inf"), None),
    ("a(1, -2, +3, 007)", given(1, -2, 3, 7), "a(1, -2, 3, 7)"),
    ("a(0.5, -.5, 5., 1e-3)", given(0.5, -0.5, 5.0, 0.001), "a(0.5, -0.5, 5.0, 0.001)"),
    ("a(1e16, 1E-7)", given(1e16, 1e-7), "a(1e+16, 1e-07)"),
    (
        "a(1/3, -2/6, 1/-2)",
        given(Fraction(1, 3), Fraction(-1, 3), Fraction(-1, 2)),
        "a(1/3, -1/3, -1/2)",
    ),
    ("a(4/2)", given(2), "a(2)"),
    ("a(0.5/255)", given(Fraction(1, 510)), "a(1/510)"),
    ("a(3/255, 5/255, 15/255)", given(*(Fraction(n, 255) for n in (3, 5, 15))), None),
    (
        "a(17/255, 51/255, 85/255)",
        given(*(Fraction(1, n) for n in (15, 5, 3))),
        "a(1/15, 1/5, 1/3)",
    ),
    ("a(1/85, 2/17)", given(Fraction(3, 255), Fraction(30, 255)), "a(3/255, 30/255)"),
    ("a(1..5)", given(Range(1, 5)), None),
    ("a(-5 .. -1)", given(Range(-5, -1)), "a(-5..-1)"),
    ("a(0.1..0.5)", given(Range(0.1, 0.5)), None),
    ("a(1e-3..1e3)", given(Range(0.001, 1000.0)), "a(0.001..1000.0)"),
    ("a(1/255..8/255)", given(Range(Fraction(1, 255), Fraction(8, 255))), None),
    ("a(1/3..1)", given(Range(Fraction(1, 3), 1)), None),
    ("a(2..2)", given(Range(2, 2)), None),
    ("a(1...5, 1..x)", given("1...5", "1..x"), None),
    ("a((0.5, 0.5, 0.5))", given((0.5, 0.5, 0.5)), None),
    ("a([0.5, 0.5])", given(Sweep((0.5, 0.5))), None),
    ("a((1), [1], ())", given((1,), Sweep((1,)), ()), None),
    ("a(x=[(1, 2), (3, 4)])", given(x=Sweep(((1, 2), (3, 4)))), None),
    ("a('x y', \"it's\")", given("x y", "it's"), None),
    (
        r"a('it\'s \"\\\n\x41\u00e4\U0001F600')",
        given("it's \"\\\nAä😀"),
        "a('it\\'s \"\\\\\\nAä😀')",
    ),
    ("a('4', '1/2', '1..5', 'none', '')", given("4", "1/2", "1..5", "none", ""), None),
    ("a('bare')", given("bare"), "a(bare)"),
    (
        "a(Linf, opencv-nearest, -x, .hidden)",
        given("Linf", "opencv-nearest", "-x", ".hidden"),
        None,
    ),
    (
        "a(/tmp/x.pt, ./r.pt, ../r[1(.pt)",
        given("/tmp/x.pt", "./r.pt", "../r[1(.pt"),
        "a('/tmp/x.pt', './r.pt', '../r[1(.pt')",
    ),
    ("a(p=~/ä.pt, q=/)", given(p="~/ä.pt", q="/"), "a(p='~/ä.pt', q='/')"),
    ("a(checkpoint=dir/r.pt)", given(checkpoint=Spec("dir/r.pt")), None),
    ("a(4/n.pt, 3x, 2(1))", given(Spec("4/n.pt"), "3x", Spec("2", (1,))), None),
    ("a(url=https://x.org/y)", given(url=Spec("https", path="//x.org/y")), None),
    ("a(b(c(d=1)))", given(Spec("b", (Spec("c", (), (("d", 1),)),))), None),
    ("a(b(), 4/255(), none())", given(Spec("b"), Spec("4/255"), Spec("none")), None),
    ("a(x=b(store=jpeg(quality=85)))", given(x=parse("b(store=jpeg(quality=85))")), None),
    ("a(\n  1,\n  x=2\n)", given(1, x=2), "a(1, x=2)"),
]


def same(a: Any, b: Any) -> bool:
    """Equal, and of equal types throughout: 1, 1.0 and True are equal to Python."""
    return repr(a) == repr(b) and a == b


@pytest.mark.parametrize(("text", "spec", "written"), ACCEPTED, ids=[row[0] for row in ACCEPTED])
def test_text_means_spec(text: str, spec: Spec, written: str | None) -> None:
    assert same(parse(text), spec)
    assert str(spec) == (text if written is None else written)
    assert same(parse(str(spec)), spec)


def test_table_is_large_enough() -> None:
    assert len({row[0] for row in ACCEPTED}) >= 40


def test_a_list_and_a_tuple_are_told_apart() -> None:
    assert parse("a((1, 2))") != parse("a([1, 2])")
    assert len({parse("a((1, 2))"), parse("a([1, 2])"), parse("a( (1,2) )")}) == 2


def test_fifty_brackets_are_read() -> None:
    text = "a(" * 50 + "1" + ")" * 50
    assert str(parse(text)) == text
