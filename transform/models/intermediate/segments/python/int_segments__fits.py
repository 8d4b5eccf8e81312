"""Train the models of segments and lookalikes, one row per training and outcome.

A dbt Python model that needs numpy and scikit-learn alone. `marketing measure segments` imports
this very file where the warehouse runs no Python (docs/segments.md).

A model learns from customers as they were known on one day and from what came of it, and is judged
on a later day whose outcome it has not seen. The weights that were judged are the ones that score.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

FEATURES = (
    "recency", "frequency", "age", "revenue", "mean_value", "is_repeat", "gap", "overdue",
    "purchases_30d", "purchases_90d", "refunds", "is_last_refunded",
    "visits_30d", "visits_90d", "visits_180d", "visits_since", "last_visit", "carts_90d",
    "opens_30d", "opens_90d", "opens_180d", "opens_since",
    "direct_visits", "email_visits", "organic_search_visits", "organic_social_visits",
    "paid_search_visits", "paid_social_visits", "referral_visits", "affiliates_visits",
)  # fmt: skip
SCORES = ("recency_score", "frequency_score", "monetary_score")
# fewer with an outcome, or without, are not worth a training; whether it was is judged
LEAST_OF_A_KIND = 20
# a channel wants more: of many some are better than RFM by chance
LEAST_OF_A_CHANNEL = 50
LEAST_JUDGED = 50
# of the penalty on weights of standardised features
STRENGTH = 0.05
# of a feature, or of chances, beside their size
LEAST_SPREAD = 1e-9
MOST_STEPS = 1000
TOP_SHARE = 0.1
YES, NO, OTHER = "yes", "no", "other"
# a cell of RFM counts as if it had so many average customers more
CELL_PRIOR = 10


@dataclass(frozen=True)
class Examples:
    """Customers of one segment on one day, and what came of them."""

    features: Floats
    scores: Floats
    answers: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.answers)


@dataclass(frozen=True)
class Model:
    """Weights of the features, a row for each outcome; a model of yes and no has one."""

    outcomes: tuple[str, ...]
    intercepts: Floats
    weights: Floats
    has_converged: bool

    def chances(self, features: Floats) -> Floats:
        """Return how likely each outcome is, a column for each."""
        logits = features @ self.weights.T + self.intercepts
        if len(self.outcomes) == 1:
            return np.asarray(1 / (1 + np.exp(-logits)))
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def train(examples: Examples) -> Model:
    """Fit a regularised logistic model; its weights are those of the features as they are."""
    center = examples.features.mean(axis=0)
    spread = examples.features.std(axis=0)
    # what all share says nothing; the mean of equal numbers may differ from them in its last bit
    is_told = spread > LEAST_SPREAD * (1 + np.abs(center))
    spread = np.where(is_told, spread, 1.0)
    found = LogisticRegression(C=STRENGTH, max_iter=MOST_STEPS)
    found.fit(np.where(is_told, (examples.features - center) / spread, 0.0), examples.answers)
    weights = np.where(is_told, found.coef_ / spread, 0.0)
    outcomes = tuple(found.classes_.tolist())
    if len(outcomes) == 2:
        # scikit-learn's one row is of the second in the order of the alphabet
        outcomes = outcomes[1:]
    intercepts = found.intercept_ - weights @ center
    return Model(outcomes, intercepts, weights, bool(found.n_iter_.max() < MOST_STEPS))


def ranks(values: Floats) -> Floats:
    """Return places from 1 on, ascending; equal values share the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[place])


def auc(values: Floats, is_right: Flags) -> float:
    """Return how often one who is right has a higher value than one who is not."""
    right, wrong = int(is_right.sum()), int((~is_right).sum())
    return float((ranks(values)[is_right].sum() - right * (right + 1) / 2) / (right * wrong))


