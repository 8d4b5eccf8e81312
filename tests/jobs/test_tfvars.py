"""The reader: what is accepted, what is refused and where; Terraform itself is the judge."""

import json
import os
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest

from marketing_analytics.core.errors import FileError, FileErrors, UserError
from marketing_analytics.jobs.model import read_job_text
from marketing_analytics.jobs.tfvars import parse_file, parse_text
from marketing_analytics.jobs.tfvars.values import MAX_MISTAKES, plain

ROOT = Path(__file__).resolve().parents[2]

ACCEPTED = {
    "integer": ("j = 12", 12),
    "leading_zero": ("j = 0123", 123),
    "float": ("j = 1.50", Decimal("1.5")),
    "exponent": ("j = 1e3", 1000),
    "negative": ("j = - 5", -5),
    "bool": ("j = true", True),
    "null": ("j = null", None),
    "string": (r'j = "a\n\t\"\\\u00e9\U0001F600"', 'a\n\t"\\é😀'),
    "escaped_templates": ('j = "$${a} %%{b} $a %b $$"', "${a} %{b} $a %b $$"),
    "three_dollars": ('j = "$$${1}"', "$${1}"),
    "interpolation": ('j = "a${1 + 1}"', "a2"),
    "nested_interpolation": ('j = "x ${"a" == "a" ? "y" : "z"} w"', "x y w"),
    "interpolation_keeps_type": ('j = "${5}"', 5),
    "heredoc": ('j = <<EOT\na\\nb "q" $${x}\nEOT\n', 'a\\nb "q" ${x}\n'),
    "heredoc_empty": ("j = <<EOT\nEOT\n", ""),
    "heredoc_indented": ("j = <<-EOT\n\n    a\n\n   b\n  EOT\n", "\n a\n\nb\n"),
    "heredoc_indented_tabs": ("j = <<-EOT\n\ta\n\t  b\n\n\tEOT\n", "a\n  b\n\n"),
    "heredoc_interpolated": ('j = <<-EOT\n    a ${"x"}\n  b\n    EOT\n', "  a x\nb\n"),
    "heredoc_in_list": ('j = [<<EOT\nabc\nEOT\n, "b"]', ["abc\n", "b"]),
    "heredoc_in_object": ("j = {a = <<EOT\nx\nEOT\nb = 2}", {"a": "x\n", "b": 2}),
    "list_over_lines": ('j = ["a"\n,"b",]', ["a", "b"]),
    "object": ('j = {a : 1, "b" : 2}', {"a": 1, "b": 2}),
    "object_lines": ("j = {\n# c\na = 1 // x\n/* y */ b = 2\n}", {"a": 1, "b": 2}),
    "object_keys": (
        'j = {1=2, ("x")=3, null=1, a-b=4, 1.5=6}',
        {"1": 2, "x": 3, "null": 1, "a-b": 4, "1.5": 6},
    ),
    "key_template": ('j = {"a${1}" = 2}', {"a1": 2}),
    "empty": ("j = {}", {}),
    "arithmetic": ("j = 7 % 4 / 2", Decimal("1.5")),
    "precedence": ("j = 1 + 2 * 3 - 4", 3),
    "left_to_right": ("j = 10 - 4 - 3", 3),
    "parenthesis_over_lines": ("j = (1 +\n 2)", 3),
    "logic": ("j = 1 == 1 && !false", True),
    "types_differ": ('j = "a" == 1', False),
    "text_as_number": ('j = "1" + 1', 2),
    "conditional_types": ('j = "x" == "x" ? 1 : "b"', "1"),
    "for_list": ('j = [for a in ["b"] : a]', ["b"]),
    "for_condition": ('j = [for k,v in {a=1}: "${k}=${v}" if v > 0]', ["a=1"]),
    "for_object": ('j = {for k in ["a"] : k => 1}', {"a": 1}),
    "member": ("j = {a={b=1}.b, c=[1,2][0]}", {"a": 1, "c": 1}),
    "comments": ("j /* c */ = /* d */ 1 # e", 1),
    "crlf": ("j = {\r\n a = 1\r\n}\r\n", {"a": 1}),
    "bom": ("\ufeffj = 1", 1),
    "several_variables": ("j = 1\n\n\nother = 2\n", 1),
}

