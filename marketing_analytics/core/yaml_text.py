"""Read YAML that people write: a few lines of aliases may mean more values than fit anywhere."""

from __future__ import annotations

from typing import Any

# more than any file that people write has
MOST_VALUES = 200_000
ENDLESS = 2 * MOST_VALUES


# what PyYAML raises where a text is no value of its type
NO_VALUE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
SHOWN_LETTERS = 40


def load_yaml(text: str) -> Any:
    """Return what a text means.

    Raise yaml.MarkedYAMLError, which knows the place, for what is no YAML, for aliases that mean
    too much, and for values that are none, such as a 31st of June; RecursionError for what is
    nested too deeply.
    """
    import yaml  # type: ignore[import-untyped]

    try:
        loader = yaml.SafeLoader(text)
    except yaml.reader.ReaderError as error:
        raise unreadable(error, text) from None
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
        try:
            return loader.construct_document(root)
        except NO_VALUE:
            raise no_value(root) from None
    finally:
        loader.dispose()


def unreadable(error: Any, text: str) -> Exception:
    """Return the error for a sign that YAML does not allow, with its place."""
    import yaml

    before = text[: error.position].split("\n")
    mark = yaml.Mark(error.name, error.position, len(before) - 1, len(before[-1]), None, None)
    sign = f"the sign U+{error.character:04X} stands in no text"
    return yaml.MarkedYAMLError(problem=sign, problem_mark=mark)  # type: ignore[no-any-return]


def no_value(root: Any) -> Exception:
    """Return the error for the first text that is no value of its type."""
    import yaml

    loader, known, waiting = yaml.SafeLoader(""), set(), [root]
    while waiting:
        node = waiting.pop()
        if id(node) in known:
            continue
        known.add(id(node))
        waiting += reversed(parts_of(node))
        if not isinstance(node, yaml.ScalarNode):
            continue
        try:
            loader.construct_object(node)
        except NO_VALUE:
            root = node
            break
    kind = root.tag.rpartition(":")[2]
    shown = f"{root.value[:SHOWN_LETTERS]} " if isinstance(root, yaml.ScalarNode) else "this "
    return yaml.MarkedYAMLError(  # type: ignore[no-any-return]
        problem=f"{shown}is no {kind}", problem_mark=root.start_mark
    )


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
