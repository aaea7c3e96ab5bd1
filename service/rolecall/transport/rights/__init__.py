"""Which right each method needs, and whether a caller has it, before anything else is answered."""
