"""What a user of the API sees. serve_api.py organisations REGISTER prints two organisations of it;
serve_api.py check URL A B asks the server at URL, where A and B are the organisations of alice and bob; serve_api.py
draft URL gathers cases and makes a draft of a brief there as ann."""
import csv
import hashlib
import http.client
import http.cookiejar
import io
import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

MARCH = "from=2013-03-01&to=2013-04-01"


def organisations(path):
    with open(path, encoding="utf-8") as file:
        named = [row for row in csv.DictReader(file) if row["name"] and row["sector"].startswith("government")]
    print(named[0]["name"])
    print(named[1]["name"])


class Client:
    def __init__(self, url, name=None, token=None):
        self.url, self.token, self.csrf, self.name = url, token, "", name
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))
        if name:
            answer = self.ask("POST", "/api/v1/session", {"name": name, "password": f"the password of {name}"})
            self.csrf = answer.json["csrf"]

    def ask(self, method, path, body=None, headers=(), status=200):
        request = urllib.request.Request(self.url + path, method=method)
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("content-type", "application/json")
        if self.csrf:
            request.add_header("x-csrf-token", self.csrf)
        if self.token:
            request.add_header("authorization", "Bearer " + self.token)
        for name, value in dict(headers).items():
            request.add_header(name, value)
        try:
            response = self.opener.open(request, timeout=120)
        except urllib.error.HTTPError as error:
            response = error
        answer = Answer(response)
        if status is not None:
            check(answer.status == status, f"{method} {path} as {self.name}: {answer.status} instead of {status}: {answer.text[:300]}")
        return answer

    def get(self, path, **more):
        return self.ask("GET", path, **more)


class Answer:
    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()
        self.text = self.body.decode("utf-8", "replace")
        media = self.headers.get("content-type", "")
        self.json = json.loads(self.text) if "json" in media and "ndjson" not in media and self.text else None


def check(truth, what):
    if not truth:
        print(f"serve_api: {what}", file=sys.stderr)
        sys.exit(1)


def same(what, expected, got):
    check(expected == got, f"{what}: expected {expected!r}, got {got!r}")


def tocsin(*arguments):
    done = subprocess.run([os.environ["TOCSIN"], *arguments], capture_output=True, text=True, check=False)
    return done.stdout


def anonymous(url):
    nobody = Client(url)
    same("user of nobody", None, nobody.get("/api/v1/session").json["user"])
    check("sightings" not in nobody.get("/api/v1/status").json, "the status tells nobody too much")
    same("briefs", [], nobody.get("/api/v1/briefs").json["briefs"])
    for path in ("/api/v1/sightings", "/api/v1/figures", "/api/v1/overview", "/api/v1/users", "/api/v1/live"):
        answer = nobody.get(path, status=401)
        check(answer.headers["content-type"].startswith("application/problem+json"), f"{path}: no problem document")
        same(f"{path}: status of the problem", 401, answer.json["status"])
    nobody.get("/api/v1/nothing", status=404)
    same("allow", "GET", nobody.ask("PUT", "/api/v1/status", {}, status=405).headers["allow"].split(",")[0])
    nobody.get("/api/v1/status?colour=red", status=400)
    nobody.ask("POST", "/api/v1/session", {"name": "ann", "password": "wrong password"}, status=401)
    nobody.ask("POST", "/api/v1/session", {"name": "ann' OR '1'='1", "password": "x" * 20}, status=401)
    nobody.get("/api/v1/sightings", headers={"authorization": "Bearer tcs_nothing"}, status=401)
    page = nobody.get("/")
    check("default-src 'none'" in page.headers["content-security-policy"], "the page has no strict policy")
    check("script-src 'self'" in page.headers["content-security-policy"], "the page's policy allows no scripts")
    for secret in ("/../state.db", "/%2e%2e/state.db", "/assets/..%2f..%2fstate.db", "/state.db"):
        check(b"SQLite" not in nobody.get(secret, status=None).body, f"{secret} is served")


