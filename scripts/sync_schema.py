"""Write the JSON schema of the file of what to sync, from the sources as they are declared."""

from __future__ import annotations

import json
from pathlib import Path

from marketing_analytics.ingest.sync_file import schema

TARGET = Path(__file__).parents[1] / "docs" / "sync.schema.json"


def main() -> None:
    """Write it."""
    TARGET.write_text(json.dumps(schema(), indent=2) + "\n")


if __name__ == "__main__":
    main()
