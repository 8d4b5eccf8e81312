"""Fit BG/NBD and Gamma-Gamma by maximum likelihood, one row per fit: parameters and diagnostics.

A dbt Python model that needs numpy and scipy alone. `marketing measure fit` imports this very file
where the warehouse runs no Python (docs/ltv-calculations.md).

BG/NBD: Fader, Hardie, Lee 2005, Marketing Science 24(2). Gamma-Gamma: Fader, Hardie 2013. Customers
with the same history are one row that counts as many: the likelihood is the same, and much shorter.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import gammaln, psi

Floats = NDArray[np.float64]

DAYS_PER_WEEK = 7
TIME_UNIT = "weeks"
HORIZON_DAYS = 365
# fewer say nothing about seven parameters
LEAST_REPEAT_CUSTOMERS = 50
# of a customer's purchases within a year, the mean of the square: the score holds less
LARGEST_SQUARE = 1e8
LARGEST_GRADIENT = 1e-6
BOUND = 12.0
# of the sum over the chance to leave, as transform/macros/value.sql has it
LAST_NODE = 127


@dataclass(frozen=True)
class Histories:
    """Distinct histories in one unit of time: repeat purchases, when the last was, since when."""

    frequency: Floats
    recency: Floats
    age: Floats
    customers: Floats
    time_unit: str = TIME_UNIT

    def __post_init__(self) -> None:
        if np.any(self.recency > self.age) or np.any(self.recency < 0):
            raise ValueError("a last purchase is outside of the time since the first one")
        if np.any((self.frequency == 0) != (self.recency == 0)):
            raise ValueError("who bought once has a recency of 0, and nobody else")


@dataclass(frozen=True)
class Spends:
    """Distinct spends of customers with repeat purchases: how many, and their mean value."""

    frequency: Floats
    mean: Floats
    customers: Floats


@dataclass(frozen=True)
class Fit:
    """Parameters in the order of `names`, and how well they are known."""

    names: tuple[str, ...]
    values: Floats
    log_likelihood: float
    covariance: Floats
    has_converged: bool
    time_unit: str = ""

    @property
    def parameters(self) -> dict[str, float]:
        """Return the parameters by name."""
        return dict(zip(self.names, self.values.tolist(), strict=True))


def fit_purchases(histories: Histories) -> Fit:
    """Fit the BG/NBD model; alpha is in the unit of time of the histories."""
    x, n = histories.frequency, histories.customers
    scale = float(np.average(histories.age, weights=n)) or 1.0
    recency, age = histories.recency / scale, histories.age / scale
    kinds, kind = np.unique(x, return_inverse=True)
    counted = np.bincount(kind, weights=n)
    repeats = x > 0

    def objective(logs: Floats) -> tuple[float, Floats]:
        """Return the mean log-likelihood and its gradient, both with the sign changed."""
        r, alpha, a, b = np.exp(logs)
        # what depends on the number of purchases alone
        fixed = (
            gammaln(r + kinds) - gammaln(r) + r * np.log(alpha)
            + gammaln(a + b) + gammaln(b + kinds) - gammaln(b) - gammaln(a + b + kinds)
        )  # fmt: skip
        alive = -(r + x) * np.log(alpha + age)
        gone = np.full_like(alive, -np.inf)
        last = b + x[repeats] - 1
        gone[repeats] = np.log(a / last) - (r + x[repeats]) * np.log(alpha + recency[repeats])
        either = np.logaddexp(alive, gone)
        is_gone = n * np.exp(gone - either)
        is_alive = n - is_gone
        by_r = (
            counted @ (psi(r + kinds) - psi(r) + np.log(alpha))
            - is_alive @ np.log(alpha + age) - is_gone @ np.log(alpha + recency)
        )  # fmt: skip
        by_alpha = (
            n.sum() * r / alpha
            - is_alive @ ((r + x) / (alpha + age)) - is_gone @ ((r + x) / (alpha + recency))
        )  # fmt: skip
        shared = psi(a + b) - psi(a + b + kinds)
        by_a = counted @ shared + is_gone.sum() / a
        by_b = counted @ (shared + psi(b + kinds) - psi(b)) - is_gone[repeats] @ (1 / last)
        gradient = np.array([by_r, by_alpha, by_a, by_b]) * np.exp(logs)
        total = float(counted @ fixed + n @ either)
        return -total / n.sum(), -gradient / n.sum()

    found = maximum(objective, np.log([0.5, 0.5, 1.0, 2.0]), float(n.sum()))
    unscale = np.array([1.0, scale, 1.0, 1.0])
    values = found.values * unscale
    # a density of times: its unit counts once for each repeat purchase
    likelihood = found.log_likelihood - float(n @ x) * float(np.log(scale))
    covariance = found.covariance * np.outer(unscale, unscale)
    return Fit(
        ("r", "alpha", "a", "b"), values, likelihood, covariance, found.has_converged,
        histories.time_unit,
    )  # fmt: skip


def fit_spends(spends: Spends) -> Fit:
    """Fit the Gamma-Gamma model; gamma is in the unit of the money."""
    x, n = spends.frequency, spends.customers
    scale = float(np.average(spends.mean, weights=n))
    mean = spends.mean / scale
    kinds, kind = np.unique(x, return_inverse=True)
    counted = np.bincount(kind, weights=n)
    total = x * mean
    log_total = float((n * x) @ np.log(total))
    # -(the sum of log mean): what depends on no parameter
    constant = -float(n @ np.log(mean))

    def objective(logs: Floats) -> tuple[float, Floats]:
        """Return the mean log-likelihood and its gradient, both with the sign changed."""
        p, q, gamma = np.exp(logs)
        sums = np.log(gamma + total)
        fixed = gammaln(p * kinds + q) - gammaln(p * kinds) - gammaln(q) + q * np.log(gamma)
        likelihood = counted @ fixed + constant + p * log_total - (n * (p * x + q)) @ sums
        joint = psi(p * kinds + q)
        by_p = counted @ (kinds * (joint - psi(p * kinds))) + log_total - (n * x) @ sums
        by_q = counted @ (joint - psi(q) + np.log(gamma)) - n @ sums
        by_gamma = n.sum() * q / gamma - (n * (p * x + q)) @ (1 / (gamma + total))
        gradient = np.array([by_p, by_q, by_gamma]) * np.exp(logs)
        return -float(likelihood) / n.sum(), -gradient / n.sum()

    found = maximum(objective, np.log([2.0, 3.0, 1.0]), float(n.sum()))
    unscale = np.array([1.0, 1.0, scale])
    return Fit(
        ("p", "q", "gamma"), found.values * unscale,
        found.log_likelihood - float(n.sum()) * float(np.log(scale)),
        found.covariance * np.outer(unscale, unscale), found.has_converged,
    )  # fmt: skip


def maximum(objective: Any, start: Floats, customers: float) -> Fit:
    """Return where a mean log-likelihood of logarithms of parameters is greatest."""
    bounds = [(-BOUND, BOUND)] * len(start)
    found = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds,
                     options={"maxiter": 500, "ftol": 1e-13, "gtol": 1e-7})  # fmt: skip
    logs = found.x
    for _ in range(4):  # Newton's steps: the last digits
        curvature = hessian(objective, logs)
        step = np.linalg.lstsq(curvature, objective(logs)[1], rcond=None)[0]
        if not np.all(np.isfinite(step)) or np.abs(step).max() > 0.5:
            break
        logs = logs - step
    value, gradient = objective(logs)
    curvature = hessian(objective, logs)
    is_peak = bool(np.all(np.isfinite(curvature)) and np.linalg.eigvalsh(curvature).min() > 1e-10)
    is_inside = bool(np.abs(logs).max() < BOUND - 1)
    values = np.exp(logs)
    spread = np.linalg.inv(curvature) if is_peak else np.full_like(curvature, np.nan)
    covariance: Floats = np.asarray(spread / customers * np.outer(values, values))
    is_flat = bool(np.abs(gradient).max() < LARGEST_GRADIENT)
    return Fit((), values, -float(value) * customers, covariance, is_peak and is_inside and is_flat)


def hessian(objective: Any, logs: Floats, step: float = 1e-4) -> Floats:
    """Return second derivatives, from differences of the gradient."""
    rows = [
        (objective(logs + move)[1] - objective(logs - move)[1]) / (2 * step)
        for move in np.eye(len(logs)) * step
    ]
    found: Floats = (np.array(rows) + np.array(rows).T) / 2
    return found


def expected_purchases(
    parameters: Floats, histories: Histories, horizon: float, time_unit: str
) -> Floats:
    """Return the expected purchases of each history within a horizon of the same unit of time."""
    if time_unit != histories.time_unit:
        raise ValueError(
            f"a fit in {time_unit} cannot score histories in {histories.time_unit}: give both in"
            " one unit of time"
        )
    purchases, _ = purchases_if_alive(parameters, histories, horizon)
    return np.asarray(purchases * probability_alive(parameters, histories))


def largest_square(parameters: Floats, histories: Histories, horizon: float) -> float:
    """Return the largest mean of the square of a customer's purchases within a horizon."""
    purchases, pairs = purchases_if_alive(parameters, histories, horizon)
    return float(((purchases + pairs) * probability_alive(parameters, histories)).max())


