#!/usr/bin/env python3
"""Compares every figure of a simulated nation's truth.json with what tocsin answers. Prints what differs.

usage: compare_truth.py TOCSIN STORE TRUTH.json [--print]
"""
import json
import subprocess
import sys

tocsin, store, truth_path = sys.argv[1:4]
truth = json.load(open(truth_path))
wrong = asked = 0


def answer(entry):
    figure, measure = entry["figure"], entry["measure"]
    if measure == "share":
        figure, measure = "phishing.overseas-share", ""
    command = [tocsin, "figure", figure, "--store", store, "--from", entry["from"], "--to", entry["to"],
               "--zone", truth["zone"], "--json", "--limit", "0"]
    if entry["by"]:
        command += ["--by", entry["by"]]
    if measure:
        command += ["--measure", measure]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: {done.stderr}")
    return json.loads(done.stdout)


def same(a, b):
    return abs(a - b) <= 1e-9 * max(abs(a), abs(b))


for entry in truth["figures"]:
    got = answer(entry)
    asked += 1
    name = f"{entry['figure']} {entry['measure']} by {entry['by'] or 'nothing'}, {entry['from']} to {entry['to']}"
    if "--print" in sys.argv:
        print(f"{name}: {entry['value']:,.10g}")
    if not same(got["value"], entry["value"]):
        wrong += 1
        print(f"{name}: {got['value']:,.10g} counted, {entry['value']:,.10g} true")
    rows = {row["key"][entry["by"]]: row["value"] for row in got["rows"]} if entry["by"] else {}
    for key in sorted(rows.keys() | entry["rows"].keys()):
        if not same(rows.get(key, 0), entry["rows"].get(key, 0)):
            wrong += 1
            print(f"{name}, {key or 'unknown'}: {rows.get(key, 0):,.10g} counted, {entry['rows'].get(key, 0):,.10g} true")
print(f"{asked} figures asked, {wrong} numbers differ")
sys.exit(1 if wrong or not asked else 0)
