"""Where dlt finds its settings: in the environment, and nowhere else.

dlt asks for thousands of settings in a load. Its own way looks through files of secrets at every
question, which was a fifth of what a small load costs. Import this only where dlt is needed.
"""

from __future__ import annotations

import os
from typing import Any

from dlt.common.configuration.container import Container
from dlt.common.configuration.providers.environ import EnvironProvider
from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext


class Environment(EnvironProvider):
    """The variables of this process, no files."""

    def get_value(
        self, key: str, hint: type[Any], pipeline_name: str | None, *sections: str
    ) -> tuple[Any | None, str]:
        """Return a setting and the name of its variable."""
        name = self.get_key_name(key, pipeline_name or "", *sections)
        return os.environ.get(name), name


def use_environment_alone() -> None:
    """Let dlt take settings from nowhere else; calling it again changes nothing."""
    context = Container()[PluggableRunContext]
    if [type(provider) for provider in context.providers.providers] != [Environment]:
        context.providers.providers = [Environment()]
