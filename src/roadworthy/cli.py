"""The command line: verbs of a few lines each over the Python API."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, CycloptsError, Parameter
from cyclopts.config import Env

from roadworthy import __version__
from roadworthy.errors import (
    EXIT_DONE,
    EXIT_ERROR,
    EXIT_FAILED_SAMPLES,
    EXIT_INTERRUPTED,
    EXIT_REQUIREMENT_FAILED,
    EXIT_USAGE,
    RoadworthyError,
)
from roadworthy.exporting.formats import Format, Intervals, TextFormat


def _split(_type: Any, text: str, **_: Any) -> list[str]:
    """Split a variable that holds several specs: by semicolons or lines, since specs hold blanks."""
    return [part.strip() for part in re.split(r"[;\n]", text) if part.strip()]


app = App(
    name="roadworthy",
    help="How does an image classifier fail once it leaves the lab?",
    version=__version__,
    config=Env("ROADWORTHY_", command=False, show=False),
    suppress_keyboard_interrupt=False,
    help_format="plaintext",
    result_action="return_value",
)

Specs = Annotated[list[str] | None, Parameter(env_var_split=_split, negative="")]
Models = Annotated[Specs, Parameter(name=["--models", "--model", "-m"])]
Data = Annotated[Specs, Parameter(name=["--data", "-d"])]
Stresses = Annotated[Specs, Parameter(name=["--stresses", "--stress", "-s"])]
AsJson = Annotated[bool, Parameter(name="--json", negative="")]
Out = Annotated[Path | None, Parameter(name=["--out", "-o"])]
ComparisonFormat = Literal["html", "md", "latex", "csv", "json", "parquet"]


@app.command
def run(
    *,
    models: Models = None,
    data: Data = None,
    stresses: Stresses = None,
    profile: Annotated[Specs, Parameter(name=["--profile", "-p"])] = None,
    out: Out = None,
    limit: int | None = None,
    seed: int | None = None,
    device: str | None = None,
    batch_size: int | Literal["auto"] | None = None,
    precision: Literal["fp32", "bf16"] | None = None,
    executor: Literal["serial", "processes"] | None = None,
    retry_failed: Annotated[bool | None, Parameter(negative="")] = None,
    until: str | None = None,
    transfer: Annotated[bool | None, Parameter(negative="")] = None,
    adapt: Literal["resize", "pad_crop"] | None = None,
    keep: Annotated[bool | None, Parameter(negative="")] = None,
    config: Annotated[Path | None, Parameter(name=["--config", "-c"])] = None,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    quiet: Annotated[bool, Parameter(negative="")] = False,
    format: TextFormat | None = None,
    as_json: AsJson = False,
) -> int:
    """Judge models on data under stresses; the same command again goes on where it stopped.

    Parameters
    ----------
    models
        A model spec, such as timm/resnet50.a1_in1k; repeat the flag for several.
    data
        A data spec, such as imagefolder:data/val; repeat the flag for several.
    stresses
        A stress or suite, such as gaussian_noise(severity=3); the suite quick if none is given.
    profile
        A YAML file of operating conditions and how often they are met, as -s profile:FILE.
    out
        Folder of the run.
    limit
        Use only this many samples of each data set: a stratified prefix.
    seed
        Seed of everything random (default 0).
    device
        Device of the models, such as cpu or cuda:0.
    batch_size
        Samples in one forward pass, or auto.
    precision
        Arithmetic of the judging forward passes (default fp32).
    executor
        One process, or one for each core (or accelerator).
    retry_failed
        Judge samples again that failed before.
    until
        Stop a stress when an interval is narrow enough, such as top1±1.0 (or top1+-1.0).
    transfer
        Let every model judge what attacks make of every other one; kept for later judges.
    adapt
        How a model sees frames of another size: resize (default), or pad_crop.
    keep
        Keep what attacks make in OUT/artifacts, as --transfer does by itself.
    config
        YAML file with the same keys as these flags; flags win over it.
    dry_run
        Only say what would run and what it would cost.
    quiet
        No progress.
    format
        Print this at the end: a table (md, latex), all rows (csv, json), or a section of a model-card.
    as_json
        Print the whole summary as JSON.
    """
    from roadworthy import jobs

    given = {
        "models": models,
        "data": data,
        "stresses": stresses,
        "profile": profile,
        "out": str(out) if out else None,
        "limit": limit,
        "seed": seed,
        "device": device,
        "batch_size": batch_size,
        "precision": precision,
        "executor": executor,
        "retry_failed": retry_failed,
        "until": until,
        "transfer": transfer,
        "adapt": adapt,
        "keep": keep,
        "dry_run": dry_run or None,
        "quiet": quiet or None,
        "format": format,
        "json": as_json or None,
    }
    job = jobs.resolve(given, config)
    if job.dry_run:
        print(jobs.dry_run(job))
        return EXIT_DONE
    finished = jobs.run(job)
    print(jobs.outcome(finished, job), end="")
    return EXIT_FAILED_SAMPLES if jobs.has_failures(finished) else EXIT_DONE


@app.command
def check(
    *,
    model: Annotated[str | None, Parameter(name=["--model", "--models", "-m"])] = None,
    data: Annotated[str | None, Parameter(name=["--data", "-d"])] = None,
    against: str | None = None,
    deployment: str | None = None,
    training: str | None = None,
    unlabelled: Annotated[bool, Parameter(negative="")] = False,
    reference: str | None = None,
    max_drop: float | None = None,
    write_probes: Path | None = None,
    limit: int = 300,
    device: str = "cpu",
    as_json: AsJson = False,
) -> int:
    """Preflight: is this model, on this data, what you think it is; and what is this pipeline.

    Parameters
    ----------
    model
        A model spec.
    data
        A data spec.
    against
        Another artefact of the model, such as quantized(MODEL, bits=8) or onnx:FILE.onnx.
    deployment
        How images are read where the model is deployed: pipeline(…), python:FILE.py:FUNCTION,
        huggingface:FOLDER, timm/NAME, torchvision/NAME or dump:FOLDER.
    training
        How images were read in training; by default as the card of the model says.
    unlabelled
        The data have no labels, and need no class folders: what do they look like, what changes?
    reference
        Images that the unlabelled ones are compared with, such as those of the test set.
    max_drop
        How many points of accuracy the deployment, or the other artefact, may cost: exit code 4 if
        it costs more, 5 if so few images cannot tell.
    write_probes
        Only write the files that a device is asked about, for dump:FOLDER, into this folder.
    limit
        How many images to judge at most.
    device
        Device of the model.
    as_json
        Print the findings as JSON.
    """
    from roadworthy.preflight import api
    from roadworthy.preflight.printed import printed

    if write_probes is not None:
        print(api.write_probes(write_probes))
        return EXIT_DONE
    report = api.check(
        model,
        data,
        against=against,
        deployment=deployment,
        training=training,
        unlabelled=unlabelled,
        reference=reference,
        max_drop=max_drop,
        limit=limit,
        device=device,
    )
    print(json.dumps(report.as_dict()) if as_json else printed(report))
    return report.exit_code


@app.command
def ls(
    kind: Literal[
        "all",
        "models",
        "data",
        "stresses",
        "parts",
        "masks",
        "suites",
        "metrics",
        "stores",
        "baselines",
        "pipelines",
        "decoders",
        "resizers",
        "geometries",
        "colours",
        "orients",
        "profiles",
        "cmyks",
        "depths",
        "alphas",
        "yuvs",
        "lights",
    ] = "all",
    pattern: str = "*",
    *,
    as_json: AsJson = False,
) -> int:
    """List what there is, with a line on each.

    Parameters
    ----------
    kind
        What to list; the names of everything by default.
    pattern
        Only names that match, such as '*noise*'.
    as_json
        Print JSON.
    """
    from roadworthy.catalogue import KINDS, listing

    if kind == "all":
        for each in KINDS:
            print(f"{each}: {', '.join(listing(each, pattern))}")
        return EXIT_DONE
    found = listing(kind, pattern)
    if as_json:
        print(json.dumps(found))
        return EXIT_DONE
    width = max((len(name) for name in found), default=0)
    for name, summary in found.items():
        print(f"{name:{width}}  {summary}".rstrip())
    if not found:
        print(f"no {kind} match '{pattern}'", file=sys.stderr)
    return EXIT_DONE


@app.command
def show(
    name: str,
    *,
    out: Annotated[Path | None, Parameter(name=["--out", "-o", "--sheet"])] = None,
    image: Path | None = None,
    as_json: AsJson = False,
) -> int:
    """Show one item: parameters, defaults, levels and paper; of a corruption also pictures.

    Parameters
    ----------
    name
        Name of a stress, suite, metric, model provider, data reader, store, baseline, decoder, resizer,
        geometry or colour.
    out
        Also write a contact sheet, a PNG of the stress at every severity.
    image
        The picture on the sheet; a demo photograph by default.
    as_json
        Print JSON.
    """
    from roadworthy.catalogue import described, description

    about = description(name.partition("(")[0])
    print(json.dumps(about) if as_json else described(about))
    if out is not None:
        from roadworthy.sheet import sheet

        print(f"contact sheet: {sheet(name, out, image=image)}", file=sys.stderr)
    return EXIT_DONE


@app.command
def make(
    stresses: list[str],
    *,
    data: Annotated[str, Parameter(name=["--data", "-d"])],
    out: Annotated[Path, Parameter(name=["--out", "-o"])],
    store: str | None = None,
    frame: Literal["imagenet", "inception", "tiny", "squash256", "untouched"] | None = None,
    jobs: Annotated[int, Parameter(name=["--jobs", "-j"])] = 1,
    limit: int | None = None,
    seed: int = 0,
    model: Annotated[str | None, Parameter(name=["--model", "-m"])] = None,
    control: Literal["random_subset"] | None = None,
    device: str = "cpu",
    quiet: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Write corrupted copies of a data set in the layouts of ImageNet-C, CIFAR-10-C, ImageNet-P.

    Or the subsets of its pixels that suffice for a model, with their masks, to train on.

    The same command again makes what is missing or damaged.

    Parameters
    ----------
    stresses
        Corruptions, sequences or suites, such as fog, gaussian_noise(severity=3) or imagenet_c; or
        subsets, such as sis(threshold=0.9) or keep(region=border, fraction=0.1).
    data
        A data spec, such as imagefolder:data/val.
    out
        Folder to write into.
    store
        Format: png, jpeg(quality=85), npy, or for sequences mp4(crf=20) or npy.
    frame
        Frame of a benchmark: imagenet (224 x 224, the default), inception (299), tiny (64), or
        untouched (the pictures as they are, the default for npy).
    jobs
        Number of processes.
    limit
        Use only this many samples: the stratified prefix that `run` uses.
    seed
        Seed of everything random.
    model
        The model whose subsets sis writes, in its own frame.
    control
        Also write random subsets of the same sizes.
    device
        Device of the model.
    quiet
        No progress.
    """
    from roadworthy.making import console

    return console.make(
        stresses,
        data,
        out,
        quiet=quiet,
        store=store,
        frame=frame,
        jobs=jobs,
        limit=limit,
        seed=seed,
        model=model,
        control=control,
        device=device,
    )


