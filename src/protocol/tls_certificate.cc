#include "protocol/tls_certificate.h"

#include <fmt/format.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <memory>

#include "base/digest.h"
#include "protocol/tls_certificate_plain.h"

namespace tocsin::protocol::tls {
namespace {

constexpr std::size_t kMostNames = 1024;

template <typename T, void (*kFree)(T*)>
struct Freed {
  void operator()(T* value) const { kFree(value); }
};
template <typename T, void (*kFree)(T*)>
using Owned = std::unique_ptr<T, Freed<T, kFree>>;

std::string name_text(const X509_NAME* name) {
  std::string text;
  int last_set = -1;
  for (int i = 0; i < X509_NAME_entry_count(name); ++i) {
    const X509_NAME_ENTRY* entry = X509_NAME_get_entry(name, i);
    const ASN1_OBJECT* kind = X509_NAME_ENTRY_get_object(entry);
    if (!text.empty()) text += X509_NAME_ENTRY_set(entry) == last_set ? " + " : ", ";
    last_set = X509_NAME_ENTRY_set(entry);
    const int number = OBJ_obj2nid(kind);
    if (number != NID_undef) {
      text += OBJ_nid2sn(number);
    } else {
      char digits[128];
      OBJ_obj2txt(digits, sizeof digits, kind, 1);
      text += digits;
    }
    text += '=';
    unsigned char* value = nullptr;
    const int size = ASN1_STRING_to_UTF8(&value, X509_NAME_ENTRY_get_data(entry));
    if (size > 0) text.append(reinterpret_cast<const char*>(value), static_cast<std::size_t>(size));
    OPENSSL_free(value);
  }
  return text;
}

// The bytes as they stand, with the zero before a number that would be negative without it.
std::string serial_text(const ASN1_INTEGER* serial) {
  unsigned char* der = nullptr;
  const int size = i2d_ASN1_INTEGER(serial, &der);
  std::string text;
  if (size > 2) {
    const std::size_t header = (der[1] & 0x80) != 0 ? 2U + (der[1] & 0x7f) : 2U;
    if (header < static_cast<std::size_t>(size))
      text = hex_pairs({der + header, static_cast<std::size_t>(size) - header}, true);
  }
  OPENSSL_free(der);
  return text;
}

std::int64_t seconds_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return 0;
  return static_cast<std::int64_t>(timegm(&parts));
}

void free_names(GENERAL_NAMES* names) { GENERAL_NAMES_free(names); }

std::vector<std::string> alternative_names(const X509* certificate) {
  const Owned<GENERAL_NAMES, free_names> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::vector<std::string> texts;
  if (!names) return texts;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()) && texts.size() < kMostNames; ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    switch (name->type) {
      case GEN_DNS:
      case GEN_URI:
      case GEN_EMAIL: {
        const ASN1_IA5STRING* text = name->d.ia5;
        texts.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                           static_cast<std::size_t>(ASN1_STRING_length(text)));
        break;
      }
      case GEN_IPADD:
        texts.push_back(address_text({ASN1_STRING_get0_data(name->d.iPAddress),
                                      static_cast<std::size_t>(ASN1_STRING_length(name->d.iPAddress))}));
        break;
      case GEN_DIRNAME:
        texts.push_back(name_text(name->d.directoryName));
        break;
      default:
        break;
    }
  }
  return texts;
}

