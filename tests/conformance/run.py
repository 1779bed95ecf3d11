#!/usr/bin/env python3
"""Runs tests in the form of suricata-verify against `tocsin inspect`.

usage: tests/conformance/run.py [options] FOLDER [NAME...]

FOLDER: any folder that has a test.yaml below. NAME: only tests whose path has it. A test passes when all of its checks
hold, those that are for another version left out; one that is not for us at all does not pass.
"""
import argparse
import concurrent.futures
import dataclasses
import glob
import os
import re
import shutil
import signal
import string
import subprocess
import sys
import tempfile

import yaml

import checks
import report

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
# What Suricata's build information would call what Tocsin has.
FEATURES = {"HAVE_JA3", "HAVE_JA4", "JA3", "JA4", "MAGIC", "TLS", "HTTP2_DECOMPRESSION", "LIBNET1.1",
            "HAVE_HTP_URI_NORMALIZE_HOOK", "PCRE_JIT", "HAVE_LIBJANSSON", "RUST", "HAVE_NSS", "QA_SIMULATION"}


@dataclasses.dataclass(frozen=True)
class Acting:
    """The version whose behaviour is asked of us, and what of its features there is."""
    version: str
    features: frozenset


@dataclasses.dataclass
class Test:
    name: str
    directory: str
    output: str
    acting: Acting
    seconds: float
    config: dict
    environment: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Outcome:
    name: str
    passed: bool
    reasons: list
    is_for_next: bool = False  # asks for a version that is not released


def captures_of(test):
    if test.config.get("pcap"):
        path = os.path.join(test.directory, test.config["pcap"])
        if not os.path.exists(path):
            raise checks.Failed(f"the test has no {test.config['pcap']}")
        return [path]
    found = sorted(glob.glob(os.path.join(test.directory, "*.pcap")) + glob.glob(os.path.join(test.directory, "*.pcapng")))
    if len(found) > 1:
        raise checks.Failed("several captures, none named")
    return found


def is_for_version(rules, version):
    named = re.match(r"^min(.+)\.rules$", os.path.basename(rules))
    return not named or checks.version_of(version) >= checks.version_of(named.group(1))


def rule_arguments(test):
    if "rules" in test.config:
        rules = [os.path.join(test.directory, test.config["rules"])] if test.config["rules"] else []
    else:
        rules = sorted(glob.glob(os.path.join(test.directory, "*.rules")))
    if len(rules) > 2 or (len(rules) == 2 and not rules[0].endswith("firewall.rules")):
        raise checks.Failed("several files of rules, none named")
    arguments = []
    for path in rules:
        if not os.path.exists(path):
            raise checks.Failed(f"the test has no {os.path.basename(path)}")
        if path.endswith("firewall.rules"):
            arguments += ["--firewall-rules-exclusive", path]
        elif is_for_version(path, test.acting.version):
            arguments += ["-S", path]
    return arguments


def arguments_of(test, srcdir):
    arguments = [os.path.join(srcdir, "src", "suricata")]
    for text in test.config.get("args") or []:
        arguments += [string.Template(part).safe_substitute(test.environment) for part in text.split()]
    arguments += ["--init-errors-fatal", "-l", test.output]
    if "ips" in os.path.basename(test.directory):
        arguments.append("--simulate-ips")
    own = os.path.join(test.directory, "suricata.yaml")
    arguments += ["-c", own if os.path.exists(own) else os.path.join(srcdir, "suricata.yaml")]
    captures = captures_of(test)
    if not captures and test.config.get("requires", {}).get("pcap", True) and test.config.get("pcap", True):
        raise checks.NotForUs("a capture, which the test does not have")
    for path in captures:
        arguments += ["-r", path]
    return arguments + rule_arguments(test)


