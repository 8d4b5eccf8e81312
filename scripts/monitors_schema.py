"""Write the JSON schema of monitors.yml, from the parts of the watch as they are."""

from __future__ import annotations

import json
from pathlib import Path

from marketing_analytics.monitor.settings import schema

TARGET = Path(__file__).parents[1] / "docs" / "monitors.schema.json"


def main() -> None:
    """Write it."""
    TARGET.write_text(json.dumps(schema(), indent=2) + "\n")


if __name__ == "__main__":
    main()
