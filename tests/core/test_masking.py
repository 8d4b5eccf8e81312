"""What a file holds is masked alike, wherever its blocks end."""

from __future__ import annotations

import io
import random

import pytest

from marketing_analytics.core import masking
from marketing_analytics.core.masking import has_masked, masked_blocks, masks_of
from marketing_analytics.core.redaction import MASK

SECRETS = ["hunter22", "hunter22-longer", "445566", "pässwörd"]


@pytest.mark.parametrize("size", [1, 2, 7, 16, 1_000])
def test_a_secret_is_masked_wherever_a_block_ends(monkeypatch, size):
    monkeypatch.setattr(masking, "BLOCK_BYTES", size)
    source = random.Random(5)
    given, wanted = "", ""
    for _ in range(60):
        plain = source.choice(["", "x", "hunter2", "44556", "päss", "\n" * 9])
        secret = source.choice(SECRETS)
        given += f"{plain} {secret} "
        wanted += f"{plain} {'999999' if secret.isdigit() else MASK} "
    masks = masks_of(SECRETS)
    assert b"".join(masked_blocks(io.BytesIO(given.encode()), masks)).decode() == wanted
    assert has_masked(io.BytesIO(given.encode()), masks)
    assert not has_masked(io.BytesIO(wanted.encode()), masks)


def test_without_secrets_a_file_stays_as_it_is():
    assert b"".join(masked_blocks(io.BytesIO(b"told"), masks_of([""]))) == b"told"
    assert not has_masked(io.BytesIO(b"told"), {})
