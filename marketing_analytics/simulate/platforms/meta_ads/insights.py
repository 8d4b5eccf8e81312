"""Meta's insights rows: numbers as text, keys absent when zero."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from starlette.responses import JSONResponse

from marketing_analytics.simulate.emulation.delivery import EPOCH, Delivery, Matured
from marketing_analytics.simulate.emulation.world_files import IntArray, WorldFiles

LEVELS = {
    "account": (),
    "campaign": ("campaign_id",),
    "adset": ("campaign_id", "ad_group_id"),
    "ad": ("campaign_id", "ad_group_id", "ad_id"),
}
FIELDS = (
    "account_id", "account_name", "account_currency", "campaign_id", "campaign_name", "adset_id",
    "adset_name", "ad_id", "ad_name", "date_start", "date_stop", "impressions", "clicks",
    "inline_link_clicks", "unique_clicks", "spend", "reach", "frequency", "ctr", "cpc", "cpm",
    "actions", "action_values", "purchase_roas", "cost_per_action_type", "outbound_clicks",
    "attribution_setting",
)  # fmt: skip
WINDOWS = ("1d_click", "7d_click", "28d_click", "1d_view", "1d_ev", "default", "incrementality")
PARAMETERS = (
    "level", "fields", "time_range", "time_increment", "limit", "after", "access_token",
    "action_attribution_windows", "action_report_time", "use_unified_attribution_setting",
    "use_account_attribution_setting", "date_preset", "filtering", "sort", "default_summary",
    "breakdowns", "action_breakdowns", "summary", "time_ranges", "export_format",
)  # fmt: skip
PURCHASE_TYPES = ("purchase", "omni_purchase", "offsite_conversion.fb_pixel_purchase")
# days x ads beyond which a report is too much; reports as jobs may be larger
SYNC_POINTS, JOB_POINTS = 1_500, 3_000
RETENTION_DAYS = 37 * 31
LINK_CLICK_SHARE = 6  # one click in six is not on the link


class MetaError(Exception):
    """An answer in Meta's error shape."""

    def __init__(
        self,
        message: str,
        *,
        code: int,
        subcode: int = 0,
        kind: str = "OAuthException",
        is_transient: bool = False,
        status: int = 400,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {
            "message": message,
            "type": kind,
            "code": code,
            "is_transient": is_transient,
            "fbtrace_id": "AsimulatedTraceId0000",
        }
        if subcode:
            self.body["error_subcode"] = subcode

    def answer(self) -> JSONResponse:
        """Return the HTTP answer."""
        return JSONResponse({"error": self.body}, status_code=self.status)


def read_fields(
    parameters: dict[str, str], known: tuple[str, ...], *, default: tuple[str, ...]
) -> tuple[str, ...]:
    """Return the asked fields. Raise MetaError for one that does not exist."""
    text = parameters.get("fields", "")
    if text.startswith("["):
        text = ",".join(read_texts(parameters, "fields"))
    fields = tuple(name.strip() for name in text.split(",") if name.strip()) or default
    for name in fields:
        if name not in known:
            raise MetaError(f"(#100) {name} is not valid for fields param.", code=100)
    return fields


def read_json(parameters: dict[str, str], name: str) -> Any:
    """Return a JSON parameter, None when absent. Raise MetaError."""
    text = parameters.get(name)
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        raise MetaError(f"(#100) Param {name} must be valid JSON.", code=100) from None


def read_texts(parameters: dict[str, str], name: str) -> list[str]:
    """Return a parameter that is a JSON list of texts, empty when absent. Raise MetaError."""
    value = read_json(parameters, name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise MetaError(f"(#100) Param {name} must be an array.", code=100)
    return value


class Insights:
    """Insights over the delivery of one world."""

    def __init__(
        self, world: WorldFiles, accounts: dict[str, dict[str, Any]], names: dict[str, str]
    ) -> None:
        self.accounts, self.names = accounts, names
        self.delivery = Delivery(world, "meta_ads")

    def spent_cents(self) -> dict[str, int]:
        """Return the lifetime spend of each account in minor units."""
        account = self.delivery.ids["account_id"]
        return {a: int(self.delivery.spend_cents[account == a].sum()) for a in self.accounts}

    def time_range(self, parameters: dict[str, str], now_us: int) -> tuple[str, str]:
        """Return (since, until). Raise MetaError."""
        today = datetime.fromtimestamp(now_us / 1e6, UTC).date()
        value = read_json(parameters, "time_range")
        if value is None:
            # without a range Meta answers with the last 30 whole days
            return (today - timedelta(days=30)).isoformat(), (today - timedelta(days=1)).isoformat()
        try:
            since, until = date.fromisoformat(value["since"]), date.fromisoformat(value["until"])
        except (TypeError, KeyError, ValueError):
            message = "(#100) Must be a time range with since and until as YYYY-MM-DD"
            raise MetaError(message, code=100) from None
        if since > until:
            raise MetaError("(#100) since must not be after until", code=100)
        if (today - since).days > RETENTION_DAYS:
            message = "(#3018) The start date of the time range cannot be beyond 37 months"
            raise MetaError(message, code=3_018)
        return since.isoformat(), until.isoformat()

    def rows(
        self, account: str, parameters: dict[str, str], now_us: int, *, is_job: bool
    ) -> list[dict[str, Any]]:
        """Return every row of a report. Raise MetaError."""
        check_parameters(parameters)
        fields = read_fields(parameters, FIELDS, default=("impressions", "spend"))
        windows = read_windows(parameters)
        level = parameters.get("level", "account")
        if level not in LEVELS:
            raise MetaError(f"(#100) level must be one of {', '.join(LEVELS)}", code=100)
        since, until = (
            (date.fromisoformat(t) - EPOCH).days for t in self.time_range(parameters, now_us)
        )
        step = read_increment(parameters, until - since + 1)
        zone = self.accounts[account]["timezone_name"]
        index = self.delivery.visible(account, since, until, now_us, zone)
        self.check_size(index, level, until - since + 1, is_job=is_job)
        matured = self.delivery.at(now_us)
        groups = self.group(index, level, since, step)
        return [
            self.row(account, level, key, members, fields, windows, matured, since, until, step)
            for key, members in groups.items()
        ]

    def check_size(self, index: IntArray, level: str, days: int, *, is_job: bool) -> None:
        """Raise MetaError 1487534 when days x ads is beyond what one report holds."""
        if level != "ad":
            return
        ads = len(set(self.delivery.ids["ad_id"][index]))
        # what the documentation calls too much is not said in numbers; these are ours
        if days * ads > (JOB_POINTS if is_job else SYNC_POINTS):
            message = (
                "(#100) The number of rows requested exceeds the limit: reduce the time range."
            )
            raise MetaError(message, code=100, subcode=1_487_534)

    def group(
        self, index: IntArray, level: str, since: int, step: int
    ) -> dict[tuple[Any, ...], list[int]]:
        """Return row indexes by (period, ids), sorted."""
        columns = [self.delivery.ids[name][index] for name in LEVELS[level]]
        # periods count from the first day asked for, not from a Monday
        periods = ((self.delivery.day[index] - since) // step).tolist()
        groups: dict[tuple[Any, ...], list[int]] = {}
        for position, row in enumerate(index.tolist()):
            key = (periods[position], *(column[position] for column in columns))
            groups.setdefault(key, []).append(row)
        return dict(sorted(groups.items()))

    def row(
        self,
        account: str,
        level: str,
        key: tuple[Any, ...],
        members: list[int],
        fields: tuple[str, ...],
        windows: tuple[str, ...],
        matured: Matured,
        since: int,
        until: int,
        step: int,
    ) -> dict[str, Any]:
        """Return one row with the asked fields that are not zero."""
        first = since + key[0] * step
        values: dict[str, Any] = {
            "account_id": account,
            "account_name": self.names[account],
            "account_currency": self.accounts[account]["currency"],
            "attribution_setting": "7d_click_1d_view",
        }
        for name, own_id in zip(("campaign", "adset", "ad"), key[1:], strict=False):
            values |= {f"{name}_id": own_id, f"{name}_name": self.names[own_id]}
        values |= self.counts(members)
        if {"actions", "action_values", "purchase_roas", "cost_per_action_type"} & set(fields):
            values |= self.actions(members, windows, matured)
        result = {name: values[name] for name in fields if name in values}
        result["date_start"] = (EPOCH + timedelta(days=first)).isoformat()
        # the last period may be shorter
        stop = min(first + step - 1, until)
        result["date_stop"] = (EPOCH + timedelta(days=stop)).isoformat()
        return result

    def counts(self, members: list[int]) -> dict[str, Any]:
        """Return the scalar metrics as text; zero counts are absent."""
        delivery = self.delivery
        impressions = int(delivery.impressions[members].sum())
        clicks = int(delivery.clicks[members].sum())
        cents = int(delivery.spend_cents[members].sum())
        # per day, then summed: the sum of days must equal the whole
        link_clicks = int(
            (delivery.clicks[members] - delivery.clicks[members] // LINK_CLICK_SHARE).sum()
        )
        # four in five impressions reach someone new; frequency divides by it
        reach = max(1, impressions * 4 // 5)
        values = {
            "impressions": str(impressions),
            "spend": f"{cents // 100}.{cents % 100:02d}" if cents else "0",
            "reach": str(reach),
            "frequency": f"{impressions / reach:.6f}",
            # cents / 100 per impression x 1,000
            "cpm": f"{cents * 10 / impressions:.6f}",
        }
        if clicks:
            values |= {
                "clicks": str(clicks),
                "unique_clicks": str(clicks),
                "inline_link_clicks": str(link_clicks),
                "ctr": f"{clicks * 100 / impressions:.6f}",
                "cpc": f"{cents / 100 / clicks:.6f}",
            }
            return {
                **values,
                "outbound_clicks": [{"action_type": "outbound_click", "value": str(link_clicks)}],
            }
        return dict(values)

    def actions(
        self, members: list[int], windows: tuple[str, ...], matured: Matured
    ) -> dict[str, Any]:
        """Return actions and their values; the same purchase stands under several types."""
        counts, values = {}, {}
        for window in ("default", *windows):
            if window in matured.conversions:
                # Meta counts whole conversions: the rest is cut off
                counts[window] = int(matured.conversions[window][members].sum()) // 1_000_000
                values[window] = int(matured.values[window][members].sum()) // 10_000
        clicks = self.delivery.clicks[members]
        links = int(np.sum(clicks - clicks // LINK_CLICK_SHARE))
        result: dict[str, Any] = {}
        actions = [{"action_type": "link_click", "value": str(links)}] if links else []
        if any(counts.values()):
            texts = {k: str(v) for k, v in counts.items()}
            money = {k: f"{v // 100}.{v % 100:02d}" for k, v in values.items()}
            actions += [action(kind, texts, counts) for kind in PURCHASE_TYPES]
            result["action_values"] = [action(kind, money, values) for kind in PURCHASE_TYPES]
        if actions:
            result["actions"] = actions
        cents = int(self.delivery.spend_cents[members].sum())
        if cents and values.get("default"):
            # both in cents, so the ratio needs no scale
            ratio = f"{values['default'] / cents:.6f}"
            result["purchase_roas"] = [{"action_type": "omni_purchase", "value": ratio}]
        if counts.get("default"):
            cost = f"{cents / 100 / counts['default']:.6f}"
            result["cost_per_action_type"] = [{"action_type": "purchase", "value": cost}]
        return result


def action(kind: str, texts: dict[str, str], amounts: dict[str, int]) -> dict[str, str]:
    """Return one action; windows without any are absent, `value` is the default window."""
    windows = {k: v for k, v in texts.items() if amounts[k] and k != "default"}
    return {
        "action_type": kind,
        "value": texts["default"] if amounts["default"] else "0",
        **windows,
    }


def check_parameters(parameters: dict[str, str]) -> None:
    """Raise MetaError for parameters that are unknown or not emulated."""
    unknown = sorted(set(parameters) - set(PARAMETERS))
    if unknown:
        raise MetaError(f"(#100) Unknown parameter {unknown[0]}", code=100)
    if read_json(parameters, "breakdowns"):
        message = "(#100) The breakdown combination is invalid."
        raise MetaError(message, code=2, subcode=1_504_041)


def read_windows(parameters: dict[str, str]) -> tuple[str, ...]:
    """Return the asked attribution windows. Raise MetaError for retired ones."""
    windows = read_texts(parameters, "action_attribution_windows")
    for window in windows:
        if window not in WINDOWS:
            message = f"(#100) action_attribution_windows: {window} is not a valid window"
            raise MetaError(message, code=100)
    return tuple(w for w in windows if w != "default")


def read_increment(parameters: dict[str, str], days: int) -> int:
    """Return the days per row. Raise MetaError."""
    text = parameters.get("time_increment", "all_days").strip('"')
    if text == "all_days":
        return days
    if not text.isdigit() or not 1 <= int(text) <= 90:
        message = "(#100) time_increment must be an integer from 1 to 90 or all_days"
        raise MetaError(message, code=100)
    return int(text)
