"""The promise of the dashboard, which `marketing_analytics.monitor.levels` counts."""

from marketing_analytics.monitor.levels.check import CHECK

__all__ = ["CHECK"]
