// Kerberos 5 (RFC 4120) with the KDC: who asked for a ticket to what, how it was encrypted, and what went wrong. Each
// message is a transaction; logs tell those of the KDC.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "protocol/ber.h"
#include "protocol/eve_object.h"
#include "protocol/protocols.h"
#include "protocol/values.h"

namespace tocsin::protocol {
namespace {

enum Field : int { kMessageType, kErrorCode, kClientName, kServerName, kTicketEncryption };
constexpr std::pair<std::string_view, int> kFields[] = {{"krb5_msg_type", kMessageType},
                                                        {"krb5_err_code", kErrorCode},
                                                        {"krb5.cname", kClientName},
                                                        {"krb5.sname", kServerName},
                                                        {"krb5.ticket_encryption", kTicketEncryption}};

enum Type : std::uint8_t { kAsReq = 10, kAsRep, kTgsReq, kTgsRep, kApReq, kApRep, kError = 30 };
struct Named {
  std::int64_t number;
  std::string_view name;
};
constexpr Named kTypes[] = {{kAsReq, "KRB_AS_REQ"},   {kAsRep, "KRB_AS_REP"}, {kTgsReq, "KRB_TGS_REQ"},
                            {kTgsRep, "KRB_TGS_REP"}, {kApReq, "KRB_AP_REQ"}, {kApRep, "KRB_AP_REP"},
                            {kError, "KRB_ERROR"}};
// RFC 3961, section 8, and what was registered since.
constexpr Named kEncryptions[] = {{1, "DES_CBC_CRC"},
                                  {2, "DES_CBC_MD4"},
                                  {3, "DES_CBC_MD5"},
                                  {5, "DES3_CBC_MD5"},
                                  {7, "DES3_CBC_SHA1"},
                                  {9, "DSAWITHSHA1_CMSOID"},
                                  {10, "MD5WITHRSAENCRYPTION_CMSOID"},
                                  {11, "SHA1WITHRSAENCRYPTION_CMSOID"},
                                  {12, "RC2CBC_ENVOID"},
                                  {13, "RSAENCRYPTION_ENVOID"},
                                  {14, "RSAES_OAEP_ENV_OID"},
                                  {15, "DES_EDE3_CBC_ENV_OID"},
                                  {16, "DES3_CBC_SHA1_KD"},
                                  {17, "AES128_CTS_HMAC_SHA1_96"},
                                  {18, "AES256_CTS_HMAC_SHA1_96"},
                                  {19, "AES128_CTS_HMAC_SHA256_128"},
                                  {20, "AES256_CTS_HMAC_SHA384_192"},
                                  {23, "RC4_HMAC"},
                                  {24, "RC4_HMAC_EXP"},
                                  {25, "CAMELLIA128_CTS_CMAC"},
                                  {26, "CAMELLIA256_CTS_CMAC"},
                                  {65, "SUBKEY_KEYMATERIAL"}};
// RFC 4120, section 7.5.9; RFC 4556, section 3.1.3.
constexpr Named kErrors[] = {{0, "KDC_ERR_NONE"},
                             {1, "KDC_ERR_NAME_EXP"},
                             {2, "KDC_ERR_SERVICE_EXP"},
                             {3, "KDC_ERR_BAD_PVNO"},
                             {4, "KDC_ERR_C_OLD_MAST_KVNO"},
                             {5, "KDC_ERR_S_OLD_MAST_KVNO"},
                             {6, "KDC_ERR_C_PRINCIPAL_UNKNOWN"},
                             {7, "KDC_ERR_S_PRINCIPAL_UNKNOWN"},
                             {8, "KDC_ERR_PRINCIPAL_NOT_UNIQUE"},
                             {9, "KDC_ERR_NULL_KEY"},
                             {10, "KDC_ERR_CANNOT_POSTDATE"},
                             {11, "KDC_ERR_NEVER_VALID"},
                             {12, "KDC_ERR_POLICY"},
                             {13, "KDC_ERR_BADOPTION"},
                             {14, "KDC_ERR_ETYPE_NOSUPP"},
                             {15, "KDC_ERR_SUMTYPE_NOSUPP"},
                             {16, "KDC_ERR_PADATA_TYPE_NOSUPP"},
                             {17, "KDC_ERR_TRTYPE_NOSUPP"},
                             {18, "KDC_ERR_CLIENT_REVOKED"},
                             {19, "KDC_ERR_SERVICE_REVOKED"},
                             {20, "KDC_ERR_TGT_REVOKED"},
                             {21, "KDC_ERR_CLIENT_NOTYET"},
                             {22, "KDC_ERR_SERVICE_NOTYET"},
                             {23, "KDC_ERR_KEY_EXPIRED"},
                             {24, "KDC_ERR_PREAUTH_FAILED"},
                             {25, "KDC_ERR_PREAUTH_REQUIRED"},
                             {26, "KDC_ERR_SERVER_NOMATCH"},
                             {27, "KDC_ERR_MUST_USE_USER2USER"},
                             {28, "KDC_ERR_PATH_NOT_ACCEPTED"},
                             {29, "KDC_ERR_SVC_UNAVAILABLE"},
                             {31, "KRB_AP_ERR_BAD_INTEGRITY"},
                             {32, "KRB_AP_ERR_TKT_EXPIRED"},
                             {33, "KRB_AP_ERR_TKT_NYV"},
                             {34, "KRB_AP_ERR_REPEAT"},
                             {35, "KRB_AP_ERR_NOT_US"},
                             {36, "KRB_AP_ERR_BADMATCH"},
                             {37, "KRB_AP_ERR_SKEW"},
                             {38, "KRB_AP_ERR_BADADDR"},
                             {39, "KRB_AP_ERR_BADVERSION"},
                             {40, "KRB_AP_ERR_MSG_TYPE"},
                             {41, "KRB_AP_ERR_MODIFIED"},
                             {42, "KRB_AP_ERR_BADORDER"},
                             {44, "KRB_AP_ERR_BADKEYVER"},
                             {45, "KRB_AP_ERR_NOKEY"},
                             {46, "KRB_AP_ERR_MUT_FAIL"},
                             {47, "KRB_AP_ERR_BADDIRECTION"},
                             {48, "KRB_AP_ERR_METHOD"},
                             {49, "KRB_AP_ERR_BADSEQ"},
                             {50, "KRB_AP_ERR_INAPP_CKSUM"},
                             {51, "KRB_AP_PATH_NOT_ACCEPTED"},
                             {52, "KRB_ERR_RESPONSE_TOO_BIG"},
                             {60, "KRB_ERR_GENERIC"},
                             {61, "KRB_ERR_FIELD_TOOLONG"},
                             {62, "KDC_ERROR_CLIENT_NOT_TRUSTED"},
                             {63, "KDC_ERROR_KDC_NOT_TRUSTED"},
                             {64, "KDC_ERROR_INVALID_SIG"},
                             {65, "KDC_ERR_KEY_TOO_WEAK"},
                             {66, "KDC_ERR_CERTIFICATE_MISMATCH"},
                             {67, "KRB_AP_ERR_NO_TGT"},
                             {68, "KDC_ERR_WRONG_REALM"},
                             {69, "KRB_AP_ERR_USER_TO_USER_REQUIRED"},
                             {70, "KDC_ERR_CANT_VERIFY_CERTIFICATE"},
                             {71, "KDC_ERR_INVALID_CERTIFICATE"},
                             {72, "KDC_ERR_REVOKED_CERTIFICATE"},
                             {73, "KDC_ERR_REVOCATION_STATUS_UNKNOWN"},
                             {74, "KDC_ERR_REVOCATION_STATUS_UNAVAILABLE"},
                             {75, "KDC_ERR_CLIENT_NAME_MISMATCH"},
                             {76, "KDC_ERR_KDC_NAME_MISMATCH"}};
constexpr std::size_t kMostTransactions = 1024, kMostParts = 16;
// Of TCP; RFC 4120 sets no limit.
constexpr std::size_t kLongestRecord = 64 * 1024;

std::string name_of(std::span<const Named> names, std::int64_t number, std::string_view kind) {
  const auto found = std::ranges::find(names, number, &Named::number);
  return found == names.end() ? fmt::format("{}({})", kind, number) : std::string(found->name);
}

// Those that are not broken.
bool is_weak(std::int64_t encryption) {
  return !((encryption >= 17 && encryption <= 20) || encryption == 25 || encryption == 26);
}

struct Message {
  std::uint8_t type = 0, asked = 0;  // asked: of an error, what was
  std::vector<std::string> client, server;
  std::string realm;
  std::optional<std::int64_t> error, encryption, ticket_encryption;
};

void read_name(Bytes bytes, std::vector<std::string>& parts) {
  Reader outer(bytes);
  const auto sequence = ber::next(outer, ber::kSequence);
  if (!sequence) return;
  Reader reader(*sequence);
  if (!ber::next(reader, ber::around(0))) return;
  const auto names = ber::next(reader, ber::around(1));
  if (!names) return;
  Reader inner(*names);
  const auto list = ber::next(inner, ber::kSequence);
  if (!list) return;
  Reader strings(*list);
  for (ber::Element one; parts.size() < kMostParts && !strings.empty() && ber::next(strings, one);)
    parts.emplace_back(text_of(one.bytes));
}

std::string text_in(Bytes bytes) {
  Reader reader(bytes);
  ber::Element one;
  return ber::next(reader, one) ? std::string(text_of(one.bytes)) : std::string();
}

std::optional<std::int64_t> number_in(Bytes bytes) {
  Reader reader(bytes);
  const auto one = ber::next(reader, ber::kInteger);
  return one ? ber::number_of(*one) : std::nullopt;
}

// EncryptedData: its kind is the first element.
std::optional<std::int64_t> encryption_of(Bytes bytes) {
  Reader outer(bytes);
  const auto sequence = ber::next(outer, ber::kSequence);
  if (!sequence) return std::nullopt;
  Reader reader(*sequence);
  const auto kind = ber::next(reader, ber::around(0));
  return kind ? number_in(*kind) : std::nullopt;
}

bool read_ticket(Bytes bytes, Message& message) {
  Reader outer(bytes);
  const auto ticket = ber::next(outer, 0x61);
  if (!ticket) return false;
  Reader inside(*ticket);
  const auto sequence = ber::next(inside, ber::kSequence);
  if (!sequence) return false;
  Reader reader(*sequence);
  for (ber::Element one; !reader.empty();) {
    if (!ber::next(reader, one)) return false;
    if (one.tag == ber::around(2)) read_name(one.bytes, message.server);
    if (one.tag == ber::around(3)) message.ticket_encryption = encryption_of(one.bytes);
  }
  return true;
}

bool read_request_body(Bytes bytes, Message& message) {
  Reader outer(bytes);
  const auto sequence = ber::next(outer, ber::kSequence);
  if (!sequence) return false;
  Reader reader(*sequence);
  for (ber::Element one; !reader.empty();) {
    if (!ber::next(reader, one)) return false;
    if (one.tag == ber::around(1)) read_name(one.bytes, message.client);
    if (one.tag == ber::around(2)) message.realm = text_in(one.bytes);
    if (one.tag == ber::around(3)) read_name(one.bytes, message.server);
  }
  return true;
}

std::optional<Message> read_message(Bytes bytes) {
  Reader outer(bytes);
  ber::Element all;
  if (!ber::next(outer, all) || (all.tag & 0xe0) != 0x60) return std::nullopt;
  Message message;
  message.type = all.tag & 0x1f;
  const bool is_request = message.type == kAsReq || message.type == kTgsReq;
  const bool is_reply = message.type == kAsRep || message.type == kTgsRep;
  if (message.type == kApReq || message.type == kApRep) return message;
  if (!is_request && !is_reply && message.type != kError) return std::nullopt;
  Reader inside(all.bytes);
  const auto sequence = ber::next(inside, ber::kSequence);
  if (!sequence) return std::nullopt;
  Reader reader(*sequence);
  for (ber::Element one; !reader.empty();) {
    if (!ber::next(reader, one)) return std::nullopt;
    const int number = one.tag & 0x1f;
    if ((one.tag & 0xe0) != 0xa0) return std::nullopt;
    if (is_request && number == 4 && !read_request_body(one.bytes, message)) return std::nullopt;
    if (is_reply) {
      if (number == 3) message.realm = text_in(one.bytes);
      if (number == 4) read_name(one.bytes, message.client);
      if (number == 5 && !read_ticket(one.bytes, message)) return std::nullopt;
      if (number == 6) message.encryption = encryption_of(one.bytes);
    } else if (message.type == kError) {
      if (number == 6) message.error = number_in(one.bytes);
      if (number == 7) message.realm = text_in(one.bytes);
      if (number == 8) read_name(one.bytes, message.client);
      if (number == 10) read_name(one.bytes, message.server);
    }
  }
  if (message.type == kError && !message.error) return std::nullopt;
  return message;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string all;
  for (const std::string& part : parts) all += (all.empty() ? "" : "/") + part;
  return all.empty() ? "<empty>" : all;
}

class Krb5Transaction final : public Transaction {
 public:
  Krb5Transaction(Message message, Side side) : message_(std::move(message)), side_(side) {
    progress[0] = progress[1] = kComplete;
    is_skipped[static_cast<int>(other(side))] = true;
    const bool is_weak_now = (message_.encryption && is_weak(*message_.encryption)) ||
                             (message_.ticket_encryption && is_weak(*message_.ticket_encryption));
    if (is_weak_now) events.emplace_back("krb5.weak_encryption");
  }