def purchases_if_alive(
    parameters: Floats, histories: Histories, horizon: float
) -> tuple[Floats, Floats]:
    """Return what is expected of each history that goes on: purchases, and times one fewer.

    The mean over the chance to leave, a beta, by the trapezoidal rule in its logit
    (docs/ltv-calculations.md). Nothing in it depends on when the last purchase was.
    """
    r, alpha, a, b = parameters
    ages, kind = np.unique(np.stack([histories.frequency, histories.age]), axis=1,
                           return_inverse=True)  # fmt: skip
    staying_shape, rate_shape = b + ages[0], r + ages[0]
    horizon_ratio = horizon / (alpha + ages[1])
    peak, both = np.log(a / staying_shape), a + staying_shape
    excess = a * staying_shape / both - 2
    wide = excess <= 1e-2
    excess = np.where(wide, 1.0, excess)
    reach = np.where(wide, np.inf, (12 + np.sqrt(144 + 40 * excess)) / excess)
    first = -18 - np.log(1 + staying_shape + (rate_shape + 2) * horizon_ratio)
    first = np.maximum(peak - reach, first)
    step = (np.minimum(peak + reach, 18 + np.log(1 + a)) - first) / LAST_NODE
    sums = np.zeros((3, len(peak)))
    for node in range(LAST_NODE + 1):
        leaving = 1 / (1 + np.exp(-first - step * node))
        staying = 1 / (1 + np.exp(first + step * node))
        weight = bounded_exp(
            a * np.log(leaving * both / a) + staying_shape * np.log(staying * both / staying_shape)
        )
        # the first and the last node stand for all that follow, a geometric series
        if node == 0:
            weight /= 1 - bounded_exp(-a * step)
        if node == LAST_NODE:
            weight /= 1 - bounded_exp(-staying_shape * step)
        any_purchase, more = chances_of_purchases(rate_shape, horizon_ratio * leaving)
        sums += weight * np.stack([
            np.ones_like(weight), any_purchase / leaving, 2 * staying * more / leaving**2
        ])  # fmt: skip
    purchases, pairs = sums[1:] / sums[0]
    kind = kind.ravel()
    return purchases[kind], pairs[kind]


