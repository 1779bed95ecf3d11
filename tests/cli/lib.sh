# For the tests that run the program as a user does: sourced, with $tocsin, $sample, $data and a scratch directory.
set -euo pipefail
bin=$1
tocsin=$bin/tocsin
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
data=${TOCSIN_DATA:-$root/../shared/data}
scratch=$(mktemp -d "${TMPDIR:-/tmp}/tocsin-test-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
export XDG_CACHE_HOME=${TOCSIN_TEST_CACHE:-$bin/../cache}
cd "$scratch"

die() { echo "FAILED: $*" >&2; exit 1; }
# same WHAT EXPECTED GOT
same() { [ "$2" = "$3" ] || die "$1: expected '$2', got '$3'"; }
# status EXPECTED COMMAND...
status() {
  local expected=$1 got=0
  shift
  "$@" >out 2>err || got=$?
  [ "$got" = "$expected" ] || { cat out err >&2; die "exit status of '$*': expected $expected, got $got"; }
}
# Tests of real data: skipped without it, but failed when CI is set.
need_data() {
  [ -d "$data/stratosphere" ] && return
  [ -z "${CI:-}" ] || die "the real data is missing: $data"
  echo "skipped: no data in $data"
  exit 77
}
need_chromium() {
  [ -x "${CHROMIUM:-/usr/bin/chromium}" ] && return
  [ -z "${CI:-}" ] || die 'Chromium is missing: run scripts/setup'
  echo 'skipped: no Chromium'
  exit 77
}
# nation_store [options of simulate]: the small made-up nation in nation, and a store of it in store
nation_store() {
  status 0 "$tocsin" simulate "$root/scenarios/small.toml" --out nation "$@"
  status 0 "$tocsin" init store --config nation/tocsin.toml
  status 3 "$tocsin" watch --store store nation/sources
}
# add NAME [options of user add]: an account of the store; its password is "the password of NAME"
add() { echo "the password of $1" | status 0 "$tocsin" user add "$@" --store store; }
# settings NAME 'countries' 'prefixes' [more lines]: a store NAME with such a constituency
make_store() {
  mkdir "$1"
  { printf '[constituency]\nname = "Test"\ncountries = [%s]\nprefixes = [%s]\n' "$2" "$3"; printf '%s\n' "${@:4}"; } >"$1/tocsin.toml"
  "$tocsin" init "$1" --config "$1/tocsin.toml" >/dev/null
}
# value STORE FIGURE [options]
value() { "$tocsin" figure --store "$1" "${@:2}" --json | jq .value; }