  Value value(int field, Side side, std::size_t index) const override {
    if (side != side_) return absent_value();
    const auto number = [&](const std::optional<std::int64_t>& one) {
      return one && index == 0 ? whole_number(static_cast<std::uint64_t>(*one)) : absent_value();
    };
    const auto part = [&](const std::vector<std::string>& parts) {
      return index < parts.size() ? whole_value(parts[index]) : absent_value();
    };
    switch (field) {
      case kMessageType:
        return index == 0 ? whole_number(message_.type) : absent_value();
      case kErrorCode:
        return number(message_.error);
      case kClientName:
        return part(message_.client);
      case kServerName:
        return part(message_.server);
      case kTicketEncryption:
        return number(message_.ticket_encryption);
      default:
        return absent_value();
    }
  }

  // krb5.ticket_encryption: "weak", or any of several kinds by number or by name.
  std::optional<bool> holds(int field, Side side, std::span<const std::string> words) const override {
    if (field != kTicketEncryption) return std::nullopt;
    if (side != side_ || !message_.ticket_encryption) return false;
    const std::int64_t kind = *message_.ticket_encryption;
    std::string own = lower(name_of(kEncryptions, kind, ""));
    std::ranges::replace(own, '_', '-');
    for (std::string_view rest : words) {
      while (!rest.empty()) {
        const std::size_t end = std::min(rest.find(' '), rest.size());
        const std::string word = lower(rest.substr(0, end));
        rest.remove_prefix(std::min(rest.size(), end + 1));
        if (word.empty()) continue;
        if (word == own || word == std::to_string(kind) || (word == "weak" && is_weak(kind))) return true;
      }
    }
    return false;
  }

