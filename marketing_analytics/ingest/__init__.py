"""Copy ad platforms, e-mail, web analytics and the shop into the raw database.

May import `core` only; the outside world is met through its documented protocols. Start
reading at `run`: it collects every platform with `platforms/*`, then loads with `engine`.
"""
