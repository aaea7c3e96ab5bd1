"""`callers`: write, check, explain and compare the files that say what each caller of a server may do."""
