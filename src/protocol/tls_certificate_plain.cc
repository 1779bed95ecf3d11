// OpenSSL decodes a certificate's key together with it, which takes most of the time and is of no use here. So what is
// plain is read here, and only what OpenSSL would take for sure, with the same words.
#include "protocol/tls_certificate_plain.h"

#include <openssl/asn1.h>
#include <openssl/objects.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace tocsin::protocol::tls {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::uint8_t kBoolean = 0x01, kInteger = 0x02, kBitString = 0x03, kOctetString = 0x04, kNull = 0x05,
                       kObject = 0x06, kUtf8 = 0x0c, kPrintable = 0x13, kTeletex = 0x14, kIa5 = 0x16, kUtcTime = 0x17,
                       kGeneralTime = 0x18, kSequence = 0x30, kSet = 0x31, kVersion = 0xa0, kExtensions = 0xa3;
constexpr std::size_t kMostSize = 64 * 1024, kMostNames = 1'024;

// Elements one behind another, of definite and shortest lengths.
class Elements {
 public:
  explicit Elements(Bytes bytes) : rest_(bytes) {}

  bool ok() const { return ok_; }
  bool is_done() const { return ok_ && rest_.empty(); }
  bool at(std::uint8_t tag) const { return ok_ && !rest_.empty() && rest_[0] == tag; }
  std::uint8_t tag() const { return ok_ && !rest_.empty() ? rest_[0] : std::uint8_t{0}; }
  // The content of the next, which must be of this tag.
  Bytes take(std::uint8_t tag) {
    if (rest_.size() < 2 || rest_[0] != tag) return fail();
    std::size_t length = rest_[1], header = 2;
    if (length == 0x81) {
      if (rest_.size() < 3 || rest_[2] < 0x80) return fail();
      length = rest_[2];
      header = 3;
    } else if (length == 0x82) {
      if (rest_.size() < 4 || rest_[2] == 0) return fail();
      length = std::size_t{rest_[2]} << 8 | rest_[3];
      header = 4;
    } else if (length >= 0x80) {
      return fail();
    }
    if (length > rest_.size() - header) return fail();
    const Bytes content = rest_.subspan(header, length);
    rest_ = rest_.subspan(header + length);
    return ok_ ? content : Bytes();
  }

 private:
  Bytes fail() {
    ok_ = false;
    rest_ = {};
    return {};
  }
  Bytes rest_;
  bool ok_ = true;
};

bool is_ascii(Bytes bytes) {
  return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte < 0x80; });
}

bool is_object(Bytes object) {
  if (object.empty() || (object.back() & 0x80) != 0) return false;
  bool begins = true;
  for (const std::uint8_t byte : object) {
    if (begins && byte == 0x80) return false;
    begins = (byte & 0x80) == 0;
  }
  return true;
}

bool is_integer(Bytes number) {
  if (number.empty()) return false;
  if (number.size() == 1) return true;
  return !(number[0] == 0 && number[1] < 0x80) && !(number[0] == 0xff && number[1] >= 0x80);
}

bool is_bit_string(Bytes bits) { return bits.size() > 1 && bits[0] == 0; }

bool is_algorithm(Bytes content) {
  Elements parts(content);
  if (!is_object(parts.take(kObject))) return false;
  if (parts.is_done()) return true;
  if (parts.at(kNull)) return parts.take(kNull).empty() && parts.is_done();
  // A curve's name; other parameters are not plain.
  return parts.at(kObject) && is_object(parts.take(kObject)) && parts.is_done();
}

// As OpenSSL calls it; empty: it has no name for it.
std::string_view rare_name(Bytes object) {
  std::array<std::uint8_t, 66> der{kObject, static_cast<std::uint8_t>(object.size())};
  if (object.size() > der.size() - 2) return {};
  std::ranges::copy(object, der.begin() + 2);
  const unsigned char* at = der.data();
  ASN1_OBJECT* const read = d2i_ASN1_OBJECT(nullptr, &at, static_cast<long>(object.size()) + 2);
  const int number = read != nullptr ? OBJ_obj2nid(read) : NID_undef;
  ASN1_OBJECT_free(read);
  return number != NID_undef ? OBJ_nid2sn(number) : std::string_view();
}

// The short name of a kind of attribute, mostly one of the common ones; empty: it has none.
std::string_view attribute_name(Bytes object) {
  static constexpr std::uint8_t kAttributes[] = {0x55, 0x04};  // 2.5.4
  static constexpr std::uint8_t kDomain[] = {0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19};
  static constexpr std::uint8_t kEmail[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01};
  if (std::ranges::equal(object, kEmail)) return "emailAddress";
  if (std::ranges::equal(object, kDomain)) return "DC";
  if (object.size() != 3 || !std::ranges::equal(object.first(2), kAttributes)) return rare_name(object);
  switch (object[2]) {
    case 3:
      return "CN";
    case 4:
      return "SN";
    case 5:
      return "serialNumber";
    case 6:
      return "C";
    case 7:
      return "L";
    case 8:
      return "ST";
    case 9:
      return "street";
    case 10:
      return "O";
    case 11:
      return "OU";
    case 12:
      return "title";
    case 17:
      return "postalCode";
    case 42:
      return "GN";
    default:
      return rare_name(object);
  }
}

