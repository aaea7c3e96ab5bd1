"""What is wrong with files: problems at their locations, and the reports of them."""
