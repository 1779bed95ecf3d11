#include "protocol/ike_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

namespace tocsin::protocol::ike {
namespace {

struct Named {
  std::uint64_t number;
  std::string_view name;
};

constexpr Named kAttributes1[] = {
    {1, "alg_enc"},       {2, "alg_hash"},          {3, "alg_auth"}, {4, "alg_dh"},         {5, "sa_group_type"},
    {11, "sa_life_type"}, {12, "sa_life_duration"}, {13, "alg_prf"}, {14, "sa_key_length"}, {15, "sa_field_size"}};
constexpr Named kAttributes2[] = {{1, "alg_enc"}, {2, "alg_prf"}, {3, "alg_auth"}, {4, "alg_dh"}, {5, "alg_esn"}};

constexpr Named kEncryption1[] = {{1, "EncDesCbc"},       {2, "EncIdeaCbc"},      {3, "EncBlowfishCbc"},
                                  {4, "EncRc5R16B64Cbc"}, {5, "EncTripleDesCbc"}, {6, "EncCastCbc"},
                                  {7, "EncAesCbc"},       {8, "EncCamelliaCbc"}};
constexpr Named kHash1[] = {{1, "HashMd5"},      {2, "HashSha"},      {3, "HashTiger"},
                            {4, "HashSha2_256"}, {5, "HashSha2_384"}, {6, "HashSha2_512"}};
constexpr Named kAuth1[] = {{1, "AuthPreSharedKey"},
                            {2, "AuthDssSignatures"},
                            {3, "AuthRsaSignatures"},
                            {4, "AuthEncryptionRsa"},
                            {5, "AuthRevisedEncryptionRsa"}};
constexpr Named kGroup[] = {{0, "None"},
                            {1, "GroupModp768Bit"},
                            {2, "GroupModp1024Bit"},
                            {5, "GroupModp1536Bit"},
                            {14, "GroupModp2048Bit"},
                            {15, "GroupModp3072Bit"},
                            {16, "GroupModp4096Bit"},
                            {17, "GroupModp6144Bit"},
                            {18, "GroupModp8192Bit"},
                            {19, "GroupRandomEcp256"},
                            {20, "GroupRandomEcp384"},
                            {21, "GroupRandomEcp521"},
                            {22, "GroupModp1024With160BitPrime"},
                            {23, "GroupModp2048With224BitPrime"},
                            {24, "GroupModp2048With256BitPrime"},
                            {31, "GroupCurve25519"},
                            {32, "GroupCurve448"}};
constexpr Named kLife1[] = {{1, "LifeTypeSeconds"}, {2, "LifeTypeKilobytes"}};

constexpr Named kEncryption2[] = {
    {1, "ENCR_DES_IV64"},    {2, "ENCR_DES"},         {3, "ENCR_3DES"},          {4, "ENCR_RC5"},
    {5, "ENCR_IDEA"},        {6, "ENCR_CAST"},        {7, "ENCR_BLOWFISH"},      {8, "ENCR_3IDEA"},
    {9, "ENCR_DES_IV32"},    {11, "ENCR_NULL"},       {12, "ENCR_AES_CBC"},      {13, "ENCR_AES_CTR"},
    {14, "ENCR_AES_CCM_8"},  {15, "ENCR_AES_CCM_12"}, {16, "ENCR_AES_CCM_16"},   {18, "ENCR_AES_GCM_8"},
    {19, "ENCR_AES_GCM_12"}, {20, "ENCR_AES_GCM_16"}, {23, "ENCR_CAMELLIA_CBC"}, {28, "ENCR_CHACHA20_POLY1305"}};
constexpr Named kPrf2[] = {{0, "PRF_NULL"},          {1, "PRF_HMAC_MD5"},      {2, "PRF_HMAC_SHA1"},
                           {3, "PRF_HMAC_TIGER"},    {4, "PRF_AES128_XCBC"},   {5, "PRF_HMAC_SHA2_256"},
                           {6, "PRF_HMAC_SHA2_384"}, {7, "PRF_HMAC_SHA2_512"}, {8, "PRF_AES128_CMAC"}};
constexpr Named kAuth2[] = {{0, "NONE"},
                            {1, "AUTH_HMAC_MD5_96"},
                            {2, "AUTH_HMAC_SHA1_96"},
                            {3, "AUTH_DES_MAC"},
                            {4, "AUTH_KPDK_MD5"},
                            {5, "AUTH_AES_XCBC_96"},
                            {12, "AUTH_HMAC_SHA2_256_128"},
                            {13, "AUTH_HMAC_SHA2_384_192"},
                            {14, "AUTH_HMAC_SHA2_512_256"}};
constexpr Named kSequence2[] = {{0, "NoESN"}, {1, "ESN"}};

constexpr Named kPayloads1[] = {{1, "SecurityAssociation"},
                                {2, "Proposal"},
                                {3, "Transform"},
                                {4, "KeyExchange"},
                                {5, "Identification"},
                                {6, "Certificate"},
                                {7, "CertificateRequest"},
                                {8, "Hash"},
                                {9, "Signature"},
                                {10, "Nonce"},
                                {11, "Notification"},
                                {12, "Delete"},
                                {13, "VendorID"},
                                {15, "SAKEKPayload"},
                                {16, "SATEKPayload"},
                                {17, "KeyDownload"},
                                {18, "SequenceNumber"},
                                {19, "ProofOfPossession"},
                                {20, "NatDiscovery"},
                                {21, "NatOriginalAddress"},
                                {22, "GroupAssociatedPolicy"}};
constexpr Named kPayloads2[] = {{33, "SecurityAssociation"},
                                {34, "KeyExchange"},
                                {35, "IDInitiator"},
                                {36, "IDResponder"},
                                {37, "Certificate"},
                                {38, "CertificateRequest"},
                                {39, "Authentication"},
                                {40, "Nonce"},
                                {41, "Notify"},
                                {42, "Delete"},
                                {43, "VendorID"},
                                {44, "TSInitiator"},
                                {45, "TSResponder"},
                                {46, "EncryptedAndAuthenticated"},
                                {47, "Configuration"},
                                {48, "ExtensibleAuthentication"}};
constexpr Named kExchanges[] = {
    {0, "None"},           {1, "Base"},          {2, "Identity Protection"},       {3, "Authentication Only"},
    {4, "Aggressive"},     {5, "Informational"}, {6, "Transaction (Config Mode)"}, {32, "Quick Mode"},
    {33, "New Group Mode"}};
constexpr Named kNotices[] = {{1, "UNSUPPORTED_CRITICAL_PAYLOAD"},
                              {4, "INVALID_IKE_SPI"},
                              {5, "INVALID_MAJOR_VERSION"},
                              {7, "INVALID_SYNTAX"},
                              {9, "INVALID_MESSAGE_ID"},
                              {11, "INVALID_SPI"},
                              {14, "NO_PROPOSAL_CHOSEN"},
                              {17, "INVALID_KE_PAYLOAD"},
                              {24, "AUTHENTICATION_FAILED"},
                              {34, "SINGLE_PAIR_REQUIRED"},
                              {35, "NO_ADDITIONAL_SAS"},
                              {36, "INTERNAL_ADDRESS_FAILURE"},
                              {37, "FAILED_CP_REQUIRED"},
                              {38, "TS_UNACCEPTABLE"},
                              {39, "INVALID_SELECTORS"},
                              {43, "TEMPORARY_FAILURE"},
                              {44, "CHILD_SA_NOT_FOUND"},
                              {16384, "INITIAL_CONTACT"},
                              {16385, "SET_WINDOW_SIZE"},
                              {16386, "ADDITIONAL_TS_POSSIBLE"},
                              {16387, "IPCOMP_SUPPORTED"},
                              {16388, "NAT_DETECTION_SOURCE_IP"},
                              {16389, "NAT_DETECTION_DESTINATION_IP"},
                              {16390, "COOKIE"},
                              {16391, "USE_TRANSPORT_MODE"},
                              {16392, "HTTP_CERT_LOOKUP_SUPPORTED"},
                              {16393, "REKEY_SA"},
                              {16394, "ESP_TFC_PADDING_NOT_SUPPORTED"},
                              {16395, "NON_FIRST_FRAGMENTS_ALSO"},
                              {16430, "IKEV2_FRAGMENTATION_SUPPORTED"},
                              {16431, "SIGNATURE_HASH_ALGORITHMS"}};

std::optional<std::string_view> name_in(std::span<const Named> names, std::uint64_t number) {
  const auto found = std::ranges::find(names, number, &Named::number);
  return found == names.end() ? std::nullopt : std::optional(found->name);
}

}  // namespace

std::string_view attribute_name(bool is_1, std::uint16_t type) {
  return name_in(is_1 ? std::span<const Named>(kAttributes1) : std::span<const Named>(kAttributes2), type).value_or("");
}

std::string value_name(bool is_1, const Attribute& attribute) {
  std::span<const Named> names;
  if (is_1) {
    if (attribute.type == 1) names = kEncryption1;
    if (attribute.type == 2) names = kHash1;
    if (attribute.type == 3) names = kAuth1;
    if (attribute.type == 4) names = kGroup;
    if (attribute.type == 11) names = kLife1;
  } else {
    if (attribute.type == 1) names = kEncryption2;
    if (attribute.type == 2) names = kPrf2;
    if (attribute.type == 3) names = kAuth2;
    if (attribute.type == 4) names = kGroup;
    if (attribute.type == 5) names = kSequence2;
  }
  return std::string(name_in(names, attribute.value).value_or("Unknown"));
}

std::string payload_name(bool is_1, std::uint8_t type) {
  const auto name = name_in(is_1 ? std::span<const Named>(kPayloads1) : std::span<const Named>(kPayloads2), type);
  return name ? std::string(*name) : fmt::format("Unknown({})", type);
}

std::optional<std::string_view> exchange_name(std::uint8_t type) { return name_in(kExchanges, type); }

std::string notice_name(std::uint16_t type) {
  const auto name = name_in(kNotices, type);
  return name ? std::string(*name) : fmt::format("Unknown({})", type);
}

}  // namespace tocsin::protocol::ike
