"""What the SQL stores share: tables, statements, transactions, schema."""
