// The shapes of bodies, for the OpenAPI document (JSON Schema 2020-12).
#include "serve/routes.h"

namespace tocsin::serve {
namespace {

constexpr const char* kSchemas = R"json({
"Time": {"type": "string", "format": "date-time"},
"MaybeTime": {"type": ["string", "null"], "format": "date-time"},
"Texts": {"type": "object", "properties": {"en": {"type": "string"}, "zh": {"type": "string"}}},
"Period": {"type": "object", "required": ["from", "to"],
  "properties": {"from": {"$ref": "#/components/schemas/Time"}, "to": {"$ref": "#/components/schemas/Time"}}},
"Ledger": {"type": "object", "required": ["sequence"],
  "properties": {"sequence": {"type": "integer"}, "hash": {"type": "string"}}},
"Role": {"type": "string", "enum": ["press", "organisation", "analyst", "officer", "administrator"]},
"Kind": {"type": "string", "enum": ["botnet-control", "backdoor", "phishing", "defacement", "intrusion", "web-attack",
  "exploit", "scan", "brute-force", "denial-of-service", "malware-distribution"]},
"Confidence": {"type": "string", "enum": ["suspected", "probable", "confirmed"]},
"Session": {"type": "object", "required": ["user", "role", "rights", "csrf", "oidc"], "properties": {
  "user": {"type": ["string", "null"]}, "role": {"$ref": "#/components/schemas/Role"},
  "organisation": {"type": "string"}, "language": {"type": "string"}, "csrf": {"type": "string"},
  "totp": {"type": "boolean"}, "has_password": {"type": "boolean"}, "oidc": {"type": "boolean"},
  "rights": {"type": "array", "items": {"type": "string"}}}},
"SignIn": {"type": "object", "required": ["name", "password"], "properties": {
  "name": {"type": "string"}, "password": {"type": "string"}, "code": {"type": "string"}}},
"PasswordChange": {"type": "object", "required": ["old", "new"], "properties": {
  "old": {"type": "string"}, "new": {"type": "string"}}},
"PasswordProof": {"type": "object", "properties": {"password": {"type": "string", "description":
  "The present one; an account that has none needs a session that began within the last ten minutes"}}},
"LanguageChange": {"type": "object", "required": ["language"], "properties": {
  "language": {"type": "string", "enum": ["", "en", "zh"]}}},
"TotpUri": {"type": "object", "required": ["uri"], "properties": {"uri": {"type": "string"}}},
"TotpCode": {"type": "object", "required": ["code"], "properties": {"code": {"type": "string"}}},
"Token": {"type": "object", "required": ["id", "label", "scopes", "made", "expires"], "properties": {
  "id": {"type": "string"}, "label": {"type": "string"}, "scopes": {"type": "array", "items": {"type": "string"}},
  "made": {"$ref": "#/components/schemas/Time"}, "expires": {"$ref": "#/components/schemas/Time"},
  "last_used": {"$ref": "#/components/schemas/MaybeTime"}}},
"TokenList": {"type": "object", "required": ["tokens"], "properties": {
  "tokens": {"type": "array", "items": {"$ref": "#/components/schemas/Token"}}}},
"TokenRequest": {"type": "object", "required": ["label", "scopes"], "properties": {
  "label": {"type": "string", "maxLength": 100},
  "scopes": {"type": "array", "items": {"type": "string", "enum": ["read", "write"]}},
  "days": {"type": "integer", "minimum": 1, "maximum": 730}}},
"NewToken": {"type": "object", "required": ["token"], "properties": {"token": {"type": "string"}}},
"User": {"type": "object", "required": ["name", "role"], "properties": {
  "name": {"type": "string"}, "role": {"$ref": "#/components/schemas/Role"}, "organisation": {"type": "string"},
  "email": {"type": "string"}, "language": {"type": "string"}, "disabled": {"type": "boolean"},
  "totp": {"type": "boolean"}, "made": {"$ref": "#/components/schemas/Time"},
  "last_seen": {"$ref": "#/components/schemas/MaybeTime"}}},
"UserList": {"type": "object", "required": ["users"], "properties": {
  "users": {"type": "array", "items": {"$ref": "#/components/schemas/User"}}}},
"NewUser": {"type": "object", "required": ["name", "role"], "properties": {
  "name": {"type": "string", "pattern": "^[a-z0-9._@-]{1,64}$"}, "role": {"$ref": "#/components/schemas/Role"},
  "organisation": {"type": "string"}, "email": {"type": "string"},
  "password": {"type": "string", "minLength": 12, "maxLength": 1024}}},
"UserChange": {"type": "object", "properties": {
  "role": {"$ref": "#/components/schemas/Role"}, "organisation": {"type": "string"}, "email": {"type": "string"},
  "disabled": {"type": "boolean"}, "password": {"type": "string", "minLength": 12, "maxLength": 1024}}},
"AuditPage": {"type": "object", "required": ["entries", "next"], "properties": {
  "entries": {"type": "array", "items": {"type": "object", "properties": {
    "number": {"type": "integer"}, "when": {"$ref": "#/components/schemas/Time"}, "user": {"type": "string"},
    "peer": {"type": "string"}, "action": {"type": "string"}, "what": {"type": "string"}}}},
  "next": {"type": ["integer", "null"]}}},
"Status": {"type": "object", "required": ["constituency", "countries", "zone", "version", "default"], "properties": {
  "constituency": {"type": "string"}, "countries": {"type": "array", "items": {"type": "string"}},
  "zone": {"type": "string"}, "version": {"type": "string"}, "default": {"$ref": "#/components/schemas/Period"},
  "first_seen": {"$ref": "#/components/schemas/MaybeTime"}, "last_seen": {"$ref": "#/components/schemas/MaybeTime"},
  "ledger": {"$ref": "#/components/schemas/Ledger"}, "sightings": {"type": "integer"},
  "sectors": {"type": "array", "items": {"type": "object", "properties": {
    "code": {"type": "string"}, "en": {"type": "string"}, "zh": {"type": "string"}}}},
  "organisations": {"type": "array", "items": {"type": "object", "properties": {
    "name": {"type": "string"}, "sector": {"type": "string"}}}}}},
"Catalogue": {"type": "object", "required": ["figures", "dimensions"], "properties": {
  "figures": {"type": "array", "items": {"type": "object", "required": ["id", "measure", "title"], "properties": {
    "id": {"type": "string"}, "measure": {"type": "string"}, "kinds": {"type": "array", "items": {"type": "string"}},
    "actor": {"type": "string"}, "target": {"type": "string"}, "of": {"type": "string"},
    "by": {"type": "array", "items": {"type": "string"}}, "unit": {"type": "string"},
    "title": {"$ref": "#/components/schemas/Texts"}, "definition": {"$ref": "#/components/schemas/Texts"},
    "caution": {"$ref": "#/components/schemas/Texts"}, "headline": {"type": "boolean"}}}},
  "dimensions": {"type": "array", "items": {"type": "object", "required": ["name"], "properties": {
    "name": {"type": "string"}, "en": {"type": "string"}, "zh": {"type": "string"}}}}}},
"Figure": {"type": "object", "required": ["figure", "from", "to", "value", "rows"], "properties": {
  "figure": {"type": "string"}, "from": {"$ref": "#/components/schemas/Time"},
  "to": {"$ref": "#/components/schemas/Time"}, "zone": {"type": "string"}, "constituency": {"type": "string"},
  "confidence": {"$ref": "#/components/schemas/Confidence"}, "unit": {"type": "string"}, "value": {"type": "number"},
  "previous": {"type": ["number", "null"]}, "by": {"type": "array", "items": {"type": "string"}},
  "rows": {"type": "array", "items": {"type": "object", "properties": {
    "key": {"type": "object", "additionalProperties": {"type": "string"}}, "value": {"type": "number"},
    "share": {"type": "number"}}}},
  "overlap": {"type": "integer"}, "skipped": {"type": "integer"}, "ledger": {"$ref": "#/components/schemas/Ledger"},
  "machines": {"type": ["object", "null"], "properties": {
    "machines": {"type": "number"}, "low": {"type": "number"}, "high": {"type": "number"},
    "abstained": {"$ref": "#/components/schemas/Texts"}}}}},
"Overview": {"type": "object", "required": ["from", "to", "previous", "figures", "origins", "new"], "properties": {
  "from": {"$ref": "#/components/schemas/Time"}, "to": {"$ref": "#/components/schemas/Time"},
  "zone": {"type": "string"}, "previous": {"$ref": "#/components/schemas/Period"},
  "ledger": {"$ref": "#/components/schemas/Ledger"},
  "figures": {"type": "array", "items": {"type": "object", "required": ["id", "value"], "properties": {
    "id": {"type": "string"}, "value": {"type": "number"}, "previous": {"type": ["number", "null"]},
    "unit": {"type": "string"}, "trend_by": {"type": "string", "enum": ["day", "week", "month"]},
    "trend": {"type": "array", "items": {"type": "object", "properties": {
      "at": {"type": "string"}, "value": {"type": "number"}}}},
    "by": {"type": "string"},
    "top": {"type": "array", "items": {"type": "object", "properties": {
      "key": {"type": "string"}, "value": {"type": "number"}, "share": {"type": "number"}}}}}}},
  "origins": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "object", "properties": {
    "country": {"type": "string"}, "actors": {"type": "number"}, "targets": {"type": "number"},
    "sightings": {"type": "number"}}}}},
  "new": {"type": "array", "items": {"type": "object", "properties": {
    "what": {"type": "string"}, "key": {"type": "string"}, "kind": {"type": "string"},
    "sightings": {"type": "number"}}}}}},