def chances_of_purchases(shape: Floats, ratio: Floats) -> tuple[Floats, Floats]:
    """Return the chance of any purchase, and of more than one: negative binomial."""
    none = bounded_exp(-shape * np.log(1 + ratio))
    share = ratio / (1 + ratio)
    one = shape * share * none
    # where little is left of 1 no digit of it is right
    terms = np.ones_like(share)
    for n in range(9, 1, -1):
        terms = 1 + (shape + n) / (n + 1) * share * terms
    few = one * (shape + 1) / 2 * share * terms
    more = np.where((shape + 2) * ratio >= 0.1, 1 - none - one, few)
    return one + more, more


def bounded_exp(power: Floats) -> Floats:
    """Return e to a power, which stays a number."""
    return np.asarray(np.exp(np.clip(power, -500, 500)))


def probability_alive(parameters: Floats, histories: Histories) -> Floats:
    """Return how likely it is that each history goes on."""
    r, alpha, a, b = parameters
    x, last = histories.frequency, np.maximum(b + histories.frequency - 1, b)
    ratio = (alpha + histories.age) / (alpha + histories.recency)
    odds = np.where(x > 0, a / last * bounded_exp((r + x) * np.log(ratio)), 0.0)
    return np.asarray(1 / (1 + odds))


def relative_error(fit: Fit, histories: Histories) -> float:
    """Return the standard error of all purchases that are expected in a year, as their share.

    By the delta method: how far the parameters' own uncertainty moves the sum.
    """
    horizon = HORIZON_DAYS / DAYS_PER_WEEK

    def total(values: Floats) -> float:
        expected = expected_purchases(values, histories, horizon, fit.time_unit)
        return float(histories.customers @ expected)

    slopes = [
        (total(fit.values + move) - total(fit.values - move)) / (2 * move.sum())
        for move in np.diag(fit.values * 1e-4)
    ]
    variance = float(np.array(slopes) @ fit.covariance @ np.array(slopes))
    return float(np.sqrt(max(variance, 0.0)) / total(fit.values))