  std::string eve() const override {
    if (message_.type != kAsRep && message_.type != kTgsRep && message_.type != kError) return {};
    EveObject out;
    out.open("krb5");
    out.text("msg_type", name_of(kTypes, message_.type, "MessageType"));
    if (message_.error) {
      if (message_.asked != 0) out.text("failed_request", name_of(kTypes, message_.asked, "MessageType"));
      out.text("error_code", name_of(kErrors, *message_.error, "ErrorCode"));
    }
    out.text("cname", joined(message_.client));
    out.text("realm", message_.realm.empty() ? "<empty>" : message_.realm);
    out.text("sname", joined(message_.server));
    const auto& kind = message_.encryption;
    out.text("encryption", kind ? dashed(*kind) : "<none>");
    out.flag("weak_encryption", kind && is_weak(*kind));
    if (message_.ticket_encryption) {
      out.text("ticket_encryption", dashed(*message_.ticket_encryption));
      out.flag("ticket_weak_encryption", is_weak(*message_.ticket_encryption));
    }
    out.close();
    return out.take();
  }

 private:
  // "aes256-cts-hmac-sha1-96", as the registry has it.
  static std::string dashed(std::int64_t kind) {
    std::string text = lower(name_of(kEncryptions, kind, "unknown"));
    std::ranges::replace(text, '_', '-');
    return text;
  }
  Message message_;
  Side side_;
};

class Krb5Parser final : public Parser {
 public:
  explicit Krb5Parser(bool is_udp) : is_udp_(is_udp) {}

