#include "protocol/dns_message.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "protocol/reader.h"

namespace tocsin::protocol::dns {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::size_t kLongestName = 1025;
constexpr int kMostLabels = 255;
constexpr std::size_t kHeader = 12;
// A message's records may share one long name many times over; what is kept of them is bounded.
constexpr std::size_t kMostText = 256 * 1024;

using Word = std::pair<std::uint16_t, std::string_view>;
constexpr Word kTypes[] = {
    {1, "A"},      {2, "NS"},     {3, "MD"},      {4, "MF"},       {5, "CNAME"},    {6, "SOA"},
    {7, "MB"},     {8, "MG"},     {9, "MR"},      {10, "NULL"},    {11, "WKS"},     {12, "PTR"},
    {13, "HINFO"}, {14, "MINFO"}, {15, "MX"},     {16, "TXT"},     {17, "RP"},      {18, "AFSDB"},
    {19, "X25"},   {20, "ISDN"},  {21, "RT"},     {22, "NSAP"},    {23, "NSAPPTR"}, {24, "SIG"},
    {25, "KEY"},   {26, "PX"},    {27, "GPOS"},   {28, "AAAA"},    {29, "LOC"},     {30, "NXT"},
    {33, "SRV"},   {34, "ATMA"},  {35, "NAPTR"},  {36, "KX"},      {37, "CERT"},    {38, "A6"},
    {39, "DNAME"}, {41, "OPT"},   {42, "APL"},    {43, "DS"},      {44, "SSHFP"},   {45, "IPSECKEY"},
    {46, "RRSIG"}, {47, "NSEC"},  {48, "DNSKEY"}, {49, "DHCID"},   {50, "NSEC3"},   {51, "NSEC3PARAM"},
    {52, "TLSA"},  {55, "HIP"},   {59, "CDS"},    {60, "CDNSKEY"}, {65, "HTTPS"},   {99, "SPF"},
    {249, "TKEY"}, {250, "TSIG"}, {254, "MAILA"}, {255, "ANY"},    {256, "URI"}};
constexpr Word kCodes[] = {{0, "NOERROR"},  {1, "FORMERR"},  {2, "SERVFAIL"}, {3, "NXDOMAIN"}, {4, "NOTIMP"},
                           {5, "REFUSED"},  {6, "YXDOMAIN"}, {7, "YXRRSET"},  {8, "NXRRSET"},  {9, "NOTAUTH"},
                           {10, "NOTZONE"}, {16, "BADVERS"}, {17, "BADKEY"},  {18, "BADTIME"}, {19, "BADMODE"},
                           {20, "BADNAME"}, {21, "BADALG"},  {22, "BADTRUNC"}};

std::string word_of(std::span<const Word> words, std::uint16_t number) {
  const auto found = std::ranges::find(words, number, &Word::first);
  return found == words.end() ? std::to_string(number) : std::string(found->second);
}

std::optional<std::uint64_t> number_of(std::span<const Word> words, std::string_view name) {
  const auto found =
      std::ranges::find_if(words, [&](const Word& word) { return equals_ignoring_case(word.second, name); });
  if (found == words.end()) return std::nullopt;
  return found->first;
}

class MessageReader {
 public:
  MessageReader(Bytes message, Message& into) : message_(message), into_(into) {}

  // A name from `reader` on; the reader stands after it.
  std::optional<Name> name(Reader& reader, Bytes of) {
    Name name;
    Bytes at = of.subspan(reader.at());
    std::optional<std::size_t> after;  // the first pointer
    int labels = 0;
    const auto place = [&](Bytes where) { return static_cast<std::size_t>(where.data() - of.data()); };
    while (!at.empty()) {
      const std::uint8_t length = at[0];
      if (length == 0) {
        at = at.subspan(1);
        break;
      }
      if ((length & 0xc0) == 0) {
        if (std::size_t{length} + 1 > at.size()) return std::nullopt;
        if (!name.is_truncated) {
          if (!name.text.empty()) name.text += '.';
          name.text += text_of(at.subspan(1, length));
        }
        at = at.subspan(std::size_t{length} + 1);
      } else if ((length & 0xc0) == 0xc0) {
        if (at.size() < 2) return std::nullopt;
        const std::size_t target = (std::size_t{length} & 0x3f) << 8 | at[1];
        if (target > message_.size()) return std::nullopt;
        const bool is_loop = message_.data() + target == at.data();
        if (is_loop) {
          name.has_loop = into_.has_loop = true;
          if (!after) return std::nullopt;
          break;
        }
        if (!after) after = place(at) + 2;
        at = message_.subspan(target);
      } else {
        return std::nullopt;
      }
      if (++labels > kMostLabels) {
        name.has_too_many_labels = into_.has_too_many_labels = true;
        if (!after) return std::nullopt;
        name.is_truncated = into_.has_long_name = true;
        break;
      }
      if (name.text.size() > kLongestName) {
        name.text.resize(kLongestName);
        name.is_truncated = into_.has_long_name = true;
        if (after) break;
      }
    }
    reader.move_to(after ? *after : place(at));
    kept_ += name.text.size();
    return name;
  }

