"""What a reader sees of a study: tables, figures, sentences, explorers and notebooks."""