"End": {"type": "object", "properties": {
  "ip": {"type": "string"}, "port": {"type": "integer"}, "name": {"type": "string"}, "country": {"type": "string"},
  "asn": {"type": "integer"}, "inside": {"type": "boolean"}, "sector": {"type": "string"},
  "organisation": {"type": "string"}, "province": {"type": "string"}}},
"Sighting": {"type": "object", "required": ["id", "kind", "confidence", "actor", "target", "first_seen", "last_seen"],
  "properties": {
  "id": {"type": "string"}, "kind": {"$ref": "#/components/schemas/Kind"},
  "confidence": {"$ref": "#/components/schemas/Confidence"}, "detector": {"type": "string"},
  "rule": {"type": "string"}, "actor": {"$ref": "#/components/schemas/End"},
  "target": {"$ref": "#/components/schemas/End"}, "first_seen": {"$ref": "#/components/schemas/Time"},
  "last_seen": {"$ref": "#/components/schemas/Time"}, "count": {"type": "integer"}, "family": {"type": "string"},
  "group": {"type": "string"}, "cve": {"type": "string"}, "tlp": {"type": "string"}, "source": {"type": "string"},
  "evidence": {"type": "string"}, "matched": {"type": "string"}, "location_version": {"type": "string"}}},
"SightingPage": {"type": "object", "required": ["sightings", "next"], "properties": {
  "sightings": {"type": "array", "items": {"$ref": "#/components/schemas/Sighting"}},
  "next": {"type": ["string", "null"]}}},
