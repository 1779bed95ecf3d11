// Files of a store and of an installation: the ledger, settings, scenarios, registers, figures, briefs, locations.
#include "figures/figure.h"
#include "fuzz.h"
#include "locate/sources.h"
#include "pipeline/register.h"
#include "pipeline/relays.h"
#include "pipeline/settings.h"
#include "publish/signature.h"
#include "simulate/scenario.h"
#include "store/ledger.h"

namespace tocsin::fuzz {
namespace {

template <typename T>
void look_at(const Expected<T>& read) {
  if (!read) look(read.error().message);
}

// Lines, each with the hash that it must have, so that what is in them is read.
const Target kLedger("ledger", [](Bytes bytes) {
  store::LedgerLines lines;
  look_at(store::read_lines(text_of(bytes), lines));
  look_at(store::decode(text_of(bytes)));
  (void)store::live_segments(lines, lines.size());
  (void)store::live_sources(lines, lines.size());
});
const Target kSettings("settings", [](Bytes bytes) {
  const FileOf file(bytes);
  look_at(load_settings(file.path()));
});
const Target kRelays("relays", [](Bytes bytes) {
  const FileOf file(bytes);
  look_at(load_relay_networks(file.path()));
});
const Target kScenario("scenario", [](Bytes bytes) {
  const FileOf file(bytes);
  look_at(simulate::load_scenario(file.path(), 1));
});
const Target kRegister("register", [](Bytes bytes) {
  const FileOf file(bytes);
  std::vector<Organisation> organisations;
  look_at(read_register(file.path(), organisations));
});
const Target kSignature("signature", [](Bytes bytes) {
  look_at(parse_signature(text_of(bytes)));
  look_at(parse_public_key(text_of(bytes)));
});
const Target kMmdb("mmdb", [](Bytes bytes) {
  const FileOf file(bytes);
  look_at(read_mmdb_countries(file.path()));
});
const Target kAsCsv("as-csv", [](Bytes bytes) {
  const FileOf file(bytes);
  AsRanges ranges;
  look_at(read_as_csv(file.path(), ranges));
});
const Target kLibloc("libloc", [](Bytes bytes) {
  const FileOf file(bytes);
  look_at(read_libloc(file.path()));
});

}  // namespace
}  // namespace tocsin::fuzz
