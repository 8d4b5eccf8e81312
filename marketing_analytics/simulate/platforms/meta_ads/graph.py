"""Which fields and values the Graph API v26 knows: as in the specifications of Meta's own SDKs.

A field that is known and of which the world knows nothing is absent from an answer, as at Meta.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

GRAPH: dict[str, Any] = json.loads(files(__package__).joinpath("graph.json").read_text("utf-8"))

# by kind of object: `campaigns`, `ads`, `insights`, ...
FIELDS: dict[str, tuple[str, ...]] = {kind: tuple(names) for kind, names in GRAPH["fields"].items()}
ENUMERATIONS: dict[str, tuple[str, ...]] = {
    name: tuple(values) for name, values in GRAPH["enumerations"].items()
}
