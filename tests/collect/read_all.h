// Reads a whole source for tests, and finds the real data they read.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "collect/reader.h"

namespace tocsin::testing {

inline std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

struct Observations {
  Batch batch;
  Skips skips;
  std::uint64_t records = 0;
  std::uint64_t passed_over = 0;
};

inline std::unique_ptr<Observations> observations_of(InputStream& input, Format format) {
  auto all = std::make_unique<Observations>();
  const auto reader = make_observation_reader(format, input, 3);
  while (reader->read(all->batch)) {
  }
  all->skips = reader->skips();
  all->records = reader->records();
  all->passed_over = reader->passed_over();
  return all;
}

// The format is recognised as well.
inline std::unique_ptr<Observations> observations_of(const std::string& text) {
  const auto input = InputStream::of_bytes(text);
  return observations_of(*input, recognise(bytes_of(text)));
}

inline std::unique_ptr<Observations> observations_of(const std::string& text, Format format) {
  const auto input = InputStream::of_bytes(text);
  return observations_of(*input, format);
}

struct OwnedPacket {
  Packet packet;
  std::string bytes;
};

struct Packets {
  std::vector<OwnedPacket> packets;
  Skips skips;
  std::uint64_t records = 0;
};

inline Packets packets_of(InputStream& input, Format format) {
  Packets all;
  const auto reader = make_packet_reader(format, input, 3);
  std::vector<Packet> batch;
  while (reader->read(batch)) {
    for (const Packet& packet : batch)
      all.packets.push_back({packet, {reinterpret_cast<const char*>(packet.data.data()), packet.data.size()}});
  }
  all.skips = reader->skips();
  all.records = reader->records();
  return all;
}

inline Packets packets_of(const std::string& bytes, Format format) {
  const auto input = InputStream::of_bytes(bytes);
  return packets_of(*input, format);
}

inline std::filesystem::path data_folder() {
  const char* given = std::getenv("TOCSIN_DATA");
  return given != nullptr ? given : TOCSIN_SOURCE_DIR "/../shared/data";
}

// An integer as it lies in a file of either byte order.
template <typename T>
std::string word(T value, bool big = false) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof value; ++i) {
    const std::size_t shift = 8 * (big ? sizeof value - 1 - i : i);
    bytes += static_cast<char>(static_cast<std::uint64_t>(value) >> shift & 0xff);
  }
  return bytes;
}

// Bytes without a pattern, the same in every run.
inline std::string noise(std::size_t size, std::uint64_t seed) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) {
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    byte = static_cast<char>(seed >> 56);
  }
  return bytes;
}

}  // namespace tocsin::testing