def figures(ann):
    sectors = {s["code"]: s["zh"] for s in ann.get("/api/v1/status").json["sectors"]}
    same("name of a sector", "银行", sectors["finance/banking"])
    catalogue = ann.get("/api/v1/figures").json
    listed = json.loads(tocsin("figure", "--store", os.environ["STORE"], "--json"))
    same("figures of the catalogue", [f["figure"] for f in listed], [f["id"] for f in catalogue["figures"]])
    for figure in ("botnet.controlled-hosts", "backdoor.sites", "phishing.overseas-share", "exploit.attempts"):
        told = ann.get(f"/api/v1/figures/{figure}?{MARCH}&by=actor-country&limit=10000").json
        asked = json.loads(tocsin("figure", "--store", os.environ["STORE"], figure, "--from", "2013-03-01", "--to",
                                  "2013-04-01", "--by", "actor-country", "--limit", "0", "--json"))
        for key in ("value", "previous", "rows", "overlap", "unit"):
            same(f"{figure}: {key}", asked[key], told[key])
        for row in told["rows"][:2]:
            code = row["key"]["actor-country"]
            one = ann.get(f"/api/v1/figures/{figure}?{MARCH}&key=actor-country:{code}").json
            if not figure.endswith("share"):
                same(f"{figure} of {code}", row["value"], one["value"])
    first = ann.get(f"/api/v1/overview?{MARCH}")
    check(first.headers["etag"], "no ETag")
    same("asked again", 304, ann.get(f"/api/v1/overview?{MARCH}", headers={"if-none-match": first.headers["etag"]}, status=304).status)
    hosts = next(f for f in first.json["figures"] if f["id"] == "botnet.controlled-hosts")
    same("overview", ann.get(f"/api/v1/figures/botnet.controlled-hosts?{MARCH}").json["value"], hosts["value"])
    check(len(hosts["trend"]) > 20, "the trend is short")
    ann.get("/api/v1/figures/no.such", status=404)
    for wrong in ("by=colour", "key=colour:red", "from=yesterday", "zone=Mars%2FOlympus", "from=2013-04-01&to=2013-03-01",
                  "confidence=maybe", "limit=-1", "limit=1e9", "measure=luck", "by=day&by=week&by=month&by=kind"):
        ann.get(f"/api/v1/figures/botnet.controlled-hosts?{wrong}", status=400)


def sightings(ann):
    ids, after = [], ""
    while True:
        page = ann.get(f"/api/v1/sightings?{MARCH}&kind=backdoor&limit=7{after}").json
        ids += [s["id"] for s in page["sightings"]]
        if not page["next"]:
            break
        after = "&after=" + page["next"]
    lines = ann.get(f"/api/v1/sightings?{MARCH}&kind=backdoor&format=ndjson").text.splitlines()
    same("pages and stream", ids, [json.loads(line)["id"] for line in lines])
    rows = list(csv.DictReader(io.StringIO(ann.get(f"/api/v1/sightings?{MARCH}&kind=backdoor&format=csv").text)))
    same("rows of CSV", len(ids), len(rows))
    check(ann.get(f"/api/v1/sightings?{MARCH}&kind=backdoor&format=parquet").body[:4] == b"PAR1", "no Parquet")
    ann.get("/api/v1/sightings?after=00", status=400)
    ann.get("/api/v1/sightings?actor=nonsense", status=400)
    detail = ann.get("/api/v1/sightings/" + ids[0]).json
    same("detail", ids[0], detail["sighting"]["id"])
    check(detail["sources"], "no sources")
    evidence = ann.get(f"/api/v1/sightings/{ids[0]}/evidence").json
    actor = detail["sighting"]["actor"]["ip"]
    check(any(actor in e["line"] for e in evidence["evidence"]), f"the evidence does not hold {actor}: {evidence}")
    ann.get("/api/v1/sightings/20130301-" + "0" * 32, status=404)
    ann.get("/api/v1/sightings/..%2f..%2fx", status=None)
    behind = ann.get(f"/api/v1/figures/backdoor.sites/sightings?{MARCH}&limit=1000&key=actor-country:US").json["sightings"]
    sites = {s["target"]["name"] or s["target"]["ip"] for s in behind}
    same("sites behind the figure", ann.get(f"/api/v1/figures/backdoor.sites?{MARCH}&key=actor-country:US").json["value"], len(sites))
    known = ann.get("/api/v1/lookup?q=" + actor).json
    same("look-up", ("address", actor), (known["what"], known["query"]))
    check(known["as_actor"] > 0 and known["graph"]["edges"] and known["timeline"], "the look-up is empty")
    same("a prefix", "prefix", ann.get("/api/v1/lookup?q=8.8.4.0/24").json["what"])
    same("a network", "network", ann.get("/api/v1/lookup?q=AS15169").json["what"])


