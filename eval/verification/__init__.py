"""What the core keeps and how fast its errors fall: `python -m eval.verification`."""
