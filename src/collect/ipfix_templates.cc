// A template says which fields a record has, in which order and how long (RFC 7011 section 3.4). It is compiled into
// the few loads that a flow needs: a number of n bytes is eight bytes loaded, turned, shifted and masked, whatever n
// is, so that reduced sizes (section 6.2) cost nothing and no byte is branched on. Records with fields of variable
// length (section 7) have to be walked.
//
// Where several fields fill one target (octetDeltaCount and octetTotalCount), the one of the higher rank is compiled;
// where one element stands there twice, the first, which is the outermost (section 8).
#include "collect/ipfix_templates.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace tocsin::collect {
namespace {

constexpr std::size_t kMostTemplates = 65'536;
constexpr std::size_t kMostFields = 1 << 20;  // of all templates together
constexpr std::size_t kLoad = 8;

std::uint64_t domain_key(const MessageHeader& message) {
  return static_cast<std::uint64_t>(message.version) << 48 | static_cast<std::uint64_t>(message.domain) << 16;
}

bool is_number(Target target) { return target < Target::kNumbers; }

// Whether a field of this length can be of this element: times and addresses have one length, numbers may be reduced.
bool fits(const Element& element, std::uint16_t length) {
  switch (element.type) {
    case ElementType::kIpv4:
    case ElementType::kSeconds:
      return length == 4;
    case ElementType::kIpv6:
      return length == 16;
    case ElementType::kMilliseconds:
    case ElementType::kNtp:
      return length == 8;
    default:
      return length >= 1 && length <= kLoad;
  }
}

std::uint64_t number_of(std::span<const std::byte> bytes) {
  std::uint64_t number = 0;
  for (const std::byte byte : bytes) number = number << 8 | std::to_integer<std::uint64_t>(byte);
  return number;
}

// The length of a field at the front of `bytes`, and how many bytes say so (section 7); false if they are not there.
bool field_length(std::uint16_t declared, std::span<const std::byte> bytes, std::size_t& prefix, std::size_t& length) {
  prefix = 0;
  length = declared;
  if (declared == kVariableLength) {
    if (bytes.empty()) return false;
    prefix = 1;
    length = std::to_integer<std::size_t>(bytes[0]);
    if (length == 255) {
      if (bytes.size() < 3) return false;
      prefix = 3;
      length = u16_at(bytes, 1);
    }
  }
  return prefix + length <= bytes.size();
}

}  // namespace

std::optional<IpfixTemplate> IpfixTemplate::compile(std::vector<FieldSpec> fields, bool options) {
  IpfixTemplate made;
  made.fields_ = std::move(fields);
  made.options_ = options;
  for (const FieldSpec& field : made.fields_) {
    made.variable_ |= field.length == kVariableLength;
    made.record_length_ += field.length == kVariableLength ? 1 : field.length;
  }
  if (made.record_length_ == 0) return std::nullopt;
  const std::vector<Chosen> chosen = made.choose();
  // One longer than any set never comes; one shorter than a load has no flow in it, but may tell of sampling.
  made.variable_ |= made.record_length_ < kLoad || made.record_length_ > 65535;
  if (made.variable_) {
    made.compile_steps(chosen);
  } else {
    made.compile_loads(chosen);
  }
  return made;
}

std::vector<IpfixTemplate::Chosen> IpfixTemplate::choose() {
  constexpr std::size_t kTargets = static_cast<std::size_t>(Target::kNone);
  std::array<int, kTargets> best;
  std::array<std::uint8_t, kTargets> rank{};
  best.fill(-1);
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    const FieldSpec& field = fields_[i];
    if (field.scope) continue;
    const Element* element = find_element(field.enterprise, field.id);
    if (element == nullptr || !fits(*element, field.length)) continue;
    const Target target = field.enterprise == kReversePen ? reversed(element->target) : element->target;
    if (target == Target::kNone) continue;
    const auto index = static_cast<std::size_t>(target);
    if (best[index] >= 0 && rank[index] >= element->rank) continue;
    best[index] = static_cast<int>(i);
    rank[index] = element->rank;
    if (is_number(target)) clocks_[index] = element->clock;
  }
  std::vector<Chosen> chosen;
  for (std::size_t index = 0; index < kTargets; ++index) {
    if (best[index] < 0) continue;
    const auto field = static_cast<std::uint16_t>(best[index]);
    chosen.push_back({field, static_cast<Target>(index)});
    targets_ |= 1U << index;
    const std::uint16_t id = fields_[field].id;
    tells_initiator_ |= fields_[field].enterprise == 0 && (id == 231 || id == 232 || id == 298 || id == 299);
  }
  std::ranges::sort(chosen, {}, &Chosen::field);
  return chosen;
}