def hostile(ann):
    """Injections in the data come out as text, in every form."""
    every = ann.get(f"/api/v1/sightings?{MARCH}&q=alert(1)&limit=100").json["sightings"]
    check(every, "the hostile sightings are not found")
    sheet = ann.get(f"/api/v1/sightings?{MARCH}&format=csv").text
    for row in csv.reader(io.StringIO(sheet)):
        for cell in row:
            check(not re.match(r"[=+@\t\r]|-(?![0-9])", cell), f"a formula in CSV: {cell!r}")
    for path in (f"/api/v1/figures/malware.families?{MARCH}&by=family&limit=1000", f"/api/v1/sightings?{MARCH}&limit=1000"):
        answer = ann.get(path)
        check(answer.headers["content-type"].startswith("application/json"), "not JSON")
        check("\x1b" not in answer.text, "an escape character as it is")
        same("nosniff", "nosniff", answer.headers["x-content-type-options"])
    for text in ("'; DROP TABLE sightings; --", "<script>alert(1)</script>", "\x00", "%", "_", "\\"):
        for name in ("q", "family", "organisation", "rule", "target_name", "source"):
            ann.get(f"/api/v1/sightings?{MARCH}&{name}={urllib.parse.quote(text)}", status=None)
    check(ann.get(f"/api/v1/sightings?{MARCH}&limit=1").json["sightings"], "the sightings are gone")


