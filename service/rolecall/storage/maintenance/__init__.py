"""Whole stores, for the commands that copy, back up, restore and verify them."""
