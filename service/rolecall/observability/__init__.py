"""What people see of a running server: metrics, logs, and whether it is well."""
