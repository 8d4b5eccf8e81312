"""Actions: what followed an ad, by type and attribution window, and by action breakdown."""

from __future__ import annotations

from typing import Any

from marketing_analytics.simulate.platforms.meta_ads.creatives import (
    PAGE_ID,
    SITE,
    custom_conversion_id,
)
from marketing_analytics.simulate.platforms.meta_ads.errors import MetaError, not_one_of
from marketing_analytics.simulate.platforms.meta_ads.graph import ENUMERATIONS
from marketing_analytics.simulate.platforms.meta_ads.parameters import (
    Parameters,
    read_names,
    read_texts,
)
from marketing_analytics.simulate.platforms.meta_ads.reports.figures import CLICK_WINDOWS, Figures

ACTION_FIELDS = {
    "actions",
    "action_values",
    "purchase_roas",
    "cost_per_action_type",
    "website_purchase_roas",
}
PURCHASE_TYPES = ("purchase", "omni_purchase", "offsite_conversion.fb_pixel_purchase")
PIXEL_TYPES = {
    "view_content": "offsite_conversion.fb_pixel_view_content",
    "add_to_cart": "offsite_conversion.fb_pixel_add_to_cart",
    "initiate_checkout": "offsite_conversion.fb_pixel_initiate_checkout",
}
# of the others that the API knows the world has nothing: 1d_ev, incrementality, and the two that
# ended in January 2026, 7d_view and 28d_view
KNOWN_WINDOWS = (*CLICK_WINDOWS, "1d_view")
# keys of actions; of the last the world has none: an action then has no such part
ACTION_BREAKDOWNS = ("action_type", "action_target_id", "action_destination")
EMPTY_BREAKDOWNS = (
    "action_reaction",
    "action_carousel_card_id",
    "action_carousel_card_name",
    "action_video_sound",
    "action_video_type",
)
Action = dict[str, str]


def read_windows(parameters: Parameters) -> tuple[str, ...]:
    """Return the asked attribution windows. Raise MetaError for those that do not exist."""
    windows = read_texts(parameters, "action_attribution_windows")
    known = ENUMERATIONS["ActionAttributionWindows"]
    for window in windows:
        if window not in known:
            raise not_one_of("action_attribution_windows[0]", window, known)
    return tuple(w for w in windows if w in KNOWN_WINDOWS)


def check_action_breakdowns(parameters: Parameters) -> tuple[str, ...]:
    """Return by what actions are told apart. Raise MetaError."""
    if "action_breakdowns" not in parameters:
        return ("action_type",)
    names = read_names(parameters, "action_breakdowns")
    for name in names:
        if name not in ENUMERATIONS["ActionBreakdowns"]:
            known = ENUMERATIONS["ActionBreakdowns"]
            raise not_one_of("action_breakdowns[0]", name, known)
        if name not in (*ACTION_BREAKDOWNS, *EMPTY_BREAKDOWNS):
            message = f"(#100) Current combination of action breakdown columns ({name}) is invalid"
            raise MetaError(message, code=2, subcode=1_504_041)
    return tuple(names)


def action_values(
    figures: Figures,
    cell: int,
    windows: tuple[str, ...],
    breakdowns: tuple[str, ...],
    of: tuple[str, str],
) -> dict[str, Any]:
    """Return actions, their values and costs; `of` are the ids of the row's object and account."""
    if set(breakdowns) & set(EMPTY_BREAKDOWNS):
        return {}
    own_id, account_id = of
    counts = {name: int(array[cell]) for name, array in figures.conversions.items()}
    values = {name: int(array[cell]) for name, array in figures.values.items()}
    visits = {name: int(array[cell]) for name, array in figures.visits.items()}
    links = int(figures.link_clicks[cell])
    actions = [plain("link_click", links)]
    actions += [of_visits(kind, count, windows) for kind, count in visits.items()]
    actions += [of_visits(PIXEL_TYPES[kind], visits[kind], windows) for kind in PIXEL_TYPES]
    custom = f"offsite_conversion.custom.{custom_conversion_id(account_id)}"
    actions.append(of_visits(custom, visits["add_to_cart"], windows))
    result: dict[str, Any] = {}
    if any(counts.values()):
        texts = {name: str(count) for name, count in counts.items()}
        money = {name: f"{cents // 100}.{cents % 100:02d}" for name, cents in values.items()}
        actions += [of_purchases(kind, texts, counts, windows) for kind in PURCHASE_TYPES]
        worth = [of_purchases(kind, money, values, windows) for kind in PURCHASE_TYPES]
        result["action_values"] = told_apart(worth, breakdowns, own_id)
    actions = [action for action in actions if action]
    if actions:
        result["actions"] = told_apart(actions, breakdowns, own_id)
    cents = int(figures.cents[cell])
    if cents and values["default"]:
        # both in cents, so the ratio needs no scale
        ratio = f"{values['default'] / cents:.6f}"
        result["purchase_roas"] = [{"action_type": "omni_purchase", "value": ratio}]
        kind = PURCHASE_TYPES[-1]
        result["website_purchase_roas"] = [{"action_type": kind, "value": ratio}]
    if counts["default"]:
        cost = f"{cents / 100 / counts['default']:.6f}"
        result["cost_per_action_type"] = [{"action_type": "purchase", "value": cost}]
    return result


def plain(kind: str, count: int) -> Action:
    """Return an action without windows, empty for none."""
    return {"action_type": kind, "value": str(count)} if count else {}


def of_visits(kind: str, count: int, windows: tuple[str, ...]) -> Action:
    """Return an action of visits: it follows its click at once, so it is in every click window."""
    found = plain(kind, count)
    return found and {**found, **{w: str(count) for w in windows if w in CLICK_WINDOWS}}


def of_purchases(
    kind: str, texts: dict[str, str], amounts: dict[str, int], windows: tuple[str, ...]
) -> Action:
    """Return an action; windows without any are absent, `value` is the default window."""
    shown = {window: texts[window] for window in windows if amounts[window]}
    value = texts["default"] if amounts["default"] else "0"
    return {"action_type": kind, "value": value, **shown}


def told_apart(actions: list[Action], breakdowns: tuple[str, ...], own_id: str) -> list[Action]:
    """Return actions with the keys of their breakdowns; without their type they are added up."""
    keys = {"action_target_id": own_id or PAGE_ID, "action_destination": SITE}
    more = {name: keys[name] for name in breakdowns if name in keys}
    if "action_type" in breakdowns:
        return [{**action, **more} for action in actions]
    whole = sum(float(action["value"]) for action in actions)
    return [{**more, "value": f"{whole:.2f}" if whole % 1 else str(int(whole))}]
