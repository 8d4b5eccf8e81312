"""Read Terraform variable files strictly, with the exact place of every refusal.

Accepts what Terraform 1.11 accepts in a variable file (apart from splats, template
directives and a few arithmetic corners, which are refused with a hint) and refuses what it
refuses. Repeated object keys, where Terraform silently takes the last one, are refused too.
Start reading in `reader.py`.
"""

from marketing_analytics.jobs.tfvars.joined import join_files
from marketing_analytics.jobs.tfvars.reader import parse_file, parse_text, read_variables
from marketing_analytics.jobs.tfvars.values import Broken, Data, Source, Value

__all__ = [
    "Broken",
    "Data",
    "Source",
    "Value",
    "join_files",
    "parse_file",
    "parse_text",
    "read_variables",
]
