// The indicators of all lists as one immutable index, made for traffic that matches none of them: a look-up that misses
// costs one cache line of a filter.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/expected.h"
#include "base/ip_address.h"
#include "base/time.h"
#include "collect/indicator.h"

namespace tocsin {

__extension__ using Wide = unsigned __int128;

// Views live as long as the set.
struct IndicatorMatch {
  std::string_view value;  // as normalised: lower-case names, URLs without scheme and final '/'
  std::string_view family;
  std::string_view group;
  std::string_view source;
  std::string_view tlp;
  std::string_view file;
  std::uint64_t line = 0;  // 0: the format has no lines
  IndicatorType type = IndicatorType::kAddress;
  Kind kind = Kind::kBotnetControl;
  Confidence confidence = Confidence::kConfirmed;  // lowered to suspected for a loose match
  Period valid;
  bool loose = false;       // the port is another one, or only a URL's path matched
  std::uint32_t entry = 0;  // stands for the indicator; in the order of loading

  // "list.txt:12"
  std::string origin() const;
};

// A filter without false negatives (a Bloom filter of one 64-bit word a key; Putze, Sanders, Singler, "Cache-, Hash-
// and Space-Efficient Bloom Filters", 2007): about 16 bits a key, 1 % false positives.
class KeyFilter {
 public:
  KeyFilter() : words_(1) {}
  explicit KeyFilter(std::size_t keys) : words_(keys / 4 + 1) {}
  void add(std::uint64_t key) { words_[word(key)] |= bits(key); }
  bool may_have(std::uint64_t key) const {
    const std::uint64_t mask = bits(key);
    return (words_[word(key)] & mask) == mask;
  }
  void prefetch(std::uint64_t key) const { __builtin_prefetch(&words_[word(key)]); }
  std::size_t bytes() const { return words_.size() * sizeof(std::uint64_t); }

 private:
  std::size_t word(std::uint64_t key) const {
    return static_cast<std::size_t>(static_cast<Wide>(key) * words_.size() >> 64);
  }
  static std::uint64_t bits(std::uint64_t key) {
    return 1ULL << (key & 63) | 1ULL << (key >> 6 & 63) | 1ULL << (key >> 12 & 63) | 1ULL << (key >> 18 & 63);
  }
  std::vector<std::uint64_t> words_;
};

class IndicatorSet {
 public:
  using Matches = std::vector<IndicatorMatch>;

  // Indicators of the address, of the address with this port, of prefixes that hold it (longest first), and, loosely
  // and only if none of the address was valid, of the address with other ports. All look-ups append to `out` what is
  // valid at `time`.
  void match_address(const Endpoint& endpoint, Timestamp time, Matches& out) const;
  // The name and its parents, nearest first; a parent that is a public suffix matches nothing but itself.
  void match_domain(std::string_view name, Timestamp time, Matches& out) const;
  // Indicators "host/path" where the request equals it or goes on after it at '/', '?', '&', '#' or ';', then those of
  // a path alone. host may carry a port, as in a Host header; uri is the request's target, absolute or not.
  void match_url(std::string_view host, std::string_view uri, Timestamp time, Matches& out) const;
  // MD5, SHA-1, SHA-256 or SHA-512 in hexadecimal.
  void match_hash(std::string_view hex, Timestamp time, Matches& out) const;

  // Whether match_address can give anything; inline, for loops over flows.
  bool may_match(const IpAddress& address) const { return may_match(address, key_of(address)); }
  // The same in two steps, so that a loop can have the filter's words fetched ahead. key: key_of(address).
  bool may_match(const IpAddress& address, std::uint64_t key) const {
    return addresses_.may_have(key) || (has_prefixes_ && in_prefix_page(address));
  }
  void prefetch(std::uint64_t key) const { addresses_.prefetch(key); }

  // What a match of this entry says, whenever it is valid.
  IndicatorMatch match_of(std::uint32_t entry, bool loose) const;

