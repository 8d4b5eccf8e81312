"""The pages of the local dbt Cloud: jobs, runs, the queue, one run with its log and timing.

Rendered on the server, reading from the store, readable without scripts. Start at `mount`.
"""

from marketing_analytics.cloud.ui.mount import (
    Actions,
    Health,
    StoreActions,
    UiSettings,
    build_ui,
    mount_ui,
)

__all__ = ["Actions", "Health", "StoreActions", "UiSettings", "build_ui", "mount_ui"]
