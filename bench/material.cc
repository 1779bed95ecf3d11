// Makes what the packet engine is measured with, the same each time.
//
//   bench_material traffic OUT MIB CAPTURE...   a capture of about MIB mebibytes: the captures together, again and
//   again bench_material rules COUNT                  rules of random contents, on standard output
//
// Each copy of the captures has other addresses and later times; checksums are mended as RFC 1624 has it, so that those
// that were right still are. Sixteen copies go on at the same time, packet by packet, so that flows are mixed as on a
// wire. Only captures of Ethernet are taken.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "collect/reader.h"

namespace tocsin {
namespace {

constexpr std::size_t kTogether = 16, kRecordHeader = 16;

struct Frame {
  Timestamp time = 0;
  std::uint32_t original_length = 0;
  std::string bytes;
};

std::uint16_t read16(const char* at) {
  return static_cast<std::uint16_t>(static_cast<std::uint8_t>(at[0]) << 8 | static_cast<std::uint8_t>(at[1]));
}
void write16(char* at, unsigned value) {
  at[0] = static_cast<char>(value >> 8);
  at[1] = static_cast<char>(value);
}

// A checksum after a word of what it is of has changed (RFC 1624, eqn. 3).
void mend(char* checksum, std::uint16_t before, std::uint16_t after) {
  std::uint32_t sum = static_cast<std::uint16_t>(~read16(checksum));
  sum += static_cast<std::uint16_t>(~before) + std::uint32_t{after};
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  write16(checksum, static_cast<std::uint16_t>(~sum));
}

// Gives both addresses of an Ethernet frame's outermost IP packet the copy's own bits.
void change_addresses(std::string& bytes, std::uint32_t copy) {
  std::size_t at = 12;
  while (at + 4 <= bytes.size() && (read16(&bytes[at]) == 0x8100 || read16(&bytes[at]) == 0x88a8)) at += 4;
  if (at + 2 > bytes.size()) return;
  const std::uint16_t type = read16(&bytes[at]);
  const std::size_t ip = at + 2;
  std::size_t places[2] = {}, above = 0;
  std::uint8_t protocol = 0;
  char* header_sum = nullptr;
  if (type == 0x0800 && bytes.size() >= ip + 20) {
    places[0] = ip + 12;
    places[1] = ip + 16;
    header_sum = &bytes[ip + 10];
    protocol = static_cast<std::uint8_t>(bytes[ip + 9]);
    const bool is_first = (read16(&bytes[ip + 6]) & 0x1fff) == 0;
    above = is_first ? ip + (static_cast<std::uint8_t>(bytes[ip]) & 15U) * 4 : bytes.size();
  } else if (type == 0x86dd && bytes.size() >= ip + 40) {
    places[0] = ip + 20;
    places[1] = ip + 36;
    protocol = static_cast<std::uint8_t>(bytes[ip + 6]);
    above = ip + 40;
  } else {
    return;
  }
  char* sum = nullptr;
  if (protocol == 6 && above + 18 <= bytes.size()) sum = &bytes[above + 16];
  if (protocol == 17 && above + 8 <= bytes.size() && read16(&bytes[above + 6]) != 0) sum = &bytes[above + 6];
  if (protocol == 58 && type == 0x86dd && above + 4 <= bytes.size()) sum = &bytes[above + 2];
  for (const std::size_t place : places) {
    if (place + 4 > bytes.size()) return;
    // The network stays what it is; 22 bits tell the copies apart.
    const std::uint32_t bits = copy * 2654435761U >> 10;
    const std::uint16_t changes[2] = {static_cast<std::uint16_t>(bits >> 16), static_cast<std::uint16_t>(bits)};
    for (std::size_t i = 0; i < 2; ++i) {
      char* word = &bytes[place + 2 * i];
      const std::uint16_t before = read16(word), after = before ^ changes[i];
      write16(word, after);
      if (header_sum != nullptr) mend(header_sum, before, after);
      if (sum != nullptr) mend(sum, before, after);
    }
  }
}

std::vector<Frame> frames_of(const std::vector<std::string>& paths) {
  std::vector<Frame> frames;
  for (const std::string& path : paths) {
    const auto input = InputStream::open(path);
    if (!input) {
      fmt::print(stderr, "{}\n", input.error().message);
      continue;
    }
    const auto reader = make_packet_reader(recognise((*input)->peek(64 * 1024)), **input, 0);
    if (!reader) continue;
    std::vector<Packet> batch;
    Timestamp first = 0;
    bool has_first = false;
    while (reader->read(batch)) {
      for (const Packet& packet : batch) {
        if (packet.link_type != 1) continue;
        if (!has_first) first = packet.time;
        has_first = true;
        frames.push_back({packet.time - first,
                          packet.original_length,
                          {reinterpret_cast<const char*>(packet.data.data()), packet.data.size()}});
      }
    }
  }
  std::ranges::stable_sort(frames, {}, &Frame::time);
  return frames;
}

int make_traffic(const std::string& out, std::uint64_t most, const std::vector<std::string>& paths) {
  const std::vector<Frame> frames = frames_of(paths);
  auto writer = PcapWriter::create(out, 1);
  if (frames.empty() || !writer) {
    fmt::print(stderr, "no frames of Ethernet, or {} can't be written\n", out);
    return 1;
  }
  const Timestamp lasts = frames.back().time + kSecond;
  std::uint64_t written = 0;
  std::string bytes;
  for (std::uint32_t group = 0; written < most; ++group) {
    for (const Frame& frame : frames) {
      for (std::uint32_t i = 0; i < kTogether; ++i) {
        bytes = frame.bytes;
        change_addresses(bytes, group * static_cast<std::uint32_t>(kTogether) + i);
        Packet packet;
        packet.time = 1'700'000'000 * kSecond + group * lasts + frame.time;
        packet.original_length = frame.original_length;
        packet.data = std::as_bytes(std::span(bytes));
        if (!writer->write(packet)) return 1;
        written += bytes.size() + kRecordHeader;
      }
    }
  }
  return 0;
}

// Words that nobody writes, as most rules look for: letters, with now and then bytes that are none.
std::string content_of(std::mt19937& random, std::size_t least, std::size_t most) {
  const std::size_t length = least + random() % (most - least + 1);
  std::string text;
  for (std::size_t i = 0; i < length; ++i) {
    if (random() % 12 == 0) {
      text += fmt::format("|{:02x}|", random() % 256);
    } else {
      constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./=";
      text += kLetters[random() % kLetters.size()];
    }
  }
  return text;
}

int make_rules(std::uint32_t count) {
  std::mt19937 random(41);
  for (std::uint32_t sid = 1; sid <= count; ++sid) {
    const std::string first = content_of(random, 4, 20), second = content_of(random, 3, 10);
    const char* nocase = random() % 2 == 0 ? " nocase;" : "";
    const auto kind = static_cast<std::uint32_t>(random() % 100);
    std::string text;
    if (kind < 25) {
      text = fmt::format("http any any -> any any (flow:established,to_server; http.uri; content:\"{}\";{}", first,
                         nocase);
    } else if (kind < 33) {
      text = fmt::format("http any any -> any any (flow:established,to_server; http.user_agent; content:\"{}\";{}",
                         first, nocase);
    } else if (kind < 40) {
      text = fmt::format("http any any -> any any (flow:established,to_client; file.data; content:\"{}\";", first);
    } else if (kind < 50) {
      text = fmt::format("dns any any -> any any (dns.query; content:\"{}\";{}", first, nocase);
    } else if (kind < 60) {
      text =
          fmt::format("tls any any -> any any (flow:established,to_server; tls.sni; content:\"{}\";{}", first, nocase);
    } else if (kind < 68) {
      text = fmt::format("udp any any -> any {} (content:\"{}\";", 1 + random() % 65'000, first);
    } else {
      const bool to_server = random() % 2 == 0;
      text = fmt::format("tcp any any -> any {} (flow:established,{}; content:\"{}\";{}",
                         random() % 3 == 0 ? "any" : std::to_string(1 + random() % 10'000),
                         to_server ? "to_server" : "to_client", first, nocase);
    }
    // Some begin with what is everywhere.
    if (kind >= 68 && sid % 50 == 0) text += " content:\"HTTP/1.\"; fast_pattern;";
    if (sid % 3 == 0) text += fmt::format(" content:\"{}\"; distance:0;", second);
    if (sid % 7 == 0) text += fmt::format(" pcre:\"/{}[0-9]{{3,}}/\";", "[a-f]{4}x");
    fmt::print("alert {} msg:\"bench {}\"; sid:{}; rev:1;)\n", text, sid, sid);
  }
  return 0;
}

}  // namespace
}  // namespace tocsin

int main(int count, char** given) {
  const std::vector<std::string> words(given + 1, given + count);
  const auto number = [](const std::string& text) {
    std::uint32_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
  };
  if (words.size() >= 4 && words[0] == "traffic") {
    return tocsin::make_traffic(words[1], std::uint64_t{number(words[2])} << 20, {words.begin() + 3, words.end()});
  }
  if (words.size() == 2 && words[0] == "rules") return tocsin::make_rules(number(words[1]));
  fmt::print(stderr, "usage: bench_material traffic OUT MIB CAPTURE... | rules COUNT\n");
  return 2;
}
