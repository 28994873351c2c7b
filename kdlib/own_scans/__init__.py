"""A user's own scans: check them, adapt to them, segment them, and write a report on them."""