  bool take(Side side, Bytes bytes, Timestamp time) override {
    if (is_udp_) return message(side, bytes, time);
    std::string& pending = pending_[static_cast<int>(side)];
    pending.append(text_of(bytes));
    std::size_t done = 0;
    while (pending.size() - done >= 4) {
      Reader reader(bytes_of(std::string_view(pending).substr(done)));
      const std::size_t length = reader.u32();
      if (length > kLongestRecord) {
        tell_last("krb5.malformed_data");
        return false;
      }
      if (reader.left() < length) break;
      if (!message(side, reader.bytes(length), time)) return false;
      done += 4 + length;
    }
    pending.erase(0, done);
    return true;
  }
  bool skip(Side, std::uint64_t, Timestamp) override { return false; }
  void end(Side, Timestamp) override {}

 private:
  bool message(Side side, Bytes bytes, Timestamp time) {
    auto read = read_message(bytes);
    if (!read) {
      tell_last("krb5.malformed_data");
      return false;
    }
    if (read->type == kAsReq || read->type == kTgsReq || read->type == kApReq) asked_ = read->type;
    if (read->type == kError) read->asked = asked_;
    keep(std::make_unique<Krb5Transaction>(std::move(*read), side), time, kMostTransactions);
    return true;
  }

  bool is_udp_;
  std::uint8_t asked_ = 0;
  std::string pending_[2];
};

class Krb5 final : public Protocol {
 public:
  std::string_view name() const override { return "krb5"; }
  int field(std::string_view keyword) const override { return protocol::number_in(kFields, keyword); }
  std::optional<std::uint64_t> number_of(int field, std::string_view word) const override {
    if (field != kMessageType) return std::nullopt;
    for (const Named& one : kTypes) {
      if (equals_ignoring_case(one.name, word) || equals_ignoring_case(one.name.substr(4), word))
        return static_cast<std::uint64_t>(one.number);
    }
    return std::nullopt;
  }
  Probe probe(bool, Side, Bytes, std::uint16_t) const override { return Probe::kNo; }
  std::string_view ports(bool) const override { return "88"; }
  Probe recognise_on_port(const Beginning& beginning) const override {
    Bytes bytes = beginning.bytes;
    if (!beginning.is_udp) {
      if (bytes.size() < 6) return Probe::kMore;
      Reader reader(bytes);
      if (reader.u32() > kLongestRecord) return Probe::kNo;
      bytes = bytes.subspan(4);
    }
    const auto size = ber::size_of(bytes);
    if (!size || (*size != 0 && *size < 10) || bytes.empty()) return Probe::kNo;
    const std::uint8_t type = bytes[0] & 0x1f;
    const bool is_one = (bytes[0] & 0xe0) == 0x60 && ((type >= kAsReq && type <= kApRep) || type == kError);
    return is_one ? Probe::kYes : Probe::kNo;
  }
  std::unique_ptr<Parser> parser(const Options&) const override { return std::make_unique<Krb5Parser>(false); }
  std::unique_ptr<Parser> parser_over(bool is_udp, const Options&) const override {
    return std::make_unique<Krb5Parser>(is_udp);
  }
};

}  // namespace

const Protocol& krb5_protocol() {
  static const Krb5 protocol;
  return protocol;
}

}  // namespace tocsin::protocol