@app.command
def report(
    folders: list[Path],
    /,
    *,
    out: Out = None,
    format: Format | None = None,
    model: str | None = None,
    metric: Annotated[Specs, Parameter(name=["--metric", "--metrics"])] = None,
    section: str | None = None,
    intervals: Intervals = "brackets",
    quiz: Annotated[bool, Parameter(negative="")] = False,
    questions: int | None = None,
    answers: Annotated[list[Path] | None, Parameter(negative="")] = None,
) -> int:
    """Write the page of a run, or of several as one; or its tables, rows or figures, or a quiz.

    Parameters
    ----------
    folders
        Folders of runs.
    out
        The file, or the folder of figures. Without it text is printed, the page is report.html and
        figures go into figures/, in the folder of the first run.
    format
        The page (html), a table of the headline metrics (md, latex), all rows of the summary (csv, json,
        parquet), a section of a Hugging Face card (model-card), or every figure (svg, pdf). By default
        what the file ends in, else the page.
    model
        Only this model: its name, or enough of it.
    metric
        Only this metric, such as top1; repeat the flag for several.
    section
        The tables of this section of the page, such as transfer, instead of the headline metrics.
    intervals
        How tables write them: [low, high], ± half, or not at all.
    quiz
        Write quiz.html, a page that asks people what subsets of pixels show: of a run of sis.
    questions
        How many pictures the quiz asks about (default 60).
    answers
        A file that the page of a quiz has saved; repeat the flag for several. They are kept with the run.
    """
    from roadworthy.exporting import console

    if quiz or answers or questions is not None:
        from roadworthy.report.quiz import console as quizzes

        shaped = bool(format or model or metric or section)
        page = quizzes.page(folders, out, quiz, questions, answers or (), shaped=shaped)
        if page is not None:
            print(page)
            return EXIT_DONE
    console.report(
        folders,
        out,
        format=format,
        model=model,
        metrics=metric or (),
        section=section,
        intervals=intervals,
    )
    return EXIT_DONE


