"""One folder a platform; its module `source` offers a `Source` named SOURCE.

A platform may import `engine` and its own folder. It is found by its folder: no list names it.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import cast

from marketing_analytics.ingest.engine.source import Source


def source_names() -> list[str]:
    """Return the names of all sources; their modules are not imported."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if module.ispkg)


def load_source(name: str) -> Source:
    """Return a source; what it imports is slow to load, so only where it is used."""
    return cast("Source", import_module(f"{__name__}.{name}.source").SOURCE)
