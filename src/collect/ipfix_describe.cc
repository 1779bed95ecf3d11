#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "base/ip_address.h"
#include "base/text.h"
#include "collect/ipfix.h"
#include "collect/ipfix_time.h"

namespace tocsin::collect {
namespace {

constexpr std::size_t kMostText = 4096;
constexpr std::size_t kMostValue = 64;

std::uint64_t number_of(std::span<const std::byte> value) {
  std::uint64_t number = 0;
  for (const std::byte byte : value) number = number << 8 | std::to_integer<std::uint64_t>(byte);
  return number;
}

std::string name_of(const FieldSpec& field, const Element* element) {
  if (field.scope) return fmt::format("scope{}", field.id);
  if (element == nullptr)
    return field.enterprise == 0 ? fmt::format("element{}", field.id)
                                 : fmt::format("element{}/{}", field.enterprise, field.id);
  std::string name(element->name);
  if (field.enterprise != kReversePen) return name;
  if (name[0] >= 'a' && name[0] <= 'z') name[0] = static_cast<char>(name[0] - 'a' + 'A');
  return "reverse" + name;
}

std::string hexadecimal(std::span<const std::byte> value) {
  std::string text = "0x";
  for (const std::byte byte : value.first(std::min(value.size(), kMostValue)))
    fmt::format_to(std::back_inserter(text), "{:02x}", std::to_integer<unsigned>(byte));
  if (value.size() > kMostValue) text += "…";
  return text;
}

std::string value_of(const Element* element, std::span<const std::byte> value) {
  const ElementType type = element == nullptr ? ElementType::kNumber : element->type;
  const std::size_t size = value.size();
  if (size == 0) return "";
  switch (type) {
    case ElementType::kIpv4:
      if (size == 4) return IpAddress::v4(static_cast<std::uint32_t>(number_of(value))).text();
      break;
    case ElementType::kIpv6:
      if (size == 16) {
        std::array<std::uint8_t, 16> bytes;
        std::ranges::transform(value, bytes.begin(), [](std::byte b) { return std::to_integer<std::uint8_t>(b); });
        return IpAddress(bytes).text();
      }
      break;
    case ElementType::kText: {
      const std::string_view text(reinterpret_cast<const char*>(value.data()), size);
      return fmt::format("\"{}\"", printable(text.substr(0, text.find('\0')), kMostValue));
    }
    case ElementType::kSeconds:
      if (size == 4) return format_time(static_cast<Timestamp>(number_of(value)) * kSecond);
      break;
    case ElementType::kMilliseconds:
      if (size == 8 && number_of(value) <= kMostMilliseconds)
        return format_time(static_cast<Timestamp>(number_of(value)) * 1000);
      break;
    case ElementType::kNtp:
      if (size == 8) return format_time(time_of_ntp(number_of(value)));
      break;
    case ElementType::kNumber:
      if (size <= 8) return fmt::format("{}", number_of(value));
      break;
    default:
      break;
  }
  return hexadecimal(value);
}

std::string line_of(const IpfixTemplate& of, const std::vector<std::span<const std::byte>>& values) {
  std::string line;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (line.size() > kMostText) return line + " …";
    const FieldSpec& field = of.fields()[i];
    const Element* element = field.scope ? nullptr : find_element(field.enterprise, field.id);
    if (!line.empty()) line += ' ';
    line += name_of(field, element) + '=' + value_of(element, values[i]);
  }
  return line;
}

}  // namespace

bool IpfixDescriber::next_set() {
  template_ = nullptr;
  if (!sets_.next(set_)) return false;
  if (set_.is_templates() || set_.is_options_templates()) {
    templates_.take(set_, skips_);
  } else {
    template_ = templates_.find(set_);
    rest_ = set_.body;
  }
  return true;
}

std::optional<std::string> IpfixDescriber::describe(std::uint64_t record) {
  if (record <= passed_) return std::nullopt;
  DecodedRecord unused;
  while (true) {
    if (template_ == nullptr) {
      if (!next_set()) return std::nullopt;
      continue;
    }
    if (!template_->is_variable()) {
      const std::uint64_t here = rest_.size() / template_->record_length();
      const std::uint64_t over = std::min(here, record - passed_ - 1);
      rest_ = rest_.subspan(static_cast<std::size_t>(over) * template_->record_length());
      passed_ += over;
    }
    const std::size_t used = template_->decode(rest_, unused);
    if (used == 0) {
      template_ = nullptr;
      continue;
    }
    const auto bytes = rest_.first(used);
    rest_ = rest_.subspan(used);
    if (++passed_ < record) continue;
    std::vector<std::span<const std::byte>> values;
    std::size_t all = 0;
    if (!template_->split(bytes, values, all)) return std::nullopt;
    return line_of(*template_, values);
  }
}

std::optional<std::string> describe_ipfix_record(InputStream& input, std::uint64_t record) {
  return IpfixDescriber(input).describe(record);
}

}  // namespace tocsin::collect
