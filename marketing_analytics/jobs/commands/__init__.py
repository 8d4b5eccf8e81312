"""The commands of `marketing jobs`, one module for what belongs together."""