void IpfixTemplate::compile_loads(const std::vector<Chosen>& chosen) {
  std::size_t at = 0;
  auto next = chosen.begin();
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    const std::size_t length = fields_[i].length;
    if (next != chosen.end() && next->field == i) {
      if (is_number(next->target)) {
        const std::size_t from = std::min(at, record_length_ - kLoad);
        loads_.push_back({static_cast<std::uint16_t>(from), static_cast<std::uint8_t>(64 - 8 * (at - from + length)),
                          next->target, length == kLoad ? ~0ULL : (1ULL << 8 * length) - 1});
      } else {
        address_at_[static_cast<std::size_t>(next->target) - kNumbers] = static_cast<std::int32_t>(at);
      }
      ++next;
    }
    at += length;
  }
}

void IpfixTemplate::decode_fixed(const std::byte* bytes, DecodedRecord& record) const {
  for (const Load& load : loads_) {
    std::uint64_t word;
    std::memcpy(&word, bytes + load.at, sizeof word);
    record.numbers[static_cast<std::size_t>(load.target)] = __builtin_bswap64(word) >> load.shift & load.mask;
  }
  for (std::size_t i = 0; i < address_at_.size(); ++i) {
    record.addresses[i] = address_at_[i] < 0 ? nullptr : bytes + address_at_[i];
  }
}

void IpfixTemplate::compile_steps(const std::vector<Chosen>& chosen) {
  auto next = chosen.begin();
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    const bool taken = next != chosen.end() && next->field == i;
    if (!taken && fields_[i].length != kVariableLength) {
      pass_at_end_ += fields_[i].length;
      continue;
    }
    steps_.push_back({pass_at_end_, fields_[i].length, taken ? next->target : Target::kNone});
    pass_at_end_ = 0;
    if (taken) ++next;
  }
}

std::size_t IpfixTemplate::decode_variable(std::span<const std::byte> bytes, DecodedRecord& record) const {
  std::size_t at = 0;
  for (const Step& step : steps_) {
    at += step.pass;
    std::size_t prefix = 0, length = 0;
    if (at > bytes.size() || !field_length(step.length, bytes.subspan(at), prefix, length)) return 0;
    at += prefix;
    if (is_number(step.target)) {
      record.numbers[static_cast<std::size_t>(step.target)] = number_of(bytes.subspan(at, length));
    } else if (step.target != Target::kNone) {
      record.addresses[static_cast<std::size_t>(step.target) - kNumbers] = bytes.data() + at;
    }
    at += length;
  }
  at += pass_at_end_;
  return at <= bytes.size() ? at : 0;
}

bool IpfixTemplate::split(std::span<const std::byte> bytes, std::vector<std::span<const std::byte>>& values,
                          std::size_t& used) const {
  values.clear();
  used = 0;
  for (const FieldSpec& field : fields_) {
    std::size_t prefix = 0, length = 0;
    if (!field_length(field.length, bytes.subspan(used), prefix, length)) return false;
    values.push_back(bytes.subspan(used + prefix, length));
    used += prefix + length;
  }
  return used > 0;
}

