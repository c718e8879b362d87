"""The schema of records: one row per sample, variant and judge; sequences one row with list columns."""

from __future__ import annotations

import polars as pl

TEXT, FLAG, REAL, WHOLE = pl.String, pl.Boolean, pl.Float32, pl.Int32

COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    # what was judged
    "sample": TEXT,  # id of the sample inside its data set
    "content": TEXT,  # digest of its bytes and label
    "data": TEXT,  # spec of the data set
    "model": TEXT,  # spec of the judge
    "model_id": TEXT,  # provider/name@fingerprint of the judge
    "modifier": TEXT,  # spec of the MODEL stress that changed the judge, or null
    "source": TEXT,  # spec of the model that made the variant, or null
    "stress": TEXT,  # canonical spec
    "variant": TEXT,  # key of the variant, "severity=3"; empty where there is one nameless variant
    "version": WHOLE,  # definition version of the stress
    "request": TEXT,  # hash of everything that determines the row except the sample
    "status": TEXT,  # ok, failed, skipped, clean_error, not_applicable
    "reason": TEXT,
    # the variant
    "severity": WHOLE,
    "frame": WHOLE,
    "eps_numerator": pl.Int64,
    "eps_denominator": pl.Int64,
    "eps": REAL,
    "norm": TEXT,
    "target": WHOLE,
    "frame_size": TEXT,  # "224x224", height first
    "pipeline": TEXT,
    "chroma": TEXT,  # how the file stores colour: 4:2:0, grey, not JPEG, ...
    "downscale": REAL,  # by how much the pipeline of clean shrinks the picture; null if not at all
    "precision": TEXT,  # fp32 or bf16, of the judging forward pass
    # the verdict
    "label": WHOLE,  # label as an index into the outputs of the judge
    "pred": WHOLE,
    "correct": FLAG,  # the headline rule
    "correct5": FLAG,
    "correct_subset": FLAG,  # arg max over the outputs that the data set's classes relate to
    "correct_full": FLAG,  # arg max over all outputs
    "conf": REAL,  # largest probability
    "conf_label": REAL,  # probability of the label
    "margin": REAL,  # logit of the label minus the largest other logit
    "loss": REAL,  # cross-entropy in nats
    "entropy": REAL,  # of the probabilities, nats
    "brier": REAL,  # sum over classes of (probability - one-hot)^2
    "top5": pl.List(WHOLE),
    "borderline": FLAG,  # |margin| < 1e-3: another batch size may flip it
    "kl_ref": REAL,  # KL(clean || this), nats
    "zipf_ref": REAL,
    "top5_ref": REAL,
    # what an attack did
    "linf": REAL,
    "l2": REAL,
    "l1": REAL,
    "l0": WHOLE,
    "steps_used": WHOLE,
    "queries": WHOLE,
    "forwards": WHOLE,
    "backwards": WHOLE,
    "step_success": WHOLE,
    "nearest_after": pl.List(REAL),  # smallest change within each of QUERY_MARKS, in the norm
    "ok8": FLAG,  # an attack that still succeeds after rounding to 8 bits
    "success": FLAG,  # an attack that reached its goal; null where the image was not attacked
    "broken_by": TEXT,  # the member of an attack made of several that reached the goal
    "flags": pl.List(TEXT),  # warnings about the model that an attack gave
    "artifact": TEXT,  # file that holds what is shown, or what it was cut out of
    # subsets of the pixels; see docs/overinterpretation.md
    "control": TEXT,  # what kind of control this is; null for the subsets themselves
    "threshold": REAL,  # confidence that the subset was to reach
    "fraction": REAL,  # share of the pixels that was to be kept, where that was asked for
    "kept": REAL,  # share of the pixels that is kept
    "minimal": REAL,  # share that is left once all is gone that can be spared
    "sufficient": FLAG,  # whether the judge is as sure as the threshold, when asked afresh
    "conf_target": REAL,  # probability of the class in ``target``; of several draws the mean
    "border": REAL,  # share of the kept pixels within 1/8 of a side from an edge
    "centre": REAL,  # share of them in the central quarter of the area
    "overlap": REAL,  # Jaccard index with the subset that the judge itself has
    "rank_correlation": REAL,  # Spearman's, with the order of the judge itself
    "removal_conf": pl.List(REAL),  # confidence of the source where less and less is left
    # what CLEVER measured; see docs/clever.md
    "clever": REAL,  # the score, a distance in the norm of the stress
    "clever_low": REAL,  # 95 % interval by resampling the maxima
    "clever_high": REAL,
    "clever_half": REAL,  # the score from half the radius
    "clever_p": REAL,  # Kolmogorov-Smirnov p of the fit
    "clever_rule": TEXT,  # weibull, maximum (the fit was poor), constant
    "clever_class": WHOLE,  # the class whose boundary is nearest
    # what a certificate says; see docs/beyond_norms.md
    "certified_class": WHOLE,  # the class of the vote; null where it abstains
    "certified_radius": REAL,  # Euclidean, pixels in 0 to 1; 0 where it abstains
    # sequences: one entry a frame
    "frames_pred": pl.List(WHOLE),
    "frames_correct": pl.List(FLAG),
    "frames_conf": pl.List(REAL),
    # sequences: one entry a comparison, with the first frame or with an earlier one
    "frames_flip": pl.List(FLAG),
    "frames_top5_distance": pl.List(WHOLE),
    "frames_zipf": pl.List(REAL),
    # facts about the judge
    "family": TEXT,
    "training": TEXT,
    "pretraining": TEXT,
    "parameters": pl.Int64,
}
SCHEMA = pl.Schema(COLUMNS)