def changes(url, ann, oz, root):
    """CSRF, tokens, cases, briefs."""
    csrf, ann.csrf = ann.csrf, ""
    ann.ask("POST", "/api/v1/cases/refresh", {}, status=403)
    ann.csrf = csrf
    ann.ask("POST", "/api/v1/cases/refresh", {})
    case = ann.get("/api/v1/cases?kind=backdoor").json["cases"][0]
    path = f"/api/v1/cases/{case['id']}"
    ann.ask("PATCH", path, {"assignee": "ann", "state": "notified"})
    ann.ask("PATCH", path, {"assignee": "nobody-there"}, status=400)
    ann.ask("PATCH", path, {"state": "recurred"}, status=400)
    ann.ask("PATCH", path, {"state": "fixed", "fixed_at": "2999-01-01"}, status=400)
    ann.ask("POST", path + "/comments", {"text": "<b>called</b> them"}, status=201)
    fixed = ann.ask("PATCH", path, {"state": "fixed", "fixed_at": case["first_seen"]}).json
    same("state", "fixed", fixed["state"])
    same("recurred", 1, ann.ask("POST", "/api/v1/cases/refresh", {}).json["recurred"])
    detail = ann.get(path).json
    same("found again after it was said fixed", "recurred", detail["state"])
    same("history", ["state", "assign", "comment", "state", "recurred"], [e["action"] for e in detail["history"]])
    for language in ("en", "zh"):
        notice = ann.get(f"{path}/notice?lang={language}").json
        check(detail["target"] in notice["text"] or detail["targets"] > 20, "the notice does not name the target")

    defaced = ann.get("/api/v1/cases?kind=defacement").json["cases"][0]["id"]
    for language, unknown in (("en", "unknown"), ("zh", "不明")):
        text = ann.get(f"/api/v1/cases/{defaced}/notice?lang={language}").json["text"]
        check("←  (" not in text and f"← {unknown} (" in text, f"the notice has an actor without a name: {text}")

    token = ann.ask("POST", "/api/v1/tokens", {"label": "reader", "scopes": ["read"], "days": 1}, status=201).json["token"]
    reader = Client(url, token=token)
    reader.get("/api/v1/cases")
    reader.ask("POST", "/api/v1/cases/refresh", {}, status=403)
    ann.ask("DELETE", "/api/v1/tokens/" + ann.get("/api/v1/tokens").json["tokens"][0]["id"], status=204)
    reader.get("/api/v1/cases", status=401)
    # A token that leaked must not make another, nor change how its owner signs in.
    token = ann.ask("POST", "/api/v1/tokens", {"label": "writer", "scopes": ["write"], "days": 1}, status=201).json["token"]
    writer = Client(url, token=token)
    writer.ask("POST", path + "/comments", {"text": "by a token"}, status=201)
    for method, way, body in (("POST", "tokens", {"label": "x", "scopes": ["read"]}), ("POST", "session/totp", {"password": "the password of ann"}),
                              ("PUT", "session/totp", {"code": "000000"}),
                              ("POST", "session/totp/removal", {"password": "the password of ann"}),
                              ("POST", "session/password", {"old": "the password of ann", "new": "x" * 20})):
        writer.ask(method, "/api/v1/" + way, body, status=403)
    # Whoever reads can't hide from the trail what was read behind what is long.
    ann.get(f"/api/v1/sightings?after={'0' * 1900}1.1362000000000000.0&actor=203.0.113.7&confidence=confirmed")
    entries = ann_trail(root)
    check(any("actor=203.0.113.7" in e for e in entries), f"the audit trail lost a parameter: {entries[:3]}")
    for wrong in ("zz", "31", "1.999253402300799000000.0", "1.9223372036854775807.0", "1.1.-1"):
        ann.get("/api/v1/sightings?after=" + wrong, status=400)
    ann.get("/api/v1/figures/any.sightings?key=kind:scan&key=kind:backdoor", status=400)

    brief = ann.ask("POST", "/api/v1/briefs", {"from": "2013-03-01", "to": "2013-04-01",
                                               "title": {"en": "A <i>title</i>"}, "remarks": {"en": "First & last."}}, status=201).json
    path = f"/api/v1/briefs/{brief['id']}"
    nobody = Client(url)
    nobody.get(path, status=404)
    nobody.get(path + "/files/brief.en.html", status=404)
    ann.ask("POST", path + "/publish", {}, status=403)
    oz.ask("PATCH", path, {"title": {"zh": "三月"}})
    published = oz.ask("POST", path + "/publish", {}).json
    same("state of the brief", "published", published["state"])
    same("who published, to everybody", "", nobody.get(path).json["by"])
    same("who published, to analysts", "oz", ann.get(path).json["by"])
    same("published briefs", [brief["id"]], [b["id"] for b in nobody.get("/api/v1/briefs").json["briefs"]])
    html = nobody.get(path + "/files/brief.en.html")
    check("A &lt;i&gt;title&lt;/i&gt;" in html.text and "First &amp; last." in html.text, "title or remarks are not in the brief")
    check("script-src" not in html.headers["content-security-policy"], "the brief may run scripts")
    check(nobody.get(path + "/files/brief.zh.pdf").body[:5] == b"%PDF-", "no PDF")
    nobody.get(path + "/files/..%2f..%2fstate.db", status=None)
    oz.ask("PATCH", path, {"title": {"en": "Another"}}, status=409)
    oz.ask("DELETE", path, status=409)
    files = os.path.join(os.environ["STORE"], "briefs", str(brief["id"]), "brief.json")
    done = subprocess.run([os.environ["TOCSIN"], "verify", "--store", os.environ["STORE"], files], capture_output=True, text=True, check=False)
    same(f"tocsin verify: {done.stdout}{done.stderr}", 0, done.returncode)

    publishing(ann, oz)

    root.ask("POST", "/api/v1/users", {"name": "new", "role": "analyst", "password": "the password of new"}, status=201)
    new = Client(url, "new")
    new.get("/api/v1/cases")
    root.ask("PATCH", "/api/v1/users/new", {"disabled": True}, status=204)
    new.get("/api/v1/cases", status=401)
    root.ask("DELETE", "/api/v1/users/new", status=204)
    root.ask("DELETE", "/api/v1/users/root", status=400)
    actions = {(e["user"], e["action"]) for e in root.get("/api/v1/audit?limit=1000").json["entries"]}
    for entry in (("ann", "see"), ("ann", "case.change"), ("ann", "case.comment"), ("oz", "brief.publish"), ("root", "user.add"), ("ann", "sign-in")):
        check(entry in actions, f"the audit trail lacks {entry}")