def mean_spend_error(fit: Fit) -> float:
    """Return the standard error of the mean purchase's value, as its share."""
    p, q, gamma = fit.values
    slopes = np.array([1 / p, -1 / (q - 1), 1 / gamma])
    return float(np.sqrt(max(slopes @ fit.covariance @ slopes, 0.0)))


def fitted(as_of: Any, histories: Histories, spends: Spends, at: datetime) -> dict[str, Any]:
    """Return the row of a fit: its parameters, or why there are none."""
    row: dict[str, Any] = dict.fromkeys(COLUMNS) | {
        "model_id": model_id(as_of, histories, spends),
        "as_of_date": as_of,
        "fitted_at": at,
        "time_unit": histories.time_unit,
        "customers": int(histories.customers.sum()),
        "repeat_customers": int(spends.customers.sum()),
        "unique_rows": len(histories.customers),
    }
    if row["repeat_customers"] < LEAST_REPEAT_CUSTOMERS:
        reason = (
            f"{row['repeat_customers']} customers with repeat purchases,"
            f" {LEAST_REPEAT_CUSTOMERS} are needed"
        )
        return row | {"status": "too_few_customers", "reason": reason}
    purchases, spend = fit_purchases(histories), fit_spends(spends)
    p_q_gamma = spend.parameters
    row |= {
        "r": purchases.parameters["r"],
        "alpha_weeks": purchases.parameters["alpha"],
        "a": purchases.parameters["a"],
        "b": purchases.parameters["b"],
        "p": p_q_gamma["p"],
        "q": p_q_gamma["q"],
        "gamma_usd": p_q_gamma["gamma"],
        "purchase_log_likelihood": purchases.log_likelihood,
        "spend_log_likelihood": spend.log_likelihood,
        "purchase_covariance": as_json(purchases.covariance),
        "spend_covariance": as_json(spend.covariance),
    }
    stuck = [
        name
        for name, fit in (("BG/NBD", purchases), ("Gamma-Gamma", spend))
        if not fit.has_converged
    ]
    if stuck:
        reason = f"{' and '.join(stuck)} did not converge: the last good fit stays in force"
        return row | {"status": "not_converged", "reason": reason}
    if p_q_gamma["q"] <= 2:
        reason = f"q is {p_q_gamma['q']:.3f}: spend has no variance that interval could be made of"
        return row | {"status": "not_converged", "reason": reason}
    square = largest_square(purchases.values, histories, HORIZON_DAYS / DAYS_PER_WEEK)
    if not square < LARGEST_SQUARE:
        reason = f"{np.sqrt(square):.3g} purchases of a customer within a year cannot be"
        return row | {"status": "not_converged", "reason": reason}
    return row | {
        "status": "good",
        "purchases_relative_error": relative_error(purchases, histories),
        "spend_relative_error": mean_spend_error(spend),
    }


