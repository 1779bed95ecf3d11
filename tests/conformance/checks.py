"""What a test of suricata-verify asks of the logs: its `checks`, and its `requires`.

https://github.com/OISF/suricata-verify#readme describes the fields.
"""
import filecmp
import json
import os
import platform
import re
import subprocess

COMPARISONS = {
    "__gt": lambda a, b: a > b,
    "__gte": lambda a, b: a >= b,
    "__lt": lambda a, b: a < b,
    "__lte": lambda a, b: a <= b,
}
TEXT_TESTS = {
    "__contains": lambda have, want: want in have,
    "__find": lambda have, want: have.find(want) >= 0,
    "__startswith": lambda have, want: have.startswith(want),
    "__endswith": lambda have, want: have.endswith(want),
}


class NotForUs(Exception):
    """The test asks for another version, feature or machine."""


class Failed(Exception):
    """A check that did not hold, said so that a person sees why."""


def version_of(text, blank=0):
    """(major, minor, patch); what is not said is `blank`."""
    found = re.match(r"(\d+)\.?(\d+)?\.?(\d+)?", str(text).strip())
    if not found:
        raise NotForUs(f"version {text!r} is not understood")
    return tuple(int(part) if part else blank for part in found.groups())


def meet(requires, acting, test_directory):
    """Raises NotForUs unless `requires` is met. acting: .version (text) and .features (set)."""
    mine = version_of(acting.version)
    for key, value in (requires or {}).items():
        if key == "min-version" and mine < version_of(value):
            raise NotForUs(f"at least version {value}")
        if key == "lt-version" and mine >= version_of(value):
            raise NotForUs(f"a version before {value}")
        if key == "gt-version" and mine <= version_of(value):
            raise NotForUs(f"a version after {value}")
        if key == "version":
            asked = version_of(value, None)
            if any(part is not None and part != own for part, own in zip(asked, mine)):
                raise NotForUs(f"version {value} only")
        if key == "features":
            for feature in value:
                if feature not in acting.features:
                    raise NotForUs(f"feature {feature}")
        if key == "env":
            for name in value:
                if name not in os.environ:
                    raise NotForUs(f"environment variable {name}")
        if key == "files":
            for name in value:
                if not os.path.exists(os.path.join(test_directory, name)):
                    raise NotForUs(f"file {name}")
        if key == "script":
            for script in value:
                if subprocess.call(script, shell=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) != 0:
                    raise NotForUs("a script that says no")
        if key == "os" and not platform.system().lower().startswith(str(value).lower()):
            raise NotForUs(f"system {value}")
        if key == "arch" and not platform.machine().lower().startswith(str(value).lower()):
            raise NotForUs(f"machine {value}")
        if key == "lambda":
            raise NotForUs("an expression of the other runner")


def value_at(name, record):
    """What a dotted name with [indices] leads to; None where there is nothing."""
    for part in name.split("."):
        if part == "__len":
            return len(record) if hasattr(record, "__len__") else -1
        if part in COMPARISONS or part in TEXT_TESTS:
            break
        indexed = re.match(r"^(.*)\[(\d+)\]$", part)
        key = indexed.group(1) if indexed else part
        if not isinstance(record, dict) or key not in record:
            return None
        record = record[key]
        if indexed:
            try:
                record = record[int(indexed.group(2))]
            except (IndexError, KeyError, TypeError):
                return None
    return record


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def holds(name, have, want):
    last = name.rsplit(".", 1)[-1]
    if last in COMPARISONS:
        return is_number(have) and is_number(want) and COMPARISONS[last](have, want)
    if last in TEXT_TESTS:
        try:
            return have is not None and bool(TEXT_TESTS[last](have, want))
        except (TypeError, AttributeError):
            return False
    return have == want


def first_difference(match, record):
    """The first (name, wanted, had) of `match` that a record does not have; None: it matches."""
    for name, want in match.items():
        if name in ("has-key", "not-has-key"):
            for key in want if isinstance(want, list) else [want]:
                if (value_at(key, record) is not None) != (name == "has-key"):
                    return (name, key, value_at(key, record))
        elif not holds(name, value_at(name, record), want):
            return (name, want, value_at(name, record))
    return None


def records_of(path):
    if not os.path.exists(path):
        raise Failed(f"{os.path.basename(path)} was not written")
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                yield json.loads(line)
            except ValueError as error:
                raise Failed(f"{os.path.basename(path)}:{number}: not JSON: {error}") from error


def shown(value):
    text = json.dumps(value, ensure_ascii=True)
    return text if len(text) <= 120 else text[:117] + "..."


def check_filter(check, test):
    meet(check.get("requires"), test.acting, test.directory)
    path = os.path.join(test.output, check.get("filename", "eve.json"))
    count, nearest = 0, None
    for record in records_of(path):
        difference = first_difference(check["match"], record)
        if difference is None:
            count += 1
        elif record.get("event_type") == check["match"].get("event_type"):
            nearest = nearest or difference
    if count != check["count"]:
        wanted = ", ".join(f"{name}: {shown(value)}" for name, value in check["match"].items())
        near = f"; one has {nearest[0]} {shown(nearest[2])}" if count == 0 and nearest else ""
        raise Failed(f"{count} instead of {check['count']} with {wanted}{near}")


def check_stats(check, test):
    stats = None
    for record in records_of(os.path.join(test.output, "eve.json")):
        if record.get("event_type") == "stats":
            stats = record["stats"]
    for name, want in check.items():
        have = value_at(name, stats)
        if not holds(name, have, want):
            raise Failed(f"stats.{name} is {shown(have)} instead of {shown(want)}")


def check_shell(check, test):
    meet(check.get("requires"), test.acting, test.directory)
    done = subprocess.run(check["args"], shell=True, env=test.environment, cwd=test.output, capture_output=True,
                          timeout=test.seconds, check=False)
    if done.returncode != 0:
        raise Failed(f"'{check['args']}' ended with {done.returncode}")
    got = done.stdout.decode("utf-8", "replace").strip()
    if "expect" in check and str(check["expect"]) != got:
        raise Failed(f"'{check['args']}' gave {shown(got)} instead of {shown(str(check['expect']))}")


def check_file_compare(check, test):
    meet(check.get("requires"), test.acting, test.directory)
    expected = os.path.join(test.directory, check["expected"])
    got = os.path.join(test.output, check["filename"])
    if not os.path.exists(expected):
        raise Failed(f"the test has no {check['expected']}")
    if not os.path.exists(got):
        raise Failed(f"{check['filename']} was not written")
    if not filecmp.cmp(expected, got, shallow=False):
        raise Failed(f"{check['filename']} differs from {check['expected']}")


KINDS = {"filter": check_filter, "stats": check_stats, "shell": check_shell, "file-compare": check_file_compare}


def run_checks(checks, test):
    """(how many held, how many were not for us, reasons of those that failed)."""
    held, not_for_us, reasons = 0, [], []
    for number, entry in enumerate(checks or [], 1):
        for kind, check in entry.items():
            if kind not in KINDS:
                reasons.append(f"check {number}: kind {kind!r} is not known")
                continue
            try:
                KINDS[kind](check, test)
                held += 1
            except NotForUs as reason:
                not_for_us.append(str(reason))
            except Failed as reason:
                reasons.append(f"check {number}: {reason}")
            except subprocess.TimeoutExpired:
                reasons.append(f"check {number}: took too long")
    return held, not_for_us, reasons
