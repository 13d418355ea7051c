"""Everything that can go wrong, at once and for as long as one likes.

The command: `python -m tests.soak --minutes 60 --seed 1`.
"""