std::optional<Certificate> read_any_certificate(std::span<const std::uint8_t> der) {
  const unsigned char* at = der.data();
  const Owned<X509, X509_free> read(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (!read) return std::nullopt;
  Certificate certificate;
  certificate.subject = name_text(X509_get_subject_name(read.get()));
  certificate.issuer = name_text(X509_get_issuer_name(read.get()));
  certificate.serial = serial_text(X509_get0_serialNumber(read.get()));
  certificate.not_before = seconds_of(X509_get0_notBefore(read.get()));
  certificate.not_after = seconds_of(X509_get0_notAfter(read.get()));
  certificate.names = alternative_names(read.get());
  return certificate;
}

// Of DER, as far as it takes to say what is wrong.
constexpr std::uint8_t kSequence = 0x30;
struct Element {
  std::uint8_t tag = 0;
  std::span<const std::uint8_t> content;
};
enum class Read { kWhole, kShortHeader, kShortContent };
Read next(std::span<const std::uint8_t>& bytes, Element& element) {
  if (bytes.size() < 2) return Read::kShortHeader;
  element.tag = bytes[0];
  std::size_t length = bytes[1], header = 2;
  if ((length & 0x80) != 0) {
    const std::size_t count = length & 0x7f;
    if (count > 8) return Read::kShortContent;
    if (bytes.size() < 2 + count) return Read::kShortHeader;
    length = 0;
    for (std::size_t i = 0; i < count; ++i) length = length << 8 | bytes[2 + i];
    header += count;
  }
  if (length > bytes.size() - header) return Read::kShortContent;
  element.content = bytes.subspan(header, length);
  bytes = bytes.subspan(header + length);
  return Read::kWhole;
}

}  // namespace

std::string address_text(std::span<const std::uint8_t> address) {
  std::string text = "[";
  for (const std::uint8_t byte : address) {
    if (text.size() > 1) text += ", ";
    text += std::to_string(byte);
  }
  return text + "]";
}

std::string hex_pairs(std::span<const std::uint8_t> bytes, bool upper) {
  const std::string_view digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 3);
  for (const std::uint8_t byte : bytes) {
    if (!text.empty()) text += ':';
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

std::optional<Certificate> read_certificate(std::span<const std::uint8_t> der) {
  std::optional<Certificate> certificate = read_plain_certificate(der);
  if (!certificate) certificate = read_any_certificate(der);
  if (certificate) certificate->fingerprint = hex_pairs(digest(DigestKind::kSha1, der).view(), false);
  return certificate;
}

std::string_view certificate_fault(std::span<const std::uint8_t> der) {
  Element certificate;
  switch (next(der, certificate)) {
    case Read::kShortHeader:
    case Read::kShortContent:
      return "tls.certificate_invalid_length";
    default:
      break;
  }
  if (certificate.tag != kSequence) return "tls.certificate_invalid_der";
  Element body;
  const Read read = next(certificate.content, body);
  if (read == Read::kShortHeader) return "tls.certificate_invalid_length";
  if (read != Read::kWhole || body.tag != kSequence) return "tls.invalid_certificate";
  // In their order; the version may be left out.
  constexpr struct {
    std::uint8_t tag;
    std::string_view event;
  } kParts[] = {
      {0x02, "tls.certificate_invalid_serial"},        {kSequence, "tls.certificate_invalid_algorithmidentifier"},
      {kSequence, "tls.certificate_invalid_x509name"}, {kSequence, "tls.certificate_invalid_date"},
      {kSequence, "tls.certificate_invalid_x509name"}, {kSequence, "tls.invalid_certificate"}};
  std::span<const std::uint8_t> rest = body.content;
  if (!rest.empty() && rest[0] == 0xa0) {
    Element version, number;
    if (next(rest, version) != Read::kWhole) return "tls.certificate_invalid_version";
    std::span<const std::uint8_t> inner = version.content;
    if (next(inner, number) != Read::kWhole || number.tag != 0x02) return "tls.certificate_invalid_version";
  }
  for (const auto& part : kParts) {
    Element element;
    if (next(rest, element) != Read::kWhole || element.tag != part.tag) return part.event;
  }
  return "tls.certificate_invalid_extensions";
}

std::string time_text(std::int64_t seconds) {
  const std::time_t time = seconds;
  std::tm parts{};
  if (gmtime_r(&time, &parts) == nullptr) return {};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                     parts.tm_hour, parts.tm_min, parts.tm_sec);
}

}  // namespace tocsin::protocol::tls
