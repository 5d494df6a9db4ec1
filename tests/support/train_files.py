"""What a training of the tests leaves, and its periods."""

import json

PERIODS = {"train": [0.0, 0.6], "validation": [0.6, 1.0]}


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]