  std::size_t size() const { return entries_.size(); }
  std::size_t bytes() const;
  // Indicators that repeat one before them in all but the line.
  std::uint64_t repeated() const { return repeated_; }

  static std::uint64_t key_of(const IpAddress& address) {
    // One round of a folded 64 x 64 bit product, as wyhash mixes.
    const Wide product =
        static_cast<Wide>(address.high() ^ 0xa0761d6478bd642fULL) * (address.low() ^ 0xe7037ed1a0b428dbULL);
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }

 private:
  friend class IndicatorSetBuilder;

  // What many indicators have in common.
  struct Common {
    std::uint32_t family, group, source, tlp, file;  // in texts_
    Kind kind;
    Confidence confidence;
    Period valid;
    friend bool operator==(const Common&, const Common&) = default;
  };
  struct Entry {
    std::uint32_t value;  // offset in values_
    std::uint32_t common;
    std::uint32_t line;
    std::uint32_t next;  // entry with the same key, or kNone
    std::uint16_t size;
    IndicatorType type;
  };
  struct Slot {
    std::uint32_t tag;
    std::uint32_t entry;
  };
  static constexpr std::uint32_t kNone = 0xffffffff;
  // An entry with a port (the first of its chain) that the key of its address does not lead to by itself.
  struct PortOf {
    std::uint32_t address;  // the entry that the key of the address leads to
    std::uint32_t entry;
  };

  bool in_prefix_page(const IpAddress& address) const;
  std::string_view value_of(const Entry& entry) const { return {values_.data() + entry.value, entry.size}; }
  std::size_t slot_of(std::uint64_t key) const {
    return static_cast<std::size_t>(static_cast<Wide>(key) * slots_.size() >> 64);
  }
  // The first entry of a key whose value passes `same`, or kNone.
  template <typename Same>
  std::uint32_t find(std::uint64_t key, Same same) const;
  void take(std::uint32_t entry, Timestamp time, bool loose, Matches& out) const;
  void take_chain(std::uint32_t entry, Timestamp time, bool loose, Matches& out) const;
  void take_other_ports(std::uint32_t address, Timestamp time, Matches& out) const;
  void match_url_from(std::string_view host, std::string_view uri, bool loose, Timestamp time, Matches& out) const;

  std::vector<char> values_;
  std::vector<Entry> entries_;
  std::vector<Common> commons_;
  std::vector<std::string> texts_;
  std::vector<Slot> slots_;
  std::vector<PortOf> other_ports_;  // by address, then in the order of loading
  KeyFilter addresses_, names_, urls_, hashes_;
  std::vector<std::uint64_t> prefix_pages_;  // one bit for each leading 16 bits of an IPv4 address
  std::vector<int> prefix_lengths_;          // longest first
  bool has_prefixes_ = false;
  bool has_v6_prefixes_ = false;
  bool has_paths_ = false;
  std::uint64_t repeated_ = 0;
};

// Takes copies of what it is given. Builders that filled apart are joined in the order of append.
class IndicatorSetBuilder {
 public:
  IndicatorSetBuilder();
  ~IndicatorSetBuilder();
  IndicatorSetBuilder(IndicatorSetBuilder&&) noexcept;
  IndicatorSetBuilder& operator=(IndicatorSetBuilder&&) noexcept;
  // False if the value is not of its type, or the set is full (4 GiB of values).
  bool add(const Indicator& indicator, std::string_view file);
  void append(IndicatorSetBuilder&& other);
  // Leaves the builder empty.
  std::shared_ptr<const IndicatorSet> build();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Reads all paths (files or directories, with what holds for each), on two threads; the result depends on the paths
// alone. Reports come one a file, in order. An error if a path can't be read.
Expected<std::shared_ptr<const IndicatorSet>> load_indicators(
    const std::vector<std::pair<std::string, IndicatorDefaults>>& paths, std::vector<IndicatorFileReport>& reports);

}  // namespace tocsin
