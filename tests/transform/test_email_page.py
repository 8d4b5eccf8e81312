"""The worked examples of docs/email.md are those that the unit tests hold."""

from __future__ import annotations

import re

import yaml
from small_warehouse import PROJECT

PAGE = (PROJECT.parent / "docs" / "email.md").read_text(encoding="utf-8")


def unit_test(folder: str, model: str) -> dict[str, object]:
    """Return the first row that the first unit test of a model expects."""
    path = PROJECT / "models" / folder / f"{model}__unit_tests.yml"
    tests = yaml.safe_load(path.read_text(encoding="utf-8"))["unit_tests"]
    return dict(tests[0]["expect"]["rows"][0])


def test_rates_of_the_page_are_those_of_the_unit_test() -> None:
    row = unit_test("marts/email", "fct_email_campaigns")
    shown = re.findall(r"^\| `(\w+)` \| (\w+) / (\w+) \| ([\d.]+) \|$", PAGE, re.MULTILINE)
    assert len(shown) == 8
    for rate, part, whole, value in shown:
        assert float(value) == row[rate] == float(row[part]) / float(row[whole]), rate
    said = re.search(
        r"of (\d+) mails, of which (\d+) arrived, (\d+) were opened .* (\d+) clicked", PAGE
    )
    assert said
    names = ("sent", "delivered", "human_openers", "human_clickers")
    assert [int(number) for number in said.groups()] == [row[name] for name in names]


def test_the_uplift_of_the_page_is_that_of_the_unit_test() -> None:
    row = unit_test("intermediate/email", "int_email__flow_uplift")
    groups = re.findall(
        r"^\| (\d+) (?:not )?held out \| .* \| (\d+) \| (\d+) \|$", PAGE, re.MULTILINE
    )
    (written, mean, variance), (held, held_mean, held_variance) = (
        tuple(map(int, group)) for group in groups
    )
    assert (written, held) == (row["members_written"], row["members_held_out"])
    assert mean - held_mean == row["uplift_per_member_usd"] == 3
    assert (variance / written + held_variance / held) ** 0.5 == row["uplift_error_usd"] == 3


def test_every_platform_of_the_page_has_its_rules() -> None:
    rows = (PROJECT / "seeds" / "email_machine_rules.csv").read_text().splitlines()[1:]
    rules = {row.split(",")[2] for row in rows}
    assert rules == set(
        re.findall(r"^- `(\w+)`: (?:the platform|`machine_click|a recipient)", PAGE, re.MULTILINE)
    )
