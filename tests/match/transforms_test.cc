#include "match/transforms.h"

#include <gtest/gtest.h>

namespace tocsin::match {
namespace {

std::string changed(std::string_view name, std::string argument, std::string bytes) {
  const rules::Transform transform{name, std::move(argument)};
  const auto changes = make_changes({&transform, 1});
  EXPECT_TRUE(changes) << (changes ? "" : changes.error().message);
  if (!changes) return "?";
  for (const Change& change : *changes) change.apply(bytes);
  return bytes;
}

TEST(Transforms, OfText) {
  EXPECT_EQ(changed("dotprefix", "", "a.b"), ".a.b");
  EXPECT_EQ(changed("dotprefix", "", ""), "");
  EXPECT_EQ(changed("strip_whitespace", "", " a\tb\r\n c "), "abc");
  EXPECT_EQ(changed("compress_whitespace", "", "a  \t b"), "a b");
  EXPECT_EQ(changed("to_lowercase", "", "AbC"), "abc");
  EXPECT_EQ(changed("to_uppercase", "", "AbC"), "ABC");
  EXPECT_EQ(changed("url_decode", "", "a%20b+c%2"), "a b c%2");
  EXPECT_EQ(changed("url_decode", "", "%4g%zz%41"), "%4g%zzA");
  EXPECT_EQ(changed("header_lowercase", "", "Host: A\r\nX-B: C\r\n"), "host: A\r\nx-b: C\r\n");
  EXPECT_EQ(changed("strip_pseudo_headers", "", ":a: b\nc: d\n"), "c: d\n");
  EXPECT_EQ(changed("pcrexform", "user=(\\w+)", "x user=eve y"), "eve");
  EXPECT_EQ(changed("pcrexform", "user=(\\w+)", "nobody"), "nobody");
  EXPECT_EQ(changed("domain", "", "www.example.co.uk"), "example.co.uk");
  EXPECT_EQ(changed("tld", "", "www.example.co.uk"), "co.uk");
}

TEST(Transforms, OfBytes) {
  EXPECT_EQ(changed("to_md5", "", "abc"), "\x90\x01\x50\x98\x3c\xd2\x4f\xb0\xd6\x96\x3f\x7d\x28\xe1\x7f\x72");
  EXPECT_EQ(changed("to_sha1", "", "abc").size(), 20U);
  EXPECT_EQ(changed("to_sha256", "", "abc").size(), 32U);
  EXPECT_EQ(changed("xor", "01", "abc"), "`cb");
  EXPECT_EQ(changed("xor", "offset 1,01", "abc"), "acb");
  EXPECT_EQ(changed("from_base64", "", "aGVsbG8="), "hello");
  EXPECT_EQ(changed("from_base64", "offset 1", "xaGVsbG8="), "hello");
  EXPECT_EQ(changed("from_base64", "mode rfc2045", "aG Vs\nbG8="), "hello");
  EXPECT_EQ(changed("from_base64", "", "!!!!"), "!!!!");
  EXPECT_EQ(changed("subslice", "1, 2", "abcd"), "bc");
  EXPECT_EQ(changed("subslice", "-2", "abcd"), "cd");
  EXPECT_EQ(changed("subslice", "9", "abcd"), "");
  EXPECT_EQ(changed("subslice", "2, 9, truncate", "abcd"), "cd");
}

TEST(Transforms, Decompress) {
  const std::string zlib("\x78\x9c\xcb\x48\xcd\xc9\xc9\x07\x00\x06\x2c\x02\x15", 13);
  EXPECT_EQ(changed("zlib_deflate", "", zlib), "hello");
  EXPECT_EQ(changed("zlib_deflate", "max-size 2", zlib), "he");
  EXPECT_EQ(changed("gunzip", "", "nothing"), "nothing");
}

}  // namespace
}  // namespace tocsin::match
