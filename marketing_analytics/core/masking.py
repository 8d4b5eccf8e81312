"""Mask known values in files, block by block: a file may be larger than the memory."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import BinaryIO

from marketing_analytics.core.redaction import MASK

BLOCK_BYTES = 1 << 20
Masks = Mapping[bytes, bytes]


def masks_of(secrets: Iterable[str]) -> Masks:
    """Return what stands for each secret, the longest first; a number stays one, as in JSON."""
    return {
        secret.encode("utf-8", "surrogateescape"): mask_of(secret).encode()
        for secret in sorted(filter(None, secrets), key=len, reverse=True)
    }


def mask_of(secret: str) -> str:
    """Return what stands in the place of a secret."""
    return "9" * len(secret) if secret.isdigit() else MASK


def has_masked(source: BinaryIO, masks: Masks) -> bool:
    """Return whether there is anything to mask in the rest of a file."""
    rest = b""
    longest = max(map(len, masks), default=1)
    while masks and (block := source.read(BLOCK_BYTES)):
        data = rest + block
        if any(secret in data for secret in masks):
            return True
        rest = data[len(data) - min(len(data), longest - 1) :]
    return False


def masked_blocks(source: BinaryIO, masks: Masks) -> Iterator[bytes]:
    """Yield the rest of a file, masked."""
    longest = max(map(len, masks), default=1)
    data = b""
    while block := source.read(BLOCK_BYTES):
        data += block
        # what begins after it may go on in the next block
        done, end = masked_until(data, max(0, len(data) - longest + 1), masks)
        yield done
        data = data[end:]
    yield masked_until(data, len(data), masks)[0]


def masked_until(data: bytes, limit: int, masks: Masks) -> tuple[bytes, int]:
    """Return the beginning of data, masked, and where it ends: at a limit, or with a secret."""
    if not any(secret in data for secret in masks):
        return data[:limit], limit
    parts: list[bytes] = []
    end = 0
    for found in re.finditer(b"|".join(map(re.escape, masks)), data):
        if found.start() >= limit:
            break
        parts += [data[end : found.start()], masks[found[0]]]
        end = found.end()
    return b"".join([*parts, data[end:limit]]), max(end, limit)
