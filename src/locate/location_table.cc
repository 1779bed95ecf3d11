#include "locate/location_table.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace tocsin {
namespace {

constexpr std::array<char, 8> kMagic{'T', 'o', 'c', 'L', 'o', 'c', '0', '1'};
constexpr std::uint32_t kByteOrder = 0x01020304;

std::string system_error() { return std::strerror(errno); }

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

struct LocationTable::Header {
  std::array<char, 8> magic{};
  std::uint32_t byte_order = 0;
  std::uint32_t header_size = 0;
  std::uint64_t key_high = 0;
  std::uint64_t key_low = 0;
  Timestamp date = 0;
  std::uint64_t v4_count = 0;
  std::uint64_t v6_count = 0;
  std::uint64_t as_count = 0;
  std::uint64_t text_size = 0;
  std::uint64_t payload_checksum = 0;
  std::uint64_t header_checksum = 0;  // of this header with this field 0
};

LocationRecord LocationRecord::of(CountryCode country, std::uint32_t asn, std::uint8_t marks) {
  LocationRecord record;
  record.asn = asn;
  if (country.known()) record.country = {country.text()[0], country.text()[1]};
  record.marks = marks;
  return record;
}

std::shared_ptr<const LocationTable> LocationTable::make(const LocationTableContent& content, const Hash128& key) {
  const SplitIntervals<LocationRecord> parts = split(content.ranges, LocationRecord{});
  const std::vector<std::uint32_t> v4_index = v4_index_of(parts.v4_starts);
  const std::vector<std::uint32_t> v6_index = v6_index_of(parts.v6_starts);

  std::vector<const AsHolder*> holders;
  holders.reserve(content.holders.size());
  for (const AsHolder& holder : content.holders) holders.push_back(&holder);
  std::stable_sort(holders.begin(), holders.end(), [](auto* a, auto* b) { return a->asn < b->asn; });
  holders.erase(std::unique(holders.begin(), holders.end(), [](auto* a, auto* b) { return a->asn == b->asn; }),
                holders.end());
  std::vector<std::uint32_t> as_numbers;
  std::vector<std::uint32_t> as_offsets{0};
  std::string text;
  for (const AsHolder* holder : holders) {
    as_numbers.push_back(holder->asn);
    text += holder->name;
    as_offsets.push_back(static_cast<std::uint32_t>(text.size()));
  }
  text += content.description;

  Header header;
  header.magic = kMagic;
  header.byte_order = kByteOrder;
  header.header_size = sizeof header;
  header.key_high = key.high;
  header.key_low = key.low;
  header.date = content.date;
  header.v4_count = parts.v4_starts.size();
  header.v6_count = parts.v6_starts.size();
  header.as_count = as_numbers.size();
  header.text_size = text.size();

  std::string block(sizeof header, '\0');
  auto append = [&block](const auto& array) {
    const auto bytes = std::as_bytes(std::span(array));
    block += text_of(bytes);
  };
  append(parts.v6_starts);
  append(parts.v4_values);
  append(parts.v6_values);
  append(parts.v4_starts);
  append(v4_index);
  append(v6_index);
  append(as_numbers);
  append(as_offsets);
  block += text;
  header.payload_checksum = hash64(std::string_view(block).substr(sizeof header));
  header.header_checksum = hash64({reinterpret_cast<const char*>(&header), sizeof header});
  std::memcpy(block.data(), &header, sizeof header);

  std::shared_ptr<LocationTable> table(new LocationTable);
  table->owned_.resize((block.size() + 7) / 8);
  std::memcpy(table->owned_.data(), block.data(), block.size());
  table->bytes_ = std::as_bytes(std::span(table->owned_)).first(block.size());
  table->attach();
  return table;
}

bool LocationTable::attach() {
  Header header;
  if (bytes_.size() < sizeof header) return false;
  std::memcpy(&header, bytes_.data(), sizeof header);
  const std::uint64_t checksum = std::exchange(header.header_checksum, 0);
  if (header.magic != kMagic || header.byte_order != kByteOrder || header.header_size != sizeof header ||
      checksum != hash64({reinterpret_cast<const char*>(&header), sizeof header})) {
    return false;
  }
  std::span<const std::byte> rest = bytes_.subspan(sizeof header);
  if (header.payload_checksum != hash64(text_of(rest))) return false;
  bool fits = true;
  auto take = [&rest, &fits]<typename T>(std::span<const T>& array, std::uint64_t count) {
    if (count > rest.size() / sizeof(T)) {
      fits = false;
      return;
    }
    array = {reinterpret_cast<const T*>(rest.data()), count};
    rest = rest.subspan(count * sizeof(T));
  };
  take(search_.v6_starts, header.v6_count);
  take(v4_records_, header.v4_count);
  take(v6_records_, header.v6_count);
  take(search_.v4_starts, header.v4_count);
  take(search_.v4_index, IntervalSearch::kV4IndexSize);
  take(search_.v6_index, IntervalSearch::kV6IndexSize);
  take(as_numbers_, header.as_count);
  take(as_offsets_, header.as_count + 1);
  if (!fits || rest.size() != header.text_size) return false;
  text_ = text_of(rest);
  return search_.sound() && std::ranges::is_sorted(as_offsets_) && as_offsets_.back() <= text_.size();
}

Expected<std::shared_ptr<const LocationTable>> LocationTable::map(const std::string& path, const Hash128& key) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return nullptr;
  struct stat status {};
  const bool regular = ::fstat(file, &status) == 0 && S_ISREG(status.st_mode);
  const auto size = regular ? static_cast<std::size_t>(status.st_size) : 0;
  void* mapping = size == 0 ? MAP_FAILED : ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
  ::close(file);
  if (mapping == MAP_FAILED) return failure(fmt::format("{}: can't be mapped; it is made anew", path));
  std::shared_ptr<LocationTable> table(new LocationTable);
  table->mapping_ = mapping;
  table->bytes_ = {static_cast<const std::byte*>(mapping), size};
  if (!table->attach()) return failure(fmt::format("{}: damaged; it is made anew", path));
  Header header;
  std::memcpy(&header, mapping, sizeof header);
  if (header.key_high != key.high || header.key_low != key.low) return nullptr;
  return table;
}

