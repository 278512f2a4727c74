"""Measures time, always against a yardstick in the same run: `make bench`. Tests measure none."""