void IpfixTemplates::take(const IpfixSet& set, Skips& skips) {
  const bool netflow = set.is_netflow();
  const bool options = set.is_options_templates();
  std::span<const std::byte> rest = set.body;
  const auto where = [&] { return fmt::format("byte {}", set.offset + (set.body.size() - rest.size())); };
  while (rest.size() >= 4) {
    const std::uint16_t id = u16_at(rest, 0);
    std::size_t count = u16_at(rest, 2), scopes = 0, at = 4;
    if (id == 0 && count == 0) return;  // padding
    if (!netflow && count == 0 && (id >= 256 || id == set.id)) {
      withdraw(set, id);
      rest = rest.subspan(4);
      continue;
    }
    if (id < 256) return skips.add(where(), "reserved number of a template");
    if (options) {
      if (rest.size() < 6) return skips.add(where(), "template cut short");
      // NetFlow gives the lengths of both parts in bytes, IPFIX the number of all fields and of those that are scopes.
      scopes = netflow ? count / 4 : u16_at(rest, 4);
      if (netflow) count = scopes + u16_at(rest, 4) / 4U;
      at = 6;
    }
    std::vector<FieldSpec> fields;
    fields.reserve(std::min(count, rest.size() / 4));
    for (std::size_t i = 0; i < count; ++i) {
      if (rest.size() < at + 4) return skips.add(where(), "template cut short");
      FieldSpec& field = fields.emplace_back();
      field.id = u16_at(rest, at);
      field.length = u16_at(rest, at + 2);
      field.scope = netflow && i < scopes;
      at += 4;
      if (netflow || (field.id & 0x8000) == 0) continue;
      if (rest.size() < at + 4) return skips.add(where(), "template cut short");
      field.id &= 0x7fff;
      field.enterprise = u32_at(rest, at);
      at += 4;
    }
    store(domain_key(set.message) | id, rest.first(at), std::move(fields), options, where(), skips);
    rest = rest.subspan(at);
  }
}

void IpfixTemplates::store(std::uint64_t key, std::span<const std::byte> declared, std::vector<FieldSpec> fields,
                           bool options, std::string_view where, Skips& skips) {
  const std::string_view text(reinterpret_cast<const char*>(declared.data()), declared.size());
  Map& templates = options ? options_ : data_;
  if (const auto known = templates.find(key); known != templates.end() && known->second.declared == text) return;
  erase(key);
  if (data_.size() + options_.size() >= kMostTemplates || fields_ + fields.size() > kMostFields)
    return skips.add(where, "more templates than are kept");
  const std::size_t count = fields.size();
  auto compiled = IpfixTemplate::compile(std::move(fields), options);
  if (!compiled) return skips.add(where, "template of records without bytes");
  templates.emplace(key, Stored{std::string(text), std::move(*compiled)});
  fields_ += count;
}

IpfixTemplates::Map::iterator IpfixTemplates::erase(Map& templates, Map::iterator stored) {
  fields_ -= stored->second.compiled.fields().size();
  last_ = nullptr;
  return templates.erase(stored);
}

void IpfixTemplates::erase(std::uint64_t key) {
  for (Map* const templates : {&data_, &options_}) {
    if (const auto stored = templates->find(key); stored != templates->end()) erase(*templates, stored);
  }
}

// RFC 7011 section 8.1: one template, or by the number of the set all of the domain that such sets declare.
void IpfixTemplates::withdraw(const IpfixSet& set, std::uint16_t id) {
  const std::uint64_t key = domain_key(set.message);
  if (id >= 256) {
    erase(key | id);
    return;
  }
  Map& templates = set.is_options_templates() ? options_ : data_;
  for (auto stored = templates.lower_bound(key); stored != templates.end() && stored->first <= (key | 0xffff);) {
    stored = erase(templates, stored);
  }
}

const IpfixTemplate* IpfixTemplates::find(const IpfixSet& set) {
  const std::uint64_t key = domain_key(set.message) | set.id;
  if (last_ != nullptr && key == last_key_) return last_;
  auto stored = data_.find(key);
  if (stored == data_.end()) {
    stored = options_.find(key);
    if (stored == options_.end()) return nullptr;
  }
  last_key_ = key;
  last_ = &stored->second.compiled;
  return last_;
}

}  // namespace tocsin::collect
