"""Small drawings as paths of SVG, for readers without scripts."""

from __future__ import annotations

from collections.abc import Sequence


def spark_path(values: Sequence[float | None], width: float = 120, height: float = 32) -> str:
    """Return a line through values at even distances, the largest at the top; gaps stay gaps."""
    known = [value for value in values if value is not None]
    if not known:
        return ""
    low, high = min(known), max(known)
    step = width / max(len(values) - 1, 1)
    path, is_drawing = [], False
    for place, value in enumerate(values):
        if value is None:
            is_drawing = False
            continue
        share = (value - low) / (high - low) if high > low else 0.5
        y = height - 2 - share * (height - 4)
        path.append(f"{'L' if is_drawing else 'M'}{place * step:.1f} {y:.1f}")
        is_drawing = True
    return "".join(path)