"SightingDetail": {"type": "object", "required": ["sighting", "rows", "sources"], "properties": {
  "sighting": {"$ref": "#/components/schemas/Sighting"},
  "rows": {"type": "array", "items": {"$ref": "#/components/schemas/Sighting"}},
  "sources": {"type": "array", "items": {"type": "object", "properties": {
    "id": {"type": "string"}, "name": {"type": "string"}, "path": {"type": "string"}, "format": {"type": "string"},
    "sha256": {"type": "string"}, "bytes": {"type": "integer"}, "records": {"type": "integer"},
    "skipped": {"type": "integer"}}}},
  "case": {"type": ["integer", "null"]}}},
"EvidenceList": {"type": "object", "required": ["evidence", "error"], "properties": {
  "evidence": {"type": "array", "items": {"type": "object", "properties": {
    "source": {"type": "string"}, "place": {"type": "string"}, "line": {"type": "string"},
    "packets": {"type": "integer"}}}},
  "error": {"type": "string"}}},
"Lookup": {"type": "object", "required": ["query", "what", "sightings", "kinds", "timeline", "graph"], "properties": {
  "query": {"type": "string"}, "what": {"type": "string"},
  "location": {"type": "array", "items": {"type": "object", "properties": {
    "version": {"type": "string"}, "country": {"type": "string"}, "asn": {"type": "integer"},
    "holder": {"type": "string"}, "marks": {"type": "array", "items": {"type": "string"}}}}},
  "organisation": {"type": ["object", "null"], "properties": {
    "name": {"type": "string"}, "sector": {"type": "string"}, "province": {"type": "string"},
    "contact": {"type": "string"}}},
  "first_seen": {"$ref": "#/components/schemas/MaybeTime"}, "last_seen": {"$ref": "#/components/schemas/MaybeTime"},
  "sightings": {"type": "integer"}, "as_actor": {"type": "integer"}, "as_target": {"type": "integer"},
  "kinds": {"type": "array", "items": {"type": "object", "properties": {
    "kind": {"$ref": "#/components/schemas/Kind"}, "confidence": {"$ref": "#/components/schemas/Confidence"},
    "as": {"type": "string", "enum": ["actor", "target"]}, "sightings": {"type": "integer"},
    "count": {"type": "integer"}, "first_seen": {"$ref": "#/components/schemas/Time"},
    "last_seen": {"$ref": "#/components/schemas/Time"}}}},
  "timeline": {"type": "array", "items": {"type": "object", "properties": {
    "day": {"type": "string"}, "kind": {"$ref": "#/components/schemas/Kind"}, "sightings": {"type": "integer"}}}},
  "graph": {"type": "object", "properties": {
    "nodes": {"type": "array", "items": {"type": "object", "properties": {
      "id": {"type": "string"}, "what": {"type": "string"}, "country": {"type": "string"},
      "inside": {"type": "boolean"}, "role": {"type": "string"}}}},
    "edges": {"type": "array", "items": {"type": "object", "properties": {
      "from": {"type": "string"}, "to": {"type": "string"}, "kind": {"$ref": "#/components/schemas/Kind"},
      "sightings": {"type": "integer"}}}},
    "more": {"type": "integer"}, "since": {"type": ["string", "null"], "format": "date-time", "description":
      "Of a subject seen very often: only what was seen since is drawn"}}}}},
