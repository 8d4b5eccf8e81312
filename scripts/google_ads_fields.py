"""Write the fields that the emulator of Google Ads knows, from the official client's protocol.

Run it with the client's own environment: `.venv-foreign/google_ads/bin/python
scripts/google_ads_fields.py`. A line a field: its name, the versions that know it, and its type, of
an enum the constants.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

VERSIONS = (23, 24, 25, 26)
TARGET = Path("marketing_analytics/simulate/platforms/google_ads/fields.txt")
RESOURCES = (
    "ad_group", "ad_group_ad", "ad_group_ad_label", "ad_group_criterion",
    "ad_group_criterion_label", "ad_group_label", "audience", "bidding_strategy", "campaign",
    "campaign_budget", "campaign_criterion", "campaign_label", "change_status", "click_view",
    "conversion_action", "customer", "customer_client", "customer_label", "display_keyword_view",
    "geographic_view", "keyword_view", "label", "search_term_view", "shopping_performance_view",
    "topic_view", "user_interest", "user_location_view",
)  # fmt: skip
# kinds of protobuf fields, by number
KINDS = {1: "DOUBLE", 2: "DOUBLE", 3: "INT64", 5: "INT32", 8: "BOOLEAN", 9: "STRING", 14: "ENUM"}
MESSAGE = 11
MOST_STEPS = 3
WHOLE_ADS = {"LegacyAppInstallAdInfo"}


def is_whole(field: Any) -> bool:
    """Return whether a part is selected as a whole: a list, one without fields, a text of an ad."""
    kind = field.message_type
    is_text = kind.name.endswith(("Asset", "Dimension"))
    return field.is_repeated or not kind.fields or is_text or kind.name in WHOLE_ADS


def leaves(message: Any, path: str, steps: int = 0) -> Iterator[tuple[str, str]]:
    """Yield name and type of every field of a message that holds a value."""
    for field in message.fields:
        # the client's classes have an underscore where Python has a word of its own
        name = f"{path}.{field.name.rstrip('_')}"
        if field.type == MESSAGE and is_whole(field):
            yield name, "MESSAGE"
            continue
        if field.type == MESSAGE:
            if steps < MOST_STEPS and not field.message_type.GetOptions().map_entry:
                yield from leaves(field.message_type, name, steps + 1)
            continue
        kind = KINDS.get(field.type, "STRING")
        if name == "segments.date":
            kind = "DATE"
        # the first two are UNSPECIFIED and UNKNOWN, which nobody asks for
        names = " ".join(v.name for v in field.enum_type.values[2:]) if kind == "ENUM" else ""
        yield name, f"{kind} {names}".strip()


def fields_of(version: int) -> Iterator[tuple[str, str]]:
    """Yield name and type of every field of a version."""
    for folder, names in (("resources", RESOURCES), ("common", ("metrics", "segments"))):
        for name in names:
            module = importlib.import_module(
                f"google.ads.googleads.v{version}.{folder}.types.{name}"
            )
            kind = getattr(module, "".join(word.capitalize() for word in name.split("_")))
            yield from leaves(kind.pb(kind()).DESCRIPTOR, name)


def main() -> None:
    """Write the file; a field has the type of the newest version that knows it."""
    types: dict[str, str] = {}
    known: dict[str, list[int]] = {}
    for version in VERSIONS:
        for name, kind in fields_of(version):
            types[name] = kind
            known.setdefault(name, []).append(version)
    lines = [
        f"{name} {min(known[name])}-{max(known[name])} {types[name]}" for name in sorted(known)
    ]
    TARGET.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
