"""What a study says: tables, statistics and verdicts, from saved scores alone."""
