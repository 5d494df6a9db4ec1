"""The climate of a long run beside what is observed."""