bool read_name(Bytes content, std::string& text) {
  Elements sets(content);
  while (sets.ok() && !sets.is_done()) {
    Elements set(sets.take(kSet));
    Elements attribute(set.take(kSequence));
    if (!set.is_done()) return false;
    const std::string_view name = attribute_name(attribute.take(kObject));
    const std::uint8_t tag = attribute.tag();
    const bool is_text = tag == kPrintable || tag == kUtf8 || tag == kIa5 || tag == kTeletex;
    if (name.empty() || !is_text) return false;
    const Bytes value = attribute.take(tag);
    if (!attribute.is_done() || !is_ascii(value)) return false;
    if (!text.empty()) text += ", ";
    text += name;
    text += '=';
    text.append(reinterpret_cast<const char*>(value.data()), value.size());
  }
  return sets.is_done();
}

// "YYMMDDhhmmssZ" or "YYYYMMDDhhmmssZ"
bool read_time(Elements& from, std::int64_t& seconds) {
  const bool is_general = from.at(kGeneralTime);
  const Bytes text = from.take(is_general ? kGeneralTime : kUtcTime);
  if (text.size() != (is_general ? 15U : 13U) || text.back() != 'Z') return false;
  const auto digits = text.first(text.size() - 1);
  if (!std::ranges::all_of(digits, [](std::uint8_t c) { return c >= '0' && c <= '9'; })) return false;
  std::size_t at = 0;
  const auto two = [&] {
    at += 2;
    return (text[at - 2] - '0') * 10 + text[at - 1] - '0';
  };
  int year = two();
  if (is_general) {
    year = year * 100 + two();
  } else {
    year += year < 50 ? 2000 : 1900;
  }
  const int month = two(), day = two(), hour = two(), minute = two(), second = two();
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || hour > 23 || minute > 59 || second > 59) return false;
  seconds = std::int64_t{std::chrono::sys_days(date).time_since_epoch().count()} * 86'400 + hour * 3'600 + minute * 60 +
            second;
  return true;
}

bool read_alternative_names(Bytes value, std::vector<std::string>& texts) {
  Elements outer(value);
  Elements names(outer.take(kSequence));
  if (!outer.is_done()) return false;
  while (names.ok() && !names.is_done()) {
    const std::uint8_t tag = names.tag();
    const Bytes name = names.take(tag);
    std::string text;
    switch (tag) {
      case 0x81:  // a mail address, a domain name, a URI
      case 0x82:
      case 0x86:
        text.assign(reinterpret_cast<const char*>(name.data()), name.size());
        break;
      case 0x87:
        text = address_text(name);
        break;
      case 0xa4: {
        Elements directory(name);
        if (!read_name(directory.take(kSequence), text) || !directory.is_done()) return false;
        break;
      }
      default:
        return false;
    }
    if (texts.size() < kMostNames) texts.push_back(std::move(text));
  }
  return names.is_done();
}

bool read_extensions(Bytes content, std::vector<std::string>& names) {
  static constexpr std::uint8_t kAlternativeNames[] = {0x55, 0x1d, 0x11};  // 2.5.29.17
  Elements outer(content);
  Elements all(outer.take(kSequence));
  if (!outer.is_done()) return false;
  bool has_names = false;
  while (all.ok() && !all.is_done()) {
    Elements extension(all.take(kSequence));
    const Bytes kind = extension.take(kObject);
    if (!is_object(kind)) return false;
    if (extension.at(kBoolean) && extension.take(kBoolean).size() != 1) return false;
    const Bytes value = extension.take(kOctetString);
    if (!extension.is_done()) return false;
    if (!std::ranges::equal(kind, kAlternativeNames)) continue;
    if (has_names || !read_alternative_names(value, names)) return false;
    has_names = true;
  }
  return all.is_done();
}

}  // namespace

std::optional<Certificate> read_plain_certificate(Bytes der) {
  if (der.size() > kMostSize) return std::nullopt;
  Certificate certificate;
  Elements whole(der);
  Elements parts(whole.take(kSequence));
  Elements body(parts.take(kSequence));
  if (!is_algorithm(parts.take(kSequence)) || !is_bit_string(parts.take(kBitString)) || !parts.is_done()) return {};
  if (body.at(kVersion)) {
    Elements version(body.take(kVersion));
    if (!is_integer(version.take(kInteger)) || !version.is_done()) return {};
  }
  const Bytes serial = body.take(kInteger);
  if (!is_integer(serial) || serial[0] >= 0x80 || !is_algorithm(body.take(kSequence))) return {};
  if (!read_name(body.take(kSequence), certificate.issuer)) return {};
  Elements validity(body.take(kSequence));
  if (!read_time(validity, certificate.not_before) || !read_time(validity, certificate.not_after) ||
      !validity.is_done()) {
    return {};
  }
  if (!read_name(body.take(kSequence), certificate.subject)) return {};
  Elements key(body.take(kSequence));
  if (!is_algorithm(key.take(kSequence)) || !is_bit_string(key.take(kBitString)) || !key.is_done()) return {};
  if (body.at(kExtensions) && !read_extensions(body.take(kExtensions), certificate.names)) return {};
  if (!body.is_done()) return {};
  certificate.serial = hex_pairs(serial, true);
  return certificate;
}

}  // namespace tocsin::protocol::tls
