#include "protocol/eve_object.h"

#include <gtest/gtest.h>

#include "protocol/mime.h"

namespace tocsin::protocol {
namespace {

using namespace std::string_literals;

std::string json(std::string_view value) {
  std::string text;
  append_json_text(text, value);
  return text;
}

TEST(EveObject, EscapesWhatJsonCantHave) {
  EXPECT_EQ(json(""), R"("")");
  EXPECT_EQ(json("plain"), R"("plain")");
  EXPECT_EQ(json("\"a\\b\"\n\r\t\b\f"), R"("\"a\\b\"\n\r\t\b\f")");
  EXPECT_EQ(json("a\0b\x1f\x7f"s), R"("a\u0000b\u001f\u007f")");
  EXPECT_EQ(json("gr\xc3\xbc\xc3\x9f"), "\"gr\xc3\xbc\xc3\x9f\"");
}

TEST(EveObject, WritesBytesThatAreNoUtf8AsTheirNumbers) {
  EXPECT_EQ(json("a\xff\x01\"\x7f"s), R"("a\\xff\\x01\"\\x7f")");
}

TEST(EveObject, WritesMembers) {
  EveObject object;
  object.number("most", UINT64_MAX);
  object.number("none", 0);
  object.open_list("list");
  object.item(std::uint64_t{7});
  object.item("x");
  object.close_list();
  const std::uint8_t bytes[] = {0, 0xab};
  object.hex("hex", bytes);
  EXPECT_EQ(object.take(), R"("most":18446744073709551615,"none":0,"list":[7,"x"],"hex":"00ab")");
}

TEST(Base64Decoder, SaysTheSameOfPieces) {
  const std::string text = "VGhl IHF1aWNr\r\nIGJy*b3duIGZveCBqdW1wcyBvdmVyIHRoZSBsYXp5IGRvZw==";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    Base64Decoder decoder;
    std::string decoded = "> ";
    for (std::size_t at = 0; at < text.size(); at += piece) {
      EXPECT_TRUE(decoder.decode(std::string_view(text).substr(at, piece), decoded));
    }
    EXPECT_EQ(decoded, "> The quick brown fox jumps over the lazy dog") << piece;
  }
}

}  // namespace
}  // namespace tocsin::protocol
