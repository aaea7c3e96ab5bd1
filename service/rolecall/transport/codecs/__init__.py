"""Messages become values and values become messages, here and nowhere else."""
