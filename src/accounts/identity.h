// Who asks, and what that one may see.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/expected.h"
#include "base/time.h"

namespace tocsin::serve {

// In order of what they may do; organisation stands apart: it sees only what touches its own register entry.
enum class Role : std::uint8_t { kPress, kOrganisation, kAnalyst, kOfficer, kAdministrator };
std::string_view name_of(Role role);
Expected<Role> role_of(std::string_view name);

struct Identity {
  std::string user;  // name of the account; empty: nobody is signed in
  Role role = Role::kPress;
  std::string organisation;         // of the register; of role organisation alone
  std::string csrf;                 // of the session, which a request that changes something must send; tokens: empty
  std::vector<std::string> scopes;  // of a token: "read", "write"; a session has both
  bool by_token = false;
  Timestamp since = 0;  // of a session: when it began

  bool signed_in() const { return !user.empty(); }
};

// Who may use a route.
enum class Access : std::uint8_t {
  kPublic,        // anybody, signed in or not
  kSignedIn,      // any account
  kOrganisation,  // organisation, analyst and above: the handler narrows what an organisation sees
  kAnalyst,       // analyst and above
  kOfficer,       // officer and above
  kAdministrator,
};
bool may(const Identity& identity, Access access);

}  // namespace tocsin::serve