# text: (line, column) of the refusal
REFUSED = {
    "variable": ("j = foo", 1, 5),
    "function": ('j = [for a in ["b"] : upper(a)]', 1, 23),
    "single_quotes": ("j = 'a'", 1, 5),
    "newline_in_text": ('j = "a\nb"', 1, 5),
    "unclosed_text": ('j = "a', 1, 5),
    "bad_escape": (r'j = "a\q"', 1, 7),
    "surrogate": (r'j = "\ud83d"', 1, 6),
    "unclosed_template": ('j = "${"', 1, 8),
    "null_in_text": ('j = "a${null}"', 1, 7),
    "two_on_a_line": ("j = 1 k = 2", 1, 7),
    "comma_after_variable": ("j = 1,", 1, 6),
    "no_comma_in_list": ("j = [1\n2]", 2, 1),
    "two_commas": ("j = {a=1,,b=2}", 1, 10),
    "comma_on_next_line": ("j = {a = 1\n, b = 2}", 2, 1),
    "no_separator": ("j = {a=1 b=2}", 1, 10),
    "semicolon": ("j = {a = 1 ; b = 2}", 1, 12),
    "dotted_key": ("j = {a.b=4}", 1, 7),
    "value_on_next_line": ("j = {a =\n1}", 1, 9),
    "block": ("j { }", 1, 3),
    "colon": ("j : 1", 1, 3),
    "quoted_name": ('"j" = 1', 1, 1),
    "no_value": ("j", 1, 2),
    "number_name": ("1 = 1", 1, 1),
    "repeated_variable": ("j = 1\nj = 2", 2, 1),
    "unclosed_object": ("j = {\na = 1\n", 3, 1),
    "unclosed_list": ("j = [1", 1, 7),
    "heredoc_open": ("j = <<EOT\nx", 1, 5),
    "heredoc_end_text": ("j = <<EOT\nx\nEOT y\n", 1, 5),
    "heredoc_quoted": ('j = <<"EOT"\nEOT\n', 1, 5),
    "plus_sign": ("j = +1", 1, 5),
    "point_first": ("j = .5", 1, 5),
    "lone_return": ("j = 1\rk = 2", 1, 6),
    "unclosed_comment": ("/* x\nj = 1", 1, 1),
    "null_key": ("j = {(null)=2}", 1, 6),
    "bool_minus": ("j = -true", 1, 5),
    "conditional_over_lines": ("j = {a = true ? 1\n: 2}", 1, 18),
    "operator_at_end": ("j = 1 +\n 2", 1, 8),
}

# Terraform accepts these, we do not
STRICTER = {
    "repeated_key": ('j = {"a" = 1,\n a = 2}', 2, 2),
    "splat": ("j = [1,2,3][*]", 1, 13),
    "directive": ('j = "%{ if true }x%{ endif }"', 1, 6),
    "third": ("j = 10/3", 1, 7),
    "modulo_zero": ("j = 5 % 0", 1, 7),
    "trim_marker": ('j = "${~ 1 ~}"', 1, 8),
}


