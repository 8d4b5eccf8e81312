"""Insights: which days, which rows, which figures. Start with `insights`."""
