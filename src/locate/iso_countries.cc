#include "locate/iso_countries.h"

#include <array>
#include <bitset>
#include <cstddef>

namespace tocsin {
namespace {

constexpr std::string_view kAssigned =
    "ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBL"
    "BMBNBOBQBRBSBTBVBWBYBZCACCCDCFCGCHCICKCLCMCNCOCRCUCV"
    "CWCXCYCZDEDJDKDMDODZECEEEGEHERESETFIFJFKFMFOFRGAGBGD"
    "GEGFGGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHUIDIEILIM"
    "INIOIQIRISITJEJMJOJPKEKGKHKIKMKNKPKRKWKYKZLALBLCLILK"
    "LRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQMRMSMTMUMVMW"
    "MXMYMZNANCNENFNGNINLNONPNRNUNZOMPAPEPFPGPHPKPLPMPNPR"
    "PSPTPWPYQARERORSRURWSASBSCSDSESGSHSISJSKSLSMSNSOSRSS"
    "STSVSXSYSZTCTDTFTGTHTJTKTLTMTNTOTRTTTVTWTZUAUGUMUSUY"
    "UZVAVCVEVGVIVNVUWFWSXKYEYTZAZMZW";
static_assert(kAssigned.size() == 250 * 2);

constexpr std::size_t slot_of(std::string_view code) {
  return static_cast<std::size_t>(code[0] - 'A') * 26 + static_cast<std::size_t>(code[1] - 'A');
}

}  // namespace

CountryCode iso_country(std::string_view text) {
  static const std::bitset<std::size_t{26}* 26> assigned = [] {
    std::bitset<std::size_t{26} * 26> bits;
    for (std::size_t i = 0; i < kAssigned.size(); i += 2) bits.set(slot_of(kAssigned.substr(i, 2)));
    return bits;
  }();
  const auto code = CountryCode::parse(text);
  return code && assigned[slot_of(code->text())] ? *code : CountryCode();
}

}  // namespace tocsin