def proofs(url, root):
    """Who finds a page left open changes neither password nor second factor; a new password ends all that the old one began."""
    root.ask("POST", "/api/v1/users", {"name": "pat", "role": "analyst", "password": "the password of pat"}, status=201)
    pat, elsewhere = Client(url, "pat"), Client(url, "pat")
    for path, body in (("session/totp", {}), ("session/totp", {"password": "wrong password"}), ("session/totp/removal", {}),
                       ("session/password", {"old": "wrong password", "new": "x" * 20})):
        same(f"{path} without proof", "urn:tocsin:wrong", pat.ask("POST", "/api/v1/" + path, body, status=403).json["type"])
    token = Client(url, token=pat.ask("POST", "/api/v1/tokens", {"label": "t", "scopes": ["read"]}, status=201).json["token"])
    token.get("/api/v1/cases")
    session = pat.ask("POST", "/api/v1/session/password", {"old": "the password of pat", "new": "another password of pat"}).json
    check(session["csrf"] != pat.csrf, "the session that goes on has the old CSRF token")
    pat.csrf = session["csrf"]
    pat.get("/api/v1/cases")
    elsewhere.get("/api/v1/cases", status=401)
    token.get("/api/v1/cases", status=401)
    token = Client(url, token=pat.ask("POST", "/api/v1/tokens", {"label": "t", "scopes": ["read"]}, status=201).json["token"])
    root.ask("PATCH", "/api/v1/users/pat", {"password": "the password of pat"}, status=204)
    pat.get("/api/v1/cases", status=401)
    token.get("/api/v1/cases", status=401)
    root.ask("PATCH", "/api/v1/users/root", {"password": "x" * 20}, status=403)
    root.get("/api/v1/cases")
    root.ask("DELETE", "/api/v1/users/pat", status=204)


def strangers(url, ann):
    """Who is not signed in sends little, and learns nothing of how the server fares."""
    nobody = Client(url)
    nobody.ask("POST", "/api/v1/session", {"name": "ann", "password": "x" * 20000}, status=413)
    nobody.ask("POST", "/api/v1/session", {"name": "ann", "password": "x" * 20000}, headers={"cookie": "tocsin=" + "A" * 43}, status=413)
    ann.ask("POST", "/api/v1/briefs", {"from": "x" * 20000}, status=400)
    text = nobody.get("/metrics").text
    check("tocsin_http_requests_total" in text and "tocsin_ledger_sequence" in text, "the metrics are short")
    health = nobody.get("/api/v1/health").json
    check(health["status"] == "ok" and health["ledger"]["sequence"] > 0, "health is short")
    for name in ("forwarded", "x-forwarded-for", "x-real-ip"):
        forwarded = {name: "for=127.0.0.1" if name == "forwarded" else "127.0.0.1"}
        nobody.get("/metrics", headers=forwarded, status=403)
        ann.get("/metrics", headers=forwarded, status=403)
        same(f"health by {name}", {"status": "ok"}, nobody.get("/api/v1/health", headers=forwarded).json)
    token = ann.ask("POST", "/api/v1/tokens", {"label": "monitor", "scopes": ["read"], "days": 1}, status=201).json["token"]
    monitor = Client(url, token=token)
    monitor.get("/metrics", headers={"x-forwarded-for": "198.51.100.1"})
    check("ledger" in monitor.get("/api/v1/health", headers={"x-forwarded-for": "198.51.100.1"}).json, "a token sees no detail")


