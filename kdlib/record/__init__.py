"""The small files that a study leaves: written here and read here."""
