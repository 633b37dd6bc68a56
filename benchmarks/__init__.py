"""Speed as ratios: what the engine takes against a hand-written floor, in one run on one server."""