def ann_trail(root):
    return [e["what"] for e in root.get("/api/v1/audit?limit=100").json["entries"] if e["user"] == "ann"]


def publishing(ann, oz):
    """Whoever changes or removes a draft while it is published comes too early or too late, never between."""
    brief = ann.ask("POST", "/api/v1/briefs", {"from": "2013-03-01", "to": "2013-04-01"}, status=201).json
    path = f"/api/v1/briefs/{brief['id']}"
    statuses = []
    thread = threading.Thread(target=lambda: statuses.append(oz.ask("POST", path + "/publish", {}, status=None).status))
    thread.start()
    number = 0
    while thread.is_alive():
        number += 1
        answer = ann.ask("PATCH", path, {"title": {"en": f"Title {number}"}}, status=None)
        check(answer.status in (200, 409), f"a change while publishing: {answer.status}")
    thread.join()
    same("publishing", [200], statuses)
    ann.ask("PATCH", path, {"title": {"en": "late"}}, status=409)
    ann.ask("DELETE", path, status=409)
    after = ann.get(path).json
    same("state after changes while publishing", "published", after["state"])
    check("brief.sig.json" in after["files"], "the published brief lost its signature")
    directory = os.path.join(os.environ["STORE"], "briefs", str(brief["id"]))
    signed = json.loads(ann.get(path + "/files/brief.sig.json").text)
    for name in after["files"]:
        if name == "brief.sig.json":
            continue
        with open(os.path.join(directory, name), "rb") as file:
            digest = hashlib.sha256(file.read()).hexdigest()
        check(digest in json.dumps(signed), f"{name} is not what was signed")