"Case": {"type": "object", "required": ["id", "organisation", "kind", "state"], "properties": {
  "id": {"type": "integer"}, "organisation": {"type": "string"}, "is_network": {"type": "boolean"},
  "kind": {"$ref": "#/components/schemas/Kind"}, "target": {"type": "string"}, "targets": {"type": "integer"},
  "state": {"type": "string", "enum": ["new", "notified", "acknowledged", "fixed", "recurred"]},
  "assignee": {"type": "string"}, "sightings": {"type": "integer"},
  "first_seen": {"$ref": "#/components/schemas/Time"}, "last_seen": {"$ref": "#/components/schemas/Time"},
  "made": {"$ref": "#/components/schemas/Time"}, "changed": {"$ref": "#/components/schemas/Time"},
  "fixed_at": {"$ref": "#/components/schemas/MaybeTime"}, "contact": {"type": "string"}}},
"CaseDetail": {"allOf": [{"$ref": "#/components/schemas/Case"}, {"type": "object",
  "required": ["history", "actors"], "properties": {
  "history": {"type": "array", "items": {"type": "object", "properties": {
    "when": {"$ref": "#/components/schemas/Time"}, "user": {"type": "string"}, "action": {"type": "string"},
    "text": {"type": "string"}}}},
  "actors": {"type": "array", "items": {"type": "object", "properties": {
    "ip": {"type": "string"}, "country": {"type": "string"}, "sightings": {"type": "integer"}}}}}}]},
"CasePage": {"type": "object", "required": ["cases", "next"], "properties": {
  "cases": {"type": "array", "items": {"$ref": "#/components/schemas/Case"}}, "next": {"type": ["string", "null"]}}},
"CaseSummary": {"type": "object", "required": ["states"], "properties": {
  "states": {"type": "object", "additionalProperties": {"type": "integer"}}}},