def execute(command, test):
    """Exit status; what was said goes to files of the output folder."""
    with open(os.path.join(test.output, "stdout"), "wb") as out, open(os.path.join(test.output, "stderr"), "wb") as err:
        process = subprocess.Popen(command, shell=isinstance(command, str), cwd=test.directory, env=test.environment,
                                   stdout=out, stderr=err, stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            return process.wait(timeout=test.seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise checks.Failed(f"was not done after {test.seconds:g} s") from None


def said(test):
    with open(os.path.join(test.output, "stderr"), encoding="utf-8", errors="replace") as file:
        lines = [line.strip().replace(test.directory + "/", "") for line in file if line.strip()]
    lines = [line for line in lines if ": warning: " not in line] or lines
    return lines[0] if lines else "nothing was said"


def set_up(test):
    shutil.rmtree(test.output, ignore_errors=True)
    os.makedirs(test.output)
    for entry in test.config.get("setup") or []:
        for kind, script in entry.items():
            if kind == "script":
                subprocess.check_call(script, shell=True, cwd=test.output, env=test.environment, timeout=test.seconds)


def refuse_what_is_not_ours(test):
    checks.meet(test.config.get("requires"), test.acting, test.directory)
    if test.config.get("skip") is True:
        raise checks.NotForUs("nobody: it is switched off")
    for entry in test.config["skip"] if isinstance(test.config.get("skip"), list) else []:
        if entry.get("uid") == os.getuid() or entry.get("feature") in test.acting.features:
            raise checks.NotForUs(entry.get("msg", "others"))
    if "unix-commands" in test.config:
        raise checks.NotForUs("Suricata's control socket")


def run(test, srcdir):
    try:
        refuse_what_is_not_ours(test)
        expected = test.config.get("exit-code", 0)
        for _ in range(test.config.get("count", 1)):
            set_up(test)
            if "command" in test.config:
                command = string.Template(test.config["command"]).safe_substitute(test.environment)
            else:
                command = arguments_of(test, srcdir)
            status = execute(command, test)
            # 3: done, but records of the capture were damaged.
            if (status not in (0, 3)) != (expected != 0):
                raise checks.Failed(f"exit status {status} instead of {expected}: {said(test)}")
            if "pre-check" in test.config:
                subprocess.call(test.config["pre-check"], shell=True, cwd=test.output, env=test.environment)
            held, not_for_us, reasons = checks.run_checks(test.config.get("checks"), test)
            if reasons:
                return Outcome(test.name, False, reasons)
            if not_for_us and not held:
                raise checks.NotForUs(not_for_us[0])
        return Outcome(test.name, True, [])
    except checks.NotForUs as reason:
        return Outcome(test.name, False, [f"not for us: asks for {reason}"])
    except (checks.Failed, OSError, subprocess.SubprocessError) as reason:
        return Outcome(test.name, False, [str(reason)])


def load(folder, names, arguments, scratch, srcdir):
    acting = Acting(arguments.acting_as, frozenset(FEATURES))
    found = []
    for directory, below, files in os.walk(folder, followlinks=True):
        below.sort()
        if "test.yaml" not in files:
            continue
        below[:] = []
        name = os.path.relpath(directory, folder)
        if names and not any(wanted in name for wanted in names):
            continue
        with open(os.path.join(directory, "test.yaml"), "rb") as file:
            config = yaml.safe_load(file) or {}
        output = os.path.join(scratch, name)
        test = Test(name, directory, output, acting, arguments.seconds, config)
        test.environment = {**os.environ, "TZ": "UTC", "TEST_DIR": directory, "OUTPUT_DIR": output, "SRCDIR": srcdir,
                            "TOCSIN": os.path.abspath(arguments.program),
                            **{key: str(value) for key, value in (config.get("env") or {}).items()}}
        found.append(test)
    return found


def reports_in(scratch):
    """What sanitizers wrote, the same place once."""
    told = {}
    for path in sorted(glob.glob(os.path.join(scratch, ".reports", "*"))):
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
        first = re.search(r"^.*(?:runtime error|ERROR: \w+Sanitizer).*$", text, re.M)
        told.setdefault(re.sub(r"0x[0-9a-f]+|==\d+==", "", first.group(0) if first else text[:200]), text)
    return told


def stand_in_for_sources(scratch):
    """A folder that commands of tests take for Suricata's sources."""
    srcdir = os.path.join(scratch, ".srcdir")
    os.makedirs(os.path.join(srcdir, "src"), exist_ok=True)
    shutil.copy(os.path.join(HERE, "suricata"), os.path.join(srcdir, "src", "suricata"))
    os.chmod(os.path.join(srcdir, "src", "suricata"), 0o755)
    return srcdir


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--program", default=os.path.join(ROOT, "build", "bin", "tocsin"))
    parser.add_argument("--acting-as", default="9.0.0", help="version of Suricata (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=30, help="most for one test")
    parser.add_argument("--workers", help="threads of the program that share the flows")
    parser.add_argument("--output", help="keep what the tests write here")
    parser.add_argument("--write", action="store_true", help="write docs/conformance.md")
    parser.add_argument("--passing", action="store_true", help="print only the names of those that pass")
    parser.add_argument("--sanitized", action="store_true", help="the program has sanitizers: tell what they say")
    arguments = parser.parse_args()

    scratch = os.path.abspath(arguments.output) if arguments.output else tempfile.mkdtemp(prefix="tocsin-conformance-")
    try:
        folder = os.path.abspath(arguments.folder)
        srcdir = stand_in_for_sources(scratch)
        if arguments.workers:
            os.environ["TOCSIN_WORKERS"] = arguments.workers
        if arguments.sanitized:
            os.makedirs(os.path.join(scratch, ".reports"), exist_ok=True)
            for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
                os.environ[name] = f"log_path={scratch}/.reports/{name[:4].lower()}:print_stacktrace=1"
        tests = load(folder, arguments.names, arguments, scratch, srcdir)
        if not tests:
            print(f"{folder}: no test.yaml below", file=sys.stderr)
            return 2
        with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
            outcomes = sorted(pool.map(lambda test: run(test, srcdir), tests), key=lambda outcome: outcome.name)
        next_only = {test.name for test in tests
                     if checks.version_of((test.config.get("requires") or {}).get("min-version", 0)) >= (9, 0, 0)}
        for outcome in outcomes:
            outcome.is_for_next = outcome.name in next_only
        told = reports_in(scratch)
    finally:
        if not arguments.output:
            shutil.rmtree(scratch, ignore_errors=True)
    for text in told.values():
        print(text, file=sys.stderr)
    if told:
        return 1
    if arguments.passing:
        print("\n".join(outcome.name for outcome in outcomes if outcome.passed))
    else:
        report.show(outcomes)
    if arguments.write:
        report.write(outcomes, arguments.acting_as, os.path.join(ROOT, "docs", "conformance.md"))
    return 0 if all(outcome.passed for outcome in outcomes) else 3


if __name__ == "__main__":
    sys.exit(main())
