"""The starter: a small segmenter that comes with kdlib, and how it was made."""