ACCEPTED_JSON = {
    "json_values": (
        '{"j": [1, -2.50, 1e3, true, null, "x", {}, []]}',
        [1, Decimal("-2.5"), 1000, True, None, "x", {}, []],
    ),
    "json_texts_are_literal": ('{"j": "${x} %{y} $${z} \\u00e9\\n"}', "${x} %{y} $${z} é\n"),
    "json_keys_are_literal": ('{"j": {"${1}": 2}}', {"${1}": 2}),
    "json_comment": ('{"//": "x", "j": {"//": 1}, "//": 2}', {"//": 1}),
    "json_half_a_pair": (r'{"j": "\ud83d \ud83d\ude00"}', "\ufffd 😀"),
    "json_composed": (r'{"j": "e\u0301"}', "\u00e9"),
    "json_spaces": ('\t{ "j"\r\n:\n1 } \n', 1),
}
REFUSED_JSON = {
    "json_list": ('[{"j": 1}, {"k": 2}]', 1, 1),
    "json_empty": ("", 1, 1),
    "json_null": ("null", 1, 1),
    "json_bom": ('\ufeff{"j": 1}', 1, 1),
    "json_key_twice": ('{"j": {"a": 1,\n "a": 2}}', 2, 2),
    "json_variable_twice": ('{"j": 1, "j": 2}', 1, 10),
    "json_comma_at_end": ('{"j": [1,]}', 1, 9),
    "json_comma_in_object": ('{"j": 1,}', 1, 8),
    "json_no_comma": ('{"j": [1 2]}', 1, 10),
    "json_no_colon": ('{"j" 1}', 1, 6),
    "json_bare_key": ("{j: 1}", 1, 2),
    "json_zero_first": ('{"j": 01}', 1, 7),
    "json_plus": ('{"j": +1}', 1, 7),
    "json_point_last": ('{"j": 1.}', 1, 7),
    "json_nan": ('{"j": NaN}', 1, 7),
    "json_single_quotes": ("{\"j\": 'a'}", 1, 7),
    "json_newline_in_text": ('{"j": "a\nb"}', 1, 9),
    "json_bad_escape": (r'{"j": "a\q"}', 1, 9),
    "json_unclosed_text": ('{"j": "a', 1, 7),
    "json_unclosed_object": ('{"j": {"a": 1', 1, 14),
    "json_unclosed_list": ('{"j": [1,', 1, 10),
    "json_more": ('{"j": 1} x', 1, 10),
    "json_comment_in_text": ('{"j": 1 /* x */}', 1, 9),
}
ACCEPTED |= ACCEPTED_JSON
REFUSED |= REFUSED_JSON


def name_of(case):
    """Return a file name that says how the case is read."""
    return "a.tfvars.json" if case.startswith("json_") else "a.tfvars"


@pytest.mark.parametrize("case", ACCEPTED)
def test_a_value_is_read(case):
    text, expected = ACCEPTED[case]
    value = plain(parse_text(text.removeprefix("\ufeff"), name_of(case))[1])["j"]
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize("case", REFUSED | STRICTER)
def test_a_mistake_is_refused_at_its_place(case):
    text, line, column = (REFUSED | STRICTER)[case]
    with pytest.raises(FileError) as caught:
        parse_text(text, name_of(case))
    assert (caught.value.line, caught.value.column) == (line, column)
    assert caught.value.source == text.replace("\r", "\n").split("\n")[line - 1] or "\r" in text
    assert caught.value.hint


def test_a_repeated_key_names_both_lines():
    with pytest.raises(FileError, match='"a" is already set in line 1') as caught:
        parse_text("j = {a = 1,\n a = 2}")
    assert "Terraform would silently take the last" in caught.value.hint


@pytest.mark.parametrize(
    "content",
    [b'j = "\xff"', b"\xef\xbb\xbfj = \xc3\x28"],
    ids=["latin", "after_bom"],
)
def test_bytes_that_are_not_utf8_are_refused_at_their_place(tmp_path, content):
    path = tmp_path / "x.tfvars"
    path.write_bytes(content)
    with pytest.raises(FileError, match="not UTF-8") as caught:
        parse_file(path)
    assert caught.value.line == 1
    assert caught.value.column == (5 if b"\xc3" in content else 6)


def test_a_missing_file_and_a_folder_are_one_sentence(tmp_path):
    with pytest.raises(UserError, match="there is no file"):
        parse_file(tmp_path / "none.tfvars")
    with pytest.raises(UserError, match="cannot read"):
        parse_file(tmp_path)


@pytest.mark.parametrize(
    "text",
    ["j = " + "[" * 5000, "j = " + "(" * 5000, "j = " + "-" * 5000 + "1", "j = 1e999999999"],
    ids=["brackets", "parentheses", "signs", "exponent"],
)
def test_hostile_files_are_refused(text):
    with pytest.raises(FileError):
        parse_text(text)


def test_iterations_are_limited():
    rows = ",".join("1" * 1 for _ in range(200))
    text = f"j = [for a in [{rows}] : [for b in [{rows}] : [for c in [{rows}] : c]]]"
    with pytest.raises(FileError, match="too many iterations"):
        parse_text(text)


def test_a_thousand_jobs_are_read():
    job = """  job-{} = {{
    execute_steps = ["dbt build --select +tag:a"]
    description   = "x"
    threads       = 4
    env_vars      = {{ DBT_A = "1" }}
  }}
"""
    text = "jobs = {\n" + "".join(job.format(n) for n in range(1000)) + "}\n"
    assert len(plain(parse_text(text)[1])["jobs"]) == 1000