def lift(values: Floats, is_right: Flags) -> float:
    """Return the share of the right in the top tenth, against that in all.

    Of those who share the value at its end as many count as there is place for.
    """
    places = TOP_SHARE * len(values)
    _, group = np.unique(-values, return_inverse=True)
    counts = np.bincount(group)
    taken = np.clip(places - (np.cumsum(counts) - counts), 0, counts)
    right = np.bincount(group, weights=is_right)
    return float((right / counts) @ taken / places / is_right.mean())


def rfm_rankings(train: Examples, judge: Examples, learned: Flags) -> list[Floats]:
    """Return the ways in which RFM ranks the customers that are judged.

    The sum of the scores, its reverse, and the share of the right in their cell at the training.
    """
    sums = judge.scores.sum(axis=1)
    scale = np.array([100, 10, 1])
    cells, new = ((one.scores @ scale).astype(np.int64) for one in (train, judge))
    size = int(max(cells.max(initial=0), new.max(initial=0))) + 1
    right = np.bincount(cells, weights=learned, minlength=size) + CELL_PRIOR * learned.mean()
    share = right / (np.bincount(cells, minlength=size) + CELL_PRIOR)
    return [sums, -sums, share[new]]


def judgement(chance: Floats, is_right: Flags, rfm: list[Floats]) -> dict[str, Any]:
    """Return how good a ranking is, beside the best one of RFM."""
    best = max(rfm, key=lambda one: auc(one, is_right))
    return {
        "judge_customers": len(chance),
        "judge_share": float(is_right.mean()),
        "lift": lift(chance, is_right),
        "rfm_lift": lift(best, is_right),
        "auc": auc(chance, is_right),
        "rfm_auc": auc(best, is_right),
    }


def calibration(chance: Floats, is_right: Flags) -> dict[str, Any]:
    """Return how far chances are those that came: by a line, their error, and tenths."""
    variance = float(chance.var())
    is_told = variance > LEAST_SPREAD**2
    slope = float(np.cov(chance, is_right, bias=True)[0, 1]) / variance if is_told else None
    order = np.argsort(chance, kind="stable")
    tenths = [
        [len(part), float(f"{chance[part].mean():.6g}"), float(f"{is_right[part].mean():.6g}")]
        for part in np.array_split(order, 10)
        if len(part)
    ]
    return {
        "brier": float(((chance - is_right) ** 2).mean()),
        "calibration_slope": slope,
        "calibration_intercept": (
            None if slope is None else float(is_right.mean() - slope * chance.mean())
        ),
        "calibration": json.dumps(tenths),
    }


def verdict(row: dict[str, Any]) -> tuple[bool, str | None]:
    """Return whether a model is published, or why not."""
    if row["outcome"] == OTHER:
        return False, "outcomes that are too rare to be told apart"
    if row["auc"] <= best_by_chance(row["judge_customers"], row["judge_share"]) or row["lift"] <= 1:
        return False, (
            f"no better than chance on the hold-out: lift {row['lift']:.2f}, AUC {row['auc']:.3f}"
        )
    is_better = row["auc"] > row["rfm_auc"] and row["lift"] >= row["rfm_lift"]
    if row["goal"] == "lookalike" or is_better:
        return True, None
    return False, (
        f"no better than RFM on the hold-out: lift {row['lift']:.2f} and {row['rfm_lift']:.2f},"
        f" AUC {row['auc']:.3f} and {row['rfm_auc']:.3f}"
    )


def best_by_chance(customers: int, share: float) -> float:
    """Return an AUC that a ranking by chance seldom has: two standard errors above a half."""
    return float(0.5 + 2 * np.sqrt((customers + 1) / 12 / share / (1 - share)) / customers)