def model_id(as_of: Any, histories: Histories, spends: Spends) -> str:
    """Return the name of a fit: the same data give the same one."""
    digest = hashlib.sha256()
    digest.update(histories.time_unit.encode())
    columns = (histories.frequency, histories.recency, histories.age, histories.customers,
               spends.frequency, spends.mean, spends.customers)  # fmt: skip
    for column in columns:
        digest.update(np.round(column, 9).tobytes())
    return f"bgnbd-{as_of}-{digest.hexdigest()[:8]}"


def as_json(matrix: Floats) -> str:
    """Return a matrix as text, twelve digits; null where it is not known."""
    rows = [[float(f"{v:.12g}") if np.isfinite(v) else None for v in row] for row in matrix]
    return json.dumps(rows)


# name and type of Arrow of each column of the table
COLUMNS = {
    "model_id": "string", "as_of_date": "date32", "fitted_at": "timestamp[us]",
    "time_unit": "string", "status": "string", "reason": "string", "customers": "int64",
    "repeat_customers": "int64", "unique_rows": "int64", "r": "double", "alpha_weeks": "double",
    "a": "double", "b": "double", "p": "double", "q": "double", "gamma_usd": "double",
    "purchase_log_likelihood": "double", "spend_log_likelihood": "double",
    "purchase_covariance": "string", "spend_covariance": "string",
    "purchases_relative_error": "double", "spend_relative_error": "double",
}  # fmt: skip


def fits(histories: dict[str, Any], spends: dict[str, Any], at: datetime) -> list[dict[str, Any]]:
    """Return the rows of the fits: one for each date up to which histories are given.

    `histories` has the columns as_of_date, frequency, recency_days, age_days and customers;
    `spends` as_of_date, frequency, repeat_usd (their sum) and customers.
    """
    dates = np.asarray(histories["as_of_date"]).astype("datetime64[D]")
    spent = np.asarray(spends["as_of_date"]).astype("datetime64[D]")
    read = histories | {f"spend_{name}": column for name, column in spends.items()}
    numbers = {
        name: np.asarray(read[name], dtype=np.float64)
        for name in ("frequency", "recency_days", "age_days", "customers", "spend_frequency",
                     "spend_repeat_usd", "spend_customers")
    }  # fmt: skip
    rows = []
    for date in np.unique(dates):
        old, paid = dates == date, spent == date
        order = np.lexsort((numbers["age_days"][old], numbers["recency_days"][old],
                            numbers["frequency"][old]))  # fmt: skip
        paying = np.lexsort((numbers["spend_repeat_usd"][paid], numbers["spend_frequency"][paid]))
        rows.append(fitted(
            date.item(),
            Histories(
                numbers["frequency"][old][order],
                numbers["recency_days"][old][order] / DAYS_PER_WEEK,
                numbers["age_days"][old][order] / DAYS_PER_WEEK,
                numbers["customers"][old][order],
            ),
            Spends(
                numbers["spend_frequency"][paid][paying],
                (numbers["spend_repeat_usd"][paid] / numbers["spend_frequency"][paid])[paying],
                numbers["spend_customers"][paid][paying],
            ),
            at,
        ))  # fmt: skip
    return rows


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
    """Return the fits of this build; those of earlier ones stay."""
    dbt.config(
        materialized="incremental",
        unique_key="model_id",
        full_refresh=False,
        packages=["numpy", "scipy", "pandas"],
    )
    histories = dbt.ref("int_value__distinct_histories")
    spends = dbt.ref("int_value__distinct_spends")
    # warehouses run Pythons that know no UTC yet
    at = datetime.now(timezone.utc).replace(tzinfo=None)  # noqa: UP017
    rows = fits(columns_of(histories), columns_of(spends), at)
    return as_table(rows, hasattr(histories, "fetchnumpy"))