LocationTable::~LocationTable() {
  if (mapping_ != nullptr) ::munmap(mapping_, bytes_.size());
}

Expected<void> LocationTable::save(const std::string& path) const {
  std::string temporary = path + ".XXXXXX";
  const int file = ::mkstemp(temporary.data());
  if (file < 0) return failure(fmt::format("{}: {}", temporary, system_error()));
  std::span<const std::byte> rest = bytes_;
  bool written = true;
  while (written && !rest.empty()) {
    const ssize_t count = ::write(file, rest.data(), rest.size());
    if (count < 0 && errno == EINTR) continue;
    written = count > 0;
    if (written) rest = rest.subspan(static_cast<std::size_t>(count));
  }
  written = written && ::fchmod(file, 0644) == 0 && ::fsync(file) == 0;
  written = ::close(file) == 0 && written;
  if (!written || ::rename(temporary.c_str(), path.c_str()) != 0) {
    const std::string why = system_error();
    ::unlink(temporary.c_str());
    return failure(fmt::format("{}: {}", path, why));
  }
  return {};
}

std::string_view LocationTable::holder(std::uint32_t asn) const {
  const auto found = std::ranges::lower_bound(as_numbers_, asn);
  if (found == as_numbers_.end() || *found != asn) return {};
  const auto at = static_cast<std::size_t>(found - as_numbers_.begin());
  return text_.substr(as_offsets_[at], as_offsets_[at + 1] - as_offsets_[at]);
}

std::string_view LocationTable::description() const { return text_.substr(as_offsets_.back()); }

Timestamp LocationTable::date() const {
  Header header;
  std::memcpy(&header, bytes_.data(), sizeof header);
  return header.date;
}

}  // namespace tocsin