@app.command
def compare(
    a: Path,
    b: Path,
    *,
    out: Out = None,
    flips: Path | None = None,
    model_a: str | None = None,
    model_b: str | None = None,
    format: ComparisonFormat | None = None,
    as_json: AsJson = False,
) -> int:
    """Compare two runs image by image: differences with intervals, tests, and what flipped.

    Parameters
    ----------
    a
        Folder of a run.
    b
        Folder of another run on the same images; differences are second minus first.
    out
        Also write a file: an HTML page, or what the file ends in or --format says.
    flips
        Also write every image that flipped, as FILE.csv or FILE.json.
    model_a
        Which model of the first run, if it has several: its name, or enough of it.
    model_b
        Which model of the second run.
    format
        Print this: tables (md, latex), or a row a metric (csv, json); parquet and html go to a file.
    as_json
        Print JSON with everything.
    """
    from roadworthy.comparing import console

    console.show(
        a,
        b,
        out=out,
        flips=flips,
        model_a=model_a,
        model_b=model_b,
        as_json=as_json,
        form=format,
    )
    return EXIT_DONE


@app.command
def gate(
    folder: Path,
    *,
    require: Annotated[Specs, Parameter(name=["--require", "-r"])] = None,
    baseline: Path | None = None,
    junit: Path | None = None,
    markdown: Path | None = None,
    as_json: AsJson = False,
) -> int:
    """Decide whether a run meets requirements: exit code 0 pass, 4 fail, 5 undecided.

    Parameters
    ----------
    folder
        Folder of the run.
    require
        A bound on a metric, such as 'top1(clean)>=75' or 'mce<=80'; repeat the flag for several.
        'top1(clean)>=-0.5 vs baseline' bounds the difference to the baseline.
    baseline
        A run, or its summary.json, for requirements that end in 'vs baseline'.
    junit
        Also write JUnit XML.
    markdown
        Also write Markdown for a pull request, which is what a pipe gets.
    as_json
        Print JSON.
    """
    from roadworthy.gating import console

    return console.show(
        folder,
        require or [],
        baseline=baseline,
        junit_file=junit,
        markdown_file=markdown,
        as_json=as_json,
    )