"CaseRefresh": {"type": "object", "properties": {
  "made": {"type": "integer"}, "recurred": {"type": "integer"}, "open": {"type": "integer"}}},
"CaseChange": {"type": "object", "properties": {
  "state": {"type": "string", "enum": ["new", "notified", "acknowledged", "fixed"]}, "assignee": {"type": "string"},
  "fixed_at": {"type": "string"}}},
"Comment": {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "maxLength": 10000}}},
"Notice": {"type": "object", "required": ["subject", "text"], "properties": {
  "subject": {"type": "string"}, "text": {"type": "string"}}},
"OrganisationView": {"type": "object", "required": ["name", "open", "cases", "kinds"], "properties": {
  "name": {"type": "string"}, "sector": {"type": "string"}, "contact": {"type": "string"},
  "open": {"type": "integer"}, "cases": {"type": "array", "items": {"$ref": "#/components/schemas/Case"}},
  "kinds": {"type": "array", "items": {"type": "object", "properties": {
    "kind": {"$ref": "#/components/schemas/Kind"}, "targets": {"type": "integer"}, "sightings": {"type": "integer"},
    "last_seen": {"$ref": "#/components/schemas/Time"}, "advice": {"$ref": "#/components/schemas/Texts"}}}}}},
"Brief": {"type": "object", "required": ["id", "title", "from", "to", "state", "files"], "properties": {
  "id": {"type": "integer"}, "title": {"$ref": "#/components/schemas/Texts"},
  "remarks": {"$ref": "#/components/schemas/Texts"}, "from": {"$ref": "#/components/schemas/Time"},
  "to": {"$ref": "#/components/schemas/Time"}, "zone": {"type": "string"},
  "confidence": {"$ref": "#/components/schemas/Confidence"},
  "state": {"type": "string", "enum": ["draft", "published"]}, "made": {"$ref": "#/components/schemas/Time"},
  "published": {"$ref": "#/components/schemas/MaybeTime"}, "by": {"type": "string"},
  "files": {"type": "array", "items": {"type": "string"}}, "headline": {"$ref": "#/components/schemas/Texts"}}},
"BriefList": {"type": "object", "required": ["briefs"], "properties": {
  "briefs": {"type": "array", "items": {"$ref": "#/components/schemas/Brief"}}}},
"NewBrief": {"type": "object", "properties": {
  "from": {"type": "string"}, "to": {"type": "string"}, "zone": {"type": "string"},
  "confidence": {"$ref": "#/components/schemas/Confidence"}, "title": {"$ref": "#/components/schemas/Texts"},
  "remarks": {"$ref": "#/components/schemas/Texts"}}},
"BriefChange": {"type": "object", "properties": {
  "title": {"$ref": "#/components/schemas/Texts"}, "remarks": {"$ref": "#/components/schemas/Texts"}}},
"LiveCounts": {"type": "object", "required": ["at", "sightings", "kinds"], "properties": {
  "at": {"$ref": "#/components/schemas/Time"}, "ledger": {"$ref": "#/components/schemas/Ledger"},
  "sightings": {"type": "integer"}, "kinds": {"type": "object", "additionalProperties": {"type": "integer"}},
  "added": {"type": "integer"}}},
"SensorList": {"type": "object", "required": ["sensors"], "properties": {
  "sensors": {"type": "array", "items": {"type": "object", "properties": {
    "id": {"type": "string"}, "name": {"type": "string"}, "format": {"type": "string"},
    "records": {"type": "integer"}, "skipped": {"type": "integer"},
    "skipped_by_reason": {"type": "object", "additionalProperties": {"type": "integer"}},
    "first": {"$ref": "#/components/schemas/MaybeTime"}, "last": {"$ref": "#/components/schemas/MaybeTime"},
    "lag_seconds": {"type": ["integer", "null"]}}}}}},
"Health": {"type": "object", "required": ["status"], "properties": {
  "status": {"type": "string"}, "ledger": {"$ref": "#/components/schemas/Ledger"}}}
})json";

}  // namespace

std::string schemas() { return kSchemas; }

}  // namespace tocsin::serve
