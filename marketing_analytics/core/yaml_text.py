"""Read YAML that people write: a few lines of aliases may mean more values than fit anywhere."""

from __future__ import annotations

from typing import Any

# more than any file that people write has
MOST_VALUES = 200_000
ENDLESS = 2 * MOST_VALUES


def load_yaml(text: str) -> Any:
    """Return what a text means.

    Raise yaml.YAMLError for what is no YAML and for aliases that mean too much; RecursionError for
    what is nested too deeply; ValueError for values that are none, such as a 31st of June.
    """
    import yaml  # type: ignore[import-untyped]

    loader = yaml.SafeLoader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return None
        if node := too_large(root):
            raise yaml.MarkedYAMLError(
                problem=f"its aliases mean too many values (more than {MOST_VALUES:,}),"
                " or refer to themselves",
                problem_mark=node.start_mark,
            )
        return loader.construct_document(root)
    finally:
        loader.dispose()


def too_large(root: Any) -> Any:
    """Return the first node whose aliases mean too many values or itself, before any is made."""
    sizes: dict[int, int] = {}
    found: list[Any] = []

    def size_of(node: Any) -> int:
        key = id(node)
        if key not in sizes:
            # it is met again inside of itself
            sizes[key] = ENDLESS
            size = 1 + sum(size_of(part) for part in parts_of(node))
            # without aliases nothing is counted twice
            if size > max(MOST_VALUES, len(sizes)):
                found.append(node)
            sizes[key] = size
        return sizes[key]

    size_of(root)
    return found[0] if found else None


def parts_of(node: Any) -> list[Any]:
    """Return the nodes directly inside of a node."""
    if isinstance(node.value, str):
        return []
    return [part for one in node.value for part in (one if isinstance(one, tuple) else (one,))]
