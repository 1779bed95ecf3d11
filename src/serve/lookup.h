// "What do you know of me?": all that the store has of an address, prefix, name, network, organisation, family, group.
#pragma once

#include <string>
#include <vector>

#include "base/expected.h"
#include "base/ip_address.h"
#include "figures/figure.h"
#include "serve/context.h"

namespace tocsin::serve {

struct Subject {
  std::string text;                 // as it is written best: "192.0.2.0/24", "AS64500"
  std::string what;                 // "address", "prefix", "name", "network", "organisation", "family", "group", "cve"
  std::string as_actor, as_target;  // conditions of SQL on a sighting; empty: can't be
  std::vector<Prefix> networks = {};  // of an organisation
};

// What a text means: an address, prefix, AS number or CVE by its form; else an organisation of the register; else a
// family or group that the store has; else a name. An error if it is empty.
Expected<Subject> subject_of(Context& context, const std::string& text);
// JSON of schema Lookup.
Expected<std::string> lookup(Context& context, const Subject& subject, const FigureRequest& request);

}  // namespace tocsin::serve