def trained(known: dict[str, Any], train_on: Examples, judge_on: Examples) -> list[dict[str, Any]]:
    """Return the rows of a training: one for each outcome, or one that says why there is none."""
    common = dict.fromkeys(COLUMNS) | known | {"train_customers": len(train_on)}
    if known["goal"] == "channel":
        train_on, judge_on = (
            with_rare_ones_together(one, train_on) for one in (train_on, judge_on)
        )
    lack = lacking(train_on, judge_on, known["goal"])
    if lack:
        return [named(common | {"outcome": "", "status": "too_few_customers", "reason": lack})]
    model = train(train_on)
    chances = model.chances(judge_on.features)
    rows = []
    for place, outcome in enumerate(model.outcomes):
        learned, is_right = train_on.answers == outcome, judge_on.answers == outcome
        row = common | {"outcome": outcome, "train_share": float(learned.mean())}
        row |= {"intercept": float(model.intercepts[place])}
        row |= {f"{name}_weight": float(model.weights[place, n]) for n, name in enumerate(FEATURES)}
        if not model.has_converged:
            row |= {"status": "not_converged", "reason": "it did not converge"}
        elif not is_right.any() or is_right.all():
            row |= {"status": "unpublished",
                    "reason": "the hold-out has no difference to be judged by"}  # fmt: skip
        else:
            chance = chances[:, place]
            row |= judgement(chance, is_right, rfm_rankings(train_on, judge_on, learned))
            row |= {} if known["goal"] == "lookalike" else calibration(chance, is_right)
            is_published, row["reason"] = verdict(row)
            row["status"] = "published" if is_published else "unpublished"
        rows.append(named(row))
    return rows