def isolation(url, ann, a, b):
    """Alice tries every route of the document with every identifier of Bob's, and gets nothing of his."""
    alice, bob = Client(url, "alice"), Client(url, "bob")
    theirs = ann.get(f"/api/v1/sightings?organisation={urllib.parse.quote(b)}&limit=50").json["sightings"]
    check(theirs, f"{b} has no sightings to try")
    cases = [c for c in ann.get(f"/api/v1/cases?organisation={urllib.parse.quote(b)}").json["cases"]]
    check(cases, f"{b} has no cases to try")
    same("bob's own cases", {c["id"] for c in cases}, {c["id"] for c in bob.get("/api/v1/cases").json["cases"]})
    same("bob's own sightings", {s["id"] for s in theirs}, {s["id"] for s in bob.get("/api/v1/sightings?limit=1000").json["sightings"]} & {s["id"] for s in theirs})
    own = alice.get("/api/v1/sightings?limit=1000").json["sightings"]
    check(own and all(s["target"]["organisation"] == a for s in own), "alice sees what does not touch her, or nothing")
    secrets = {b} | {s["id"] for s in theirs} | {s["target"]["name"] for s in theirs if s["target"]["name"]}
    identifiers = {"id": [s["id"] for s in theirs[:3]] + [str(c["id"]) for c in cases[:3]] + ["1", "2"], "name": ["bob", "ann", "brief.en.html"]}
    for sighting in theirs[:3] + own[:3]:  # what others were told just before is not for her
        for more in ("", "/evidence"):
            whole = ann.get(f"/api/v1/sightings/{sighting['id']}{more}")
            same("the same again", whole.json, ann.get(f"/api/v1/sightings/{sighting['id']}{more}").json)
            check(more or all("path" in source for source in whole.json["sources"]), "an analyst sees no paths")
        bob.get(f"/api/v1/sightings/{sighting['id']}", status=None)
    document = alice.get("/api/v1/openapi.json").json
    tried = 0
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method not in ("get", "put", "post", "patch", "delete") or path == "/api/v1/live" or "session" in path:
                continue
            paths = [path]
            for name in re.findall(r"{(\w+)}", path):
                values = identifiers[name] + (["botnet.controlled-hosts", "backdoor.sites"] if "figures" in path else [])
                paths = [p.replace("{%s}" % name, urllib.parse.quote(v, safe="")) for p in paths for v in values]
            query = [""]
            names = {p["name"] for p in operation.get("parameters", []) if p["in"] == "query"}
            for name in names & {"organisation", "q", "target_name", "by", "key"}:
                values = {"by": ["target-organisation"], "key": ["target-organisation:" + b]}.get(name, [b])
                query += [f"?{name}={urllib.parse.quote(v)}" for v in values]
            for one in paths:
                for more in query:
                    body = {"state": "fixed", "text": "mine", "label": "x", "role": "administrator"} if method != "get" else None
                    answer = alice.ask(method.upper(), one + more, body, status=None)
                    tried += 1
                    echoed = urllib.parse.unquote(one + more)
                    for secret in secrets:
                        check(secret in echoed or secret not in answer.text, f"alice got {secret!r} by {method} {one}{more}: {answer.text[:200]}")
                    if method != "get" and "{id}" in path and "cases" in path:
                        check(answer.status in (400, 403, 404), f"alice changed something by {method} {one}: {answer.status}")
    check(tried > 60, f"only {tried} requests were tried")
    for sighting in own:
        for more in ("", "/evidence"):
            text = alice.get(f"/api/v1/sightings/{sighting['id']}{more}").text
            check('"path"' not in text, f"alice got a path of the machine with her own sighting{more}")
            for secret in secrets:
                check(secret not in text, f"alice got {secret!r} with her own sighting{more}: {text[:300]}")
    for c in cases:
        same("bob's case", c["state"], ann.get(f"/api/v1/cases/{c['id']}").json["state"])
    mine = alice.get("/api/v1/cases").json["cases"][0]
    ann.ask("PATCH", f"/api/v1/cases/{mine['id']}", {"assignee": "ann"})
    ann.ask("POST", f"/api/v1/cases/{mine['id']}/comments", {"text": "between analysts"}, status=201)
    seen = alice.get(f"/api/v1/cases/{mine['id']}")
    check("between analysts" not in seen.text and '"ann"' not in seen.text, "alice reads what analysts say to each other")
    alice.ask("PATCH", f"/api/v1/cases/{mine['id']}", {"state": "acknowledged"})
    alice.ask("PATCH", f"/api/v1/cases/{mine['id']}", {"state": "notified"}, status=403)
    alice.ask("PATCH", f"/api/v1/cases/{mine['id']}", {"assignee": "ann"}, status=403)
    check(alice.get("/api/v1/organisation").json["kinds"][0]["advice"]["zh"], "no advice")
    same("alice asks for bob's view", a, alice.get("/api/v1/organisation?organisation=" + urllib.parse.quote(b)).json["name"])