@app.command
def verify(
    folder: Path,
    *,
    rows: Annotated[int, Parameter(name=["--rows", "-k"])] = 32,
    seed: int = 0,
    as_json: AsJson = False,
) -> int:
    """Judge random rows of a run again, check its files, and say what does not reproduce.

    Parameters
    ----------
    folder
        Folder of the run.
    rows
        How many rows to judge again.
    seed
        Seed of which rows.
    as_json
        Print the findings as JSON.
    """
    from roadworthy import jobs

    findings = jobs.verify(folder, rows=rows, seed=seed)
    print(json.dumps(findings.as_dict()) if as_json else findings.text())
    return EXIT_DONE if findings.passed else EXIT_REQUIREMENT_FAILED


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with the code that the architecture gives each outcome."""
    sys.exit(_exit_code(sys.argv[1:] if arguments is None else arguments))


def _exit_code(arguments: list[str]) -> int:
    from roadworthy.engine.allocator import keep_memory

    keep_memory()
    try:
        code = app(arguments, exit_on_error=False)
        sys.stdout.flush()
    except CycloptsError:
        return EXIT_USAGE  # cyclopts has said what is wrong
    except RoadworthyError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted; every finished part is kept, the same command goes on", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_DONE
    except Exception as error:
        if os.environ.get("ROADWORTHY_DEBUG"):
            raise
        print(
            f"error: {type(error).__name__}: {error}\nthis is a fault of roadworthy, please report "
            f"it; ROADWORTHY_DEBUG=1 shows where it happened",
            file=sys.stderr,
        )
        return EXIT_ERROR
    return code if isinstance(code, int) else EXIT_DONE
