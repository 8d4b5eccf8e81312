"""Monitors judged by injected faults: recall, false alarms on quiet days, delay."""
