#!/usr/bin/env python3
"""Many damaged copies of one log through verify.py, in one process.

    python3 batch.py notary.pem < copies

The first line of the input is a JSON array of lines, each further one an array of places in it: a copy of the log. Prints for each copy the
codes of its faults, in order. Exports are taken as complete. What a line says of itself is worked out once, however many copies hold it; what
follows from the order of lines is worked out for every copy.
"""
import json
import sys

import verify


def once_a_line(name):
    work, known = getattr(verify, name), {}

    def remembering(line, *more):
        if line not in known:
            try:
                known[line] = (work(line, *more), None)
            except (ValueError, RecursionError) as error:
                known[line] = (None, error)
        found, error = known[line]
        if error is not None:
            raise error
        return found
    setattr(verify, name, remembering)


def main(pem):
    with open(pem, encoding="utf-8") as file:
        keys = [verify.Key(file.read())]
    for name in ("parse", "is_event", "event_fault", "is_statement"):
        once_a_line(name)
    lines = json.loads(sys.stdin.readline())
    for copy in sys.stdin:
        report = verify.verify_lines([lines[place] for place in json.loads(copy)], keys, True)
        print(json.dumps(report["codes"]), flush=True)


if __name__ == "__main__":
    sys.setrecursionlimit(10_000)
    main(sys.argv[1])
