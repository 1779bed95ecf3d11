// Members of EVE objects, written as they come. Bytes of the network become valid JSON whatever they are.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tocsin::protocol {

class EveObject {
 public:
  EveObject() { json_.reserve(kUsualSize); }
  // Text of the network: as it is if it is UTF-8, else every byte that is not printable ASCII as \xNN.
  void text(std::string_view name, std::string_view value);
  void text(std::string_view name, std::span<const std::uint8_t> value);
  void number(std::string_view name, std::uint64_t value);
  void flag(std::string_view name, bool value);
  void hex(std::string_view name, std::span<const std::uint8_t> value);
  // Members that are made already, with commas between them; none: nothing.
  void members(std::string_view json);
  // JSON that is made already.
  void raw(std::string_view name, std::string_view json);
  void open(std::string_view name);  // "name":{
  void open_list(std::string_view name);
  // Members of a list.
  void item(std::string_view value);
  void item(std::uint64_t value);
  void raw_item(std::string_view json);
  void open_item();
  void close();
  void close_list();
  // What was written, without braces of its own.
  std::string take() { return std::move(json_); }
  bool empty() const { return json_.empty(); }

 private:
  static constexpr std::size_t kUsualSize = 1'024;
  void name(std::string_view name);
  void comma();
  std::string json_;
};

// In quotes.
void append_json_text(std::string& json, std::string_view value);

}  // namespace tocsin::protocol