def named(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with its key: one column, which every warehouse can replace rows by."""
    return row | {"fit_id": f"{row['model_id']} {row['outcome']}".strip()}


def with_rare_ones_together(examples: Examples, judged_by: Examples) -> Examples:
    """Return examples whose outcomes that are rare in training are one."""
    names, counts = np.unique(judged_by.answers, return_counts=True)
    common = names[counts >= LEAST_OF_A_CHANNEL]
    answers = np.where(np.isin(examples.answers, common), examples.answers, OTHER)
    return Examples(examples.features, examples.scores, answers)


def lacking(train_on: Examples, judge_on: Examples, goal: str) -> str:
    """Return why no model can be made of these, or an empty text."""
    names, counts = np.unique(train_on.answers, return_counts=True)
    found = dict(zip(names.tolist(), counts.tolist(), strict=True))
    if goal == "channel":
        kinds = sum(count >= LEAST_OF_A_CHANNEL for name, count in found.items() if name != OTHER)
        if kinds < 2:
            return (
                f"{kinds} channels with {LEAST_OF_A_CHANNEL} customers at the training,"
                " at least 2 are needed"
            )
    else:
        for answer in (YES, NO):
            if found.get(answer, 0) < LEAST_OF_A_KIND:
                return (
                    f"{found.get(answer, 0)} customers are a {answer} at the training,"
                    f" at least {LEAST_OF_A_KIND} are needed"
                )
    if len(judge_on) < LEAST_JUDGED:
        return f"{len(judge_on)} customers to be judged by, at least {LEAST_JUDGED} are needed"
    return ""


def model_id(segment: str, as_of: Any, definition: str, parts: tuple[Examples, ...]) -> str:
    """Return the name of a training: the same data give the same one."""
    digest = hashlib.sha256(definition.encode())
    for part in parts:
        digest.update(np.round(part.features, 9).tobytes())
        digest.update(np.round(part.scores).tobytes())
        digest.update("\n".join(part.answers.tolist()).encode())
    return f"{segment}-{as_of}-{digest.hexdigest()[:8]}"


# name and type of Arrow of each column of the table
COLUMNS = {
    "fit_id": "string", "model_id": "string", "segment_name": "string", "outcome": "string",
    "goal": "string", "definition": "string", "as_of_date": "date32",
    "trained_at": "timestamp[us]", "trained_on_date": "date32", "judged_on_date": "date32",
    "horizon_days": "int32", "status": "string", "reason": "string",
    "train_customers": "int64", "train_share": "double", "judge_customers": "int64",
    "judge_share": "double", "lift": "double", "rfm_lift": "double", "auc": "double",
    "rfm_auc": "double", "brier": "double", "calibration_slope": "double",
    "calibration_intercept": "double", "calibration": "string", "intercept": "double",
    **{f"{name}_weight": "double" for name in FEATURES},
}  # fmt: skip


def fits(examples: dict[str, Any], at: datetime) -> list[dict[str, Any]]:
    """Return the rows of the trainings: of each segment of the examples one.

    `examples` has the columns of int_segments__examples.
    """
    table = {name: np.asarray(column) for name, column in examples.items()}
    order = np.lexsort((table["customer_key"].astype(str), table["segment_name"].astype(str)))
    table = {name: column[order] for name, column in table.items()}
    rows = []
    for segment in np.unique(table["segment_name"].astype(str)):
        own = {n: c[table["segment_name"].astype(str) == segment] for n, c in table.items()}
        train_on, judge_on = (of_role(own, role) for role in ("train", "judge"))
        as_of, definition = as_day(own["as_of_date"]), str(own["definition"][0])
        known = {
            "model_id": model_id(str(segment), as_of, definition, (train_on, judge_on)),
            "segment_name": str(segment),
            "goal": str(own["goal"][0]),
            "definition": definition,
            "as_of_date": as_of,
            "trained_at": at,
            "trained_on_date": as_day(own["cut_off_date"][own["cut_off_role"] == "train"]),
            "judged_on_date": as_day(own["cut_off_date"][own["cut_off_role"] == "judge"]),
            "horizon_days": int(own["horizon_days"][0]),
        }
        rows += trained(known, train_on, judge_on)
    return rows


def of_role(table: dict[str, Any], role: str) -> Examples:
    """Return the examples that are trained on, or judged on."""
    own = table["cut_off_role"].astype(str) == role
    features, scores = (
        np.column_stack([np.asarray(table[name][own], dtype=np.float64) for name in names])
        for names in (FEATURES, SCORES)
    )
    return Examples(features, scores, table["answer"][own].astype(str))


def as_day(dates: Any) -> Any:
    """Return the one day of a column, nothing where it is empty."""
    return dates.astype("datetime64[D]")[0].item() if len(dates) else None


def columns_of(table: Any) -> dict[str, Any]:
    """Return the columns of a table as each warehouse's dbt gives it."""
    if hasattr(table, "fetchnumpy"):  # DuckDB
        # whole, before anything is fitted: libraries look for it among the modules, and another
        # model in a thread beside this one may have loaded half of it
        import pyarrow  # noqa: F401

        return dict(table.fetchnumpy())
    for convert in ("to_pandas", "toPandas"):  # Snowflake and BigQuery; Databricks
        if hasattr(table, convert):
            frame = getattr(table, convert)()
            return {str(name).lower(): frame[name].to_numpy() for name in frame.columns}
    raise TypeError(f"no way to read a {type(table).__name__}")


def as_table(rows: list[dict[str, Any]], is_duckdb: bool) -> Any:
    """Return rows as the warehouse's dbt takes them: Arrow on DuckDB, pandas elsewhere."""
    if is_duckdb:
        import pyarrow as pa

        fields = [(name, pa.type_for_alias(kind)) for name, kind in COLUMNS.items()]
        return pa.Table.from_pylist(rows, schema=pa.schema(fields))
    import pandas as pd

    return pd.DataFrame(rows, columns=list(COLUMNS))


def model(dbt: Any, session: Any) -> Any:  # noqa: ARG001
    """Return the trainings of this build; those of earlier ones stay."""
    dbt.config(
        materialized="incremental",
        unique_key="fit_id",
        full_refresh=False,
        on_schema_change="append_new_columns",
        packages=["numpy", "scikit-learn", "pandas"],
    )
    examples = dbt.ref("int_segments__examples")
    # warehouses run Pythons that know no UTC yet
    at = datetime.now(timezone.utc).replace(tzinfo=None)  # noqa: UP017
    return as_table(fits(columns_of(examples), at), hasattr(examples, "fetchnumpy"))