  bool questions(Reader& reader, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      auto asked = name(reader, message_);
      if (!asked) return false;
      Question question{std::move(*asked), reader.u16(), reader.u16()};
      if (!reader.ok() || kept_ > kMostText) return false;
      into_.questions.push_back(std::move(question));
    }
    return true;
  }

  bool records(Reader& reader, std::size_t count, std::vector<Record>& records) {
    for (std::size_t i = 0; i < count; ++i) {
      auto owner = name(reader, message_);
      if (!owner) return false;
      Record record;
      record.name = std::move(*owner);
      record.type = reader.u16();
      record.of_class = reader.u16();
      record.ttl = reader.u32();
      const Bytes data = reader.counted16();
      if (!reader.ok() || kept_ > kMostText || !read_data(record, data)) return false;
      records.push_back(std::move(record));
    }
    return true;
  }

 private:
  bool name_into(Name& into, Reader& reader, Bytes of) {
    auto read = name(reader, of);
    if (!read) return false;
    into = std::move(*read);
    return reader.ok();
  }

  bool read_data(Record& record, Bytes data) {
    Reader reader(data);
    switch (record.type) {
      case kCname:
      case kNs:
      case kPtr:
        return name_into(record.target, reader, data);
      case kMx:
        reader.u16();
        return reader.ok() && name_into(record.target, reader, data);
      case kSoa:
        if (!name_into(record.target, reader, data) || !name_into(record.second, reader, data)) return false;
        for (std::uint32_t& number : record.numbers) number = reader.u32();
        return reader.ok();
      case kSrv:
        for (int i = 0; i < 3; ++i) record.numbers[i] = reader.u16();
        return reader.ok() && name_into(record.target, reader, data);
      case kTxt:
        while (!reader.empty()) {
          const Bytes text = reader.counted8();
          if (!reader.ok()) return false;
          record.texts.emplace_back(text_of(text));
        }
        return true;
      case kOpt:
        while (!reader.empty()) {
          const std::uint16_t code = reader.u16();
          const Bytes value = reader.counted16();
          if (!reader.ok()) return false;
          record.options.push_back({code, std::string(text_of(value))});
        }
        return true;
      case kSshfp:
        record.numbers[0] = reader.u8();
        record.numbers[1] = reader.u8();
        record.data = text_of(reader.rest());
        return reader.ok();
      case kA:
      case kAaaa:
      case kNull:
        record.data = text_of(data);
        return true;
      default:
        return true;
    }
  }

  Bytes message_;
  Message& into_;
  std::size_t kept_ = 0;
};

}  // namespace

const Name* Record::name_in_data() const {
  return type == kCname || type == kPtr || type == kMx || type == kNs || type == kSoa ? &target : nullptr;
}

bool has_plausible_header(Bytes message) {
  if (message.size() < kHeader) return false;
  Reader reader(message);
  reader.u16();
  const bool asks = (reader.u16() & 0x8000) == 0;
  const std::size_t questions = reader.u16();
  const std::size_t records = questions + reader.u16() + reader.u16() + reader.u16();
  if (2 * records > message.size()) return false;
  if (records == 0 && message.size() > kHeader) return false;
  return !asks || questions != 0;
}

std::optional<Message> parse_message(Bytes bytes) {
  Message message;
  Reader reader(bytes);
  message.id = reader.u16();
  message.flags = reader.u16();
  const std::size_t questions = reader.u16(), answers = reader.u16(), authorities = reader.u16(),
                    additionals = reader.u16();
  if (!reader.ok()) return std::nullopt;
  MessageReader records(bytes, message);
  if (!records.questions(reader, questions) || !records.records(reader, answers, message.answers)) return std::nullopt;
  if (!records.records(reader, authorities, message.authorities)) {
    message.authorities.clear();
    message.has_invalid_authorities = true;
  } else if (!records.records(reader, additionals, message.additionals)) {
    message.additionals.clear();
    message.has_invalid_additionals = true;
  }
  return message;
}

std::string type_name(std::uint16_t type) { return word_of(kTypes, type); }
std::string rcode_name(std::uint8_t rcode) { return word_of(kCodes, rcode); }
std::optional<std::uint64_t> type_number(std::string_view name) { return number_of(kTypes, name); }
std::optional<std::uint64_t> rcode_number(std::string_view name) { return number_of(kCodes, name); }

}  // namespace tocsin::protocol::dns
