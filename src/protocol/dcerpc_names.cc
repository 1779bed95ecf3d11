// Names of interfaces and of what they offer, from Microsoft's specifications ([MS-RRP], [MS-SAMR] ...).
#include <algorithm>
#include <utility>

#include "protocol/dcerpc.h"

namespace tocsin::protocol::dcerpc {
namespace {

constexpr std::pair<std::string_view, std::string_view> kServices[] = {
    {"e1af8308-5d1f-11c9-91a4-08002b14a0fa", "epmapper"}, {"12345778-1234-abcd-ef00-0123456789ab", "lsarpc"},
    {"12345778-1234-abcd-ef00-0123456789ac", "samr"},     {"12345678-1234-abcd-ef00-01234567cffb", "netlogon"},
    {"4b324fc8-1670-01d3-1278-5a47bf6ee188", "srvsvc"},   {"367abb81-9844-35f1-ad32-98f038001003", "svcctl"},
    {"338cd001-2244-31f1-aaaa-900038001003", "winreg"},   {"6bffd098-a112-3610-9833-46c3f87e345a", "wkssvc"},
    {"12345678-1234-abcd-ef00-0123456789ab", "spoolss"},  {"1ff70682-0a51-30e8-076d-740be8cee98b", "atsvc"},
    {"e3514235-4b06-11d1-ab04-00c04fc2dcd2", "drsuapi"}};

constexpr std::pair<std::uint16_t, std::string_view> kRegistry[] = {{0, "OpenClassesRoot"},
                                                                    {1, "OpenCurrentUser"},
                                                                    {2, "OpenLocalMachine"},
                                                                    {3, "OpenPerformanceData"},
                                                                    {4, "OpenUsers"},
                                                                    {5, "BaseRegCloseKey"},
                                                                    {6, "BaseRegCreateKey"},
                                                                    {7, "BaseRegDeleteKey"},
                                                                    {8, "BaseRegDeleteValue"},
                                                                    {9, "BaseRegEnumKey"},
                                                                    {10, "BaseRegEnumValue"},
                                                                    {11, "BaseRegFlushKey"},
                                                                    {12, "BaseRegGetKeySecurity"},
                                                                    {13, "BaseRegLoadKey"},
                                                                    {15, "BaseRegOpenKey"},
                                                                    {16, "BaseRegQueryInfoKey"},
                                                                    {17, "BaseRegQueryValue"},
                                                                    {18, "BaseRegReplaceKey"},
                                                                    {19, "BaseRegRestoreKey"},
                                                                    {20, "BaseRegSaveKey"},
                                                                    {21, "BaseRegSetKeySecurity"},
                                                                    {22, "BaseRegSetValue"},
                                                                    {23, "BaseRegUnLoadKey"},
                                                                    {26, "BaseRegGetVersion"},
                                                                    {27, "OpenCurrentConfig"},
                                                                    {29, "BaseRegQueryMultipleValues"},
                                                                    {31, "BaseRegSaveKeyEx"},
                                                                    {32, "OpenPerformanceText"},
                                                                    {33, "OpenPerformanceNlsText"},
                                                                    {34, "BaseRegQueryMultipleValues2"},
                                                                    {35, "BaseRegDeleteKeyEx"}};

}  // namespace

std::string_view service_name(std::string_view uuid) {
  const auto found = std::ranges::find(kServices, uuid, &std::pair<std::string_view, std::string_view>::first);
  return found == std::end(kServices) ? std::string_view() : found->second;
}

std::string_view procedure_name(std::string_view service, std::uint16_t operation) {
  if (service != "winreg") return {};
  const auto found = std::ranges::find(kRegistry, operation, &std::pair<std::uint16_t, std::string_view>::first);
  return found == std::end(kRegistry) ? std::string_view() : found->second;
}

}  // namespace tocsin::protocol::dcerpc
