#include "accounts/identity.h"

#include <array>
#include <string>

#include "base/text.h"

namespace tocsin::serve {
namespace {

constexpr std::array<std::string_view, 5> kRoles{"press", "organisation", "analyst", "officer", "administrator"};

}  // namespace

std::string_view name_of(Role role) { return kRoles[static_cast<std::size_t>(role)]; }

Expected<Role> role_of(std::string_view name) {
  for (std::size_t role = 0; role < kRoles.size(); ++role) {
    if (kRoles[role] == name) return static_cast<Role>(role);
  }
  return failure("there is no role '" + printable(name, 64) +
                 "': the roles are press, organisation, analyst, officer and administrator");
}

bool may(const Identity& identity, Access access) {
  if (access == Access::kPublic) return true;
  if (!identity.signed_in()) return false;
  switch (access) {
    case Access::kPublic:
    case Access::kSignedIn:
      return true;
    case Access::kOrganisation:
      // An account of that role without an organisation would see what is of none.
      return identity.role >= Role::kAnalyst ||
             (identity.role == Role::kOrganisation && !identity.organisation.empty());
    case Access::kAnalyst:
      return identity.role >= Role::kAnalyst;
    case Access::kOfficer:
      return identity.role >= Role::kOfficer;
    case Access::kAdministrator:
      return identity.role >= Role::kAdministrator;
  }
  return false;
}

}  // namespace tocsin::serve