def live(url, ann):
    """A source read by another process comes as an event."""
    events, cookies = [], "; ".join(f"{c.name}={c.value}" for c in ann.jar)

    def listen():
        request = urllib.request.Request(url + "/api/v1/live", headers={"cookie": cookies})
        with urllib.request.urlopen(request, timeout=30) as stream:
            while len(events) < 1:
                line = stream.readline().decode()
                if line.startswith("data:") and "kinds" in line:
                    events.append(json.loads(line[5:]))

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    time.sleep(1)
    with open("more.csv", "w", encoding="utf-8") as file:
        file.write("time,url,brand,ip\n2013-03-15T12:00:00Z,http://another.example/,Some Bank,8.8.9.9\n")
    before = ann.get("/api/v1/live/counts").json
    value = ann.get(f"/api/v1/figures/any.sightings?{MARCH}&confidence=suspected").json["value"]
    tocsin("watch", "--store", os.environ["STORE"], "more.csv")
    # What was cached is not stale: the very next answer counts the new line of the ledger.
    same("counted at once", value + 1, ann.get(f"/api/v1/figures/any.sightings?{MARCH}&confidence=suspected").json["value"])
    thread.join(30)
    check(events, "no event came")
    same("ledger", before["ledger"]["sequence"] + 1, events[0]["ledger"]["sequence"])
    same("sightings", before["sightings"] + 1, events[0]["sightings"])


def clock(ann):
    """A record of the calendar's last day ends nothing."""
    with open("late.csv", "w", encoding="utf-8") as file:
        file.write("time,url,brand,ip\n9999-12-31T23:59:59Z,http://late.example/,Some Bank,8.8.9.9\n")
    tocsin("watch", "--store", os.environ["STORE"], "late.csv")
    check(ann.get("/api/v1/status").json["last_seen"].startswith("9999-12-31"), "the late record was not read")
    late = ann.get("/api/v1/sightings?limit=1&to=9999-12-31T24:00:00Z").json
    check(late["sightings"][0]["first_seen"].startswith("9999-12-31"), "the late record is not the newest")
    ann.get("/api/v1/sightings?limit=1&to=9999-12-31T24:00:00Z&after=" + late["next"])
    ann.get("/api/v1/figures/any.sightings?from=0100-01-01&to=9000-01-01&by=month&zone=America/New_York", status=400)
    for path in ("sightings", "sightings?from=2013-03-01", "figures/any.sightings?from=0100-01-01&to=9000-01-01&by=month&zone=UTC",
                 "figures/any.sightings?from=0001-01-01&to=0001-02-01", "figures/any.sightings"):
        ann.get("/api/v1/" + path)


def damage(ann):
    """An export that breaks off says so: it does not end as if it were whole."""
    for directory, _, names in os.walk(os.path.join(os.environ["STORE"], "segments")):
        for name in names:
            with open(os.path.join(directory, name), "r+b") as file:
                file.seek(4)
                file.write(bytes(os.path.getsize(file.name) // 2))
    for form in ("csv", "ndjson", "parquet"):
        try:
            ann.get(f"/api/v1/sightings?format={form}")
        except (http.client.IncompleteRead, ConnectionError):
            continue
        check(False, f"the export as {form} of a damaged store ended well")


def draft(url):
    ann = Client(url, "ann")
    ann.ask("POST", "/api/v1/cases/refresh", {})
    ann.ask("POST", "/api/v1/briefs", {"from": "2013-03-01", "to": "2013-04-01", "title": {"en": "Attacks in March", "zh": "三月的攻击"},
                                       "remarks": {"en": "As far as it was seen.", "zh": "以所见为限。"}}, status=201)


def main():
    if sys.argv[1] == "organisations":
        return organisations(sys.argv[2])
    if sys.argv[1] == "draft":
        return draft(sys.argv[2])
    url, a, b = sys.argv[2:5]
    anonymous(url)
    ann, oz, root = Client(url, "ann"), Client(url, "oz"), Client(url, "root")
    figures(ann)
    sightings(ann)
    hostile(ann)
    changes(url, ann, oz, root)
    isolation(url, ann, a, b)
    live(url, ann)
    strangers(url, ann)
    proofs(url, root)
    clock(ann)
    damage(ann)
    ann.ask("DELETE", "/api/v1/session", status=204)
    ann.get("/api/v1/cases", status=401)


main()
