"""Write the fields that the emulator of Google Ads knows, from the official client's protocol.

Run it with the client's own environment: `.venv-foreign/google_ads/bin/python
scripts/google_ads_fields.py`. A line a field: its name and its type, of an enum the constants.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

VERSION = "v26"
TARGET = Path("marketing_analytics/simulate/platforms/google_ads/fields.txt")
RESOURCES = (
    "ad_group", "ad_group_ad", "ad_group_ad_label", "ad_group_criterion",
    "ad_group_criterion_label", "ad_group_label", "audience", "bidding_strategy", "campaign",
    "campaign_budget", "campaign_criterion", "campaign_label", "click_view", "conversion_action",
    "customer", "customer_client", "customer_label", "keyword_view", "label", "search_term_view",
)  # fmt: skip
# kinds of protobuf fields, by number
KINDS = {1: "DOUBLE", 2: "DOUBLE", 3: "INT64", 5: "INT32", 8: "BOOLEAN", 9: "STRING", 14: "ENUM"}
MESSAGE = 11
MOST_STEPS = 3


def is_whole(field: Any) -> bool:
    """Return whether a part is selected as a whole: a list, one without fields, a text of an ad."""
    kind = field.message_type
    return field.is_repeated or not kind.fields or kind.name.endswith(("Asset", "Dimension"))


def leaves(message: Any, path: str, steps: int = 0) -> Iterator[str]:
    """Yield a line for every field of a message that holds a value."""
    for field in message.fields:
        # the client's classes have an underscore where Python has a word of its own
        name = f"{path}.{field.name.rstrip('_')}"
        if field.type == MESSAGE and is_whole(field):
            yield f"{name} MESSAGE"
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
        yield f"{name} {kind} {names}".strip()


def main() -> None:
    """Write the file."""
    lines: list[str] = []
    for folder, names in (("resources", RESOURCES), ("common", ("metrics", "segments"))):
        for name in names:
            module = importlib.import_module(
                f"google.ads.googleads.{VERSION}.{folder}.types.{name}"
            )
            kind = getattr(module, "".join(word.capitalize() for word in name.split("_")))
            lines += leaves(kind.pb(kind()).DESCRIPTOR, name)
    TARGET.write_text("\n".join(sorted(lines)) + "\n")


if __name__ == "__main__":
    main()