# the oracle


def terraform_reads(folder, case, text):
    """Return (whether Terraform accepts the text, the value of j)."""
    (folder / "main.tf").write_text('variable "j" {\n  type = any\n}\n')
    name = name_of(case)
    (folder / name).write_text(text, encoding="utf-8", newline="")
    done = subprocess.run(
        ["terraform", "console", "-no-color", f"-var-file={name}"],
        input="jsonencode(var.j)\n",
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": os.devnull},
        check=False,
    )
    if "Error:" in done.stderr or done.returncode:
        return False, None
    return True, json.loads(json.loads(done.stdout.strip().splitlines()[-1]))


needs_terraform = pytest.mark.skipif(
    shutil.which("terraform") is None, reason="terraform is not installed"
)


@pytest.mark.slow
@needs_terraform
@pytest.mark.parametrize("case", ACCEPTED)
def test_terraform_reads_the_same_value(case, tmp_path):
    text, expected = ACCEPTED[case]
    accepted, value = terraform_reads(tmp_path, case, text)
    assert accepted
    assert value == json.loads(json.dumps(expected, default=float))


@pytest.mark.slow
@needs_terraform
@pytest.mark.parametrize("case", REFUSED)
def test_terraform_refuses_it_too(case, tmp_path):
    assert terraform_reads(tmp_path, case, REFUSED[case][0])[0] is False


@pytest.mark.slow
@needs_terraform
@pytest.mark.parametrize("case", STRICTER)
def test_terraform_accepts_what_we_refuse_on_purpose(case, tmp_path):
    assert terraform_reads(tmp_path, case, STRICTER[case][0])[0] is True


def test_only_a_mistake_of_writing_ends_the_reading():
    text = """a = 10 / 3
b = var.x.y + 1
c = [upper("x", 1), -null, "x${{}}", "\\q", 1e999]
d = { k = 1, k = 2 }
a = 1
e = [for x in 5 : x + 1]
f = { for k, v in nope : k => v if v }
g = [for x in [1, 2] : x / 3]
h = [1, 2][7]
i = }
j = 10 / 3
"""
    with pytest.raises(FileErrors) as caught:
        parse_text(text)
    lines = [error.line for error in caught.value.errors]
    assert lines == [1, 2, 3, 3, 3, 3, 3, 4, 5, 6, 7, 8, 9, 10]


def test_what_cannot_be_computed_is_told_once():
    text = """jobs = { a = {
  execute_steps = ["dbt build", var.step]
  threads = 10 / 3
  target_name = "${var.x}"
  env_vars = { DBT_A = var.y }
  thread = 1
} }
"""
    with pytest.raises(FileErrors) as caught:
        read_job_text(text)
    assert [(error.line, error.column) for error in caught.value.errors] == [
        (2, 33),
        (3, 16),
        (4, 20),
        (5, 24),
        (6, 3),
    ]
    listed = 'jobs = [{ name = var.n, schedule_hours = [8, 1 / 3], job_type = x }, { name = "a" }]'
    with pytest.raises(FileErrors) as caught:
        read_job_text(listed)
    assert [error.column for error in caught.value.errors] == [18, 18, 48, 65, 79]


def test_a_key_that_comes_twice_in_json_hides_no_other_mistake():
    text = '{"jobs": {"a": {"threads": 1e999, "threads": 0}}, "jobs": {"b": {"thread": 1}}}'
    with pytest.raises(FileErrors) as caught:
        read_job_text(text, "a.tfvars.json")
    said = [error.message for error in caught.value.errors]
    assert [message.partition(" (")[0] for message in said] == [
        "the number is too large or too small",
        '"threads" is already set in line 1',
        '"jobs" is already set in line 1',
        'job "b" has no execute_steps',
        'unknown key "thread"',
    ]


def test_a_file_of_nothing_but_mistakes_is_not_read_to_its_end():
    with pytest.raises(FileErrors) as caught:
        parse_text("a = 1\n" * 1000)
    assert len(caught.value.errors) == MAX_MISTAKES + 1
    with pytest.raises(FileErrors) as caught:
        parse_text('{"a": 1, "a": 1, "b" 1}', "a.tfvars.json")
    assert [error.column for error in caught.value.errors] == [10, 22]
