"""What came out, for people."""


def show(outcomes):
    for outcome in outcomes:
        print(f"{'pass' if outcome.passed else 'FAIL'}  {outcome.name}")
        for reason in outcome.reasons[:3]:
            print(f"      {reason}")
        if len(outcome.reasons) > 3:
            print(f"      ... and {len(outcome.reasons) - 3} more")
    passed = sum(outcome.passed for outcome in outcomes)
    print(f"{passed} of {len(outcomes)} pass ({100 * passed / len(outcomes):.1f}%)")


def cell(text):
    """Of a Markdown table, in which what a test says can't become anything else."""
    plain = "".join(c if c.isprintable() else "?" for c in text)
    for mark in "\\`*_{}[]<>|$":
        plain = plain.replace(mark, "\\" + mark)
    return plain if len(plain) <= 300 else plain[:297] + "..."


def write(outcomes, version, path):
    passed = sum(outcome.passed for outcome in outcomes)
    not_ours = sum(any(reason.startswith("not for us") for reason in outcome.reasons) for outcome in outcomes)
    for_next = sum(outcome.passed and outcome.is_for_next for outcome in outcomes)
    lines = [
        "# Conformance with Suricata",
        "",
        "Written by `tests/conformance/run.py --write FOLDER`: the tests of suricata-verify, each with its rules, capture and",
        f"checks, run through `tocsin inspect --rules`. Acting as Suricata {version}. A test passes when all of its checks",
        "hold; one that asks for another version or for a feature that Tocsin lacks counts as not passing.",
        "",
        "| | tests |",
        "| --- | ---: |",
        f"| all | {len(outcomes)} |",
        f"| pass | {passed} ({100 * passed / len(outcomes):.1f}%) |",
        f"| pass, and ask for Suricata 9, which is not released | {for_next} |",
        f"| do not pass: not for us | {not_ours} |",
        f"| do not pass: a check failed, or the program did | {len(outcomes) - passed - not_ours} |",
        "",
        "## Test by test",
        "",
        "| test | result |",
        "| --- | --- |",
    ]
    for outcome in outcomes:
        result = "pass" if outcome.passed else cell(outcome.reasons[0])
        if len(outcome.reasons) > 1:
            result += f" (and {len(outcome.reasons) - 1} more)"
        lines.append(f"| {cell(outcome.name)} | {result} |")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
