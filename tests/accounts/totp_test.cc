#include "accounts/totp.h"

#include <gtest/gtest.h>

namespace tocsin::serve {
namespace {

constexpr std::string_view kSecret = "12345678901234567890";  // of RFC 6238 appendix B

TEST(TotpTest, AgreesWithTheTableOfTheRfc) {
  EXPECT_EQ(totp_code(kSecret, 59 / 30, 8), "94287082");
  EXPECT_EQ(totp_code(kSecret, 1111111109 / 30, 8), "07081804");
  EXPECT_EQ(totp_code(kSecret, 1111111111 / 30, 8), "14050471");
  EXPECT_EQ(totp_code(kSecret, 1234567890 / 30, 8), "89005924");
  EXPECT_EQ(totp_code(kSecret, 2000000000 / 30, 8), "69279037");
  EXPECT_EQ(totp_code(kSecret, 20000000000 / 30, 8), "65353130");
}

TEST(TotpTest, AllowsAStepOfDriftAndEachStepOnce) {
  const Timestamp now = 1'700'000'010 * kSecond;
  const std::int64_t step = 1'700'000'010 / 30;
  for (std::int64_t drift = -1; drift <= 1; ++drift) {
    EXPECT_EQ(totp_step_of(kSecret, totp_code(kSecret, step + drift), now, 0), step + drift);
  }
  EXPECT_FALSE(totp_step_of(kSecret, totp_code(kSecret, step - 2), now, 0));
  EXPECT_FALSE(totp_step_of(kSecret, totp_code(kSecret, step + 2), now, 0));
  EXPECT_FALSE(totp_step_of(kSecret, totp_code(kSecret, step), now, step));
  EXPECT_FALSE(totp_step_of(kSecret, totp_code(kSecret, step - 1), now, step));
  EXPECT_TRUE(totp_step_of(kSecret, totp_code(kSecret, step + 1), now, step));
  for (const char* wrong : {"", "1", "0000000", "abcdef", "00000\xff"}) {
    EXPECT_FALSE(totp_step_of(kSecret, wrong, now, 0)) << wrong;
  }
}

TEST(TotpTest, WritesBase32AsTheRfcDoes) {
  EXPECT_EQ(to_base32(""), "");
  EXPECT_EQ(to_base32("f"), "MY");
  EXPECT_EQ(to_base32("foob"), "MZXW6YQ");
  EXPECT_EQ(to_base32("foobar"), "MZXW6YTBOI");
  EXPECT_EQ(from_base32("MZXW6YTBOI"), "foobar");
  EXPECT_EQ(from_base32("MY"), "f");
  EXPECT_FALSE(from_base32("M1"));
}

TEST(TotpTest, EscapesTheNameInTheUri) {
  EXPECT_EQ(totp_uri("ABC", "a@b"),
            "otpauth://totp/Tocsin:a%40b?secret=ABC&issuer=Tocsin&algorithm=SHA1&digits=6&period=30");
}

}  // namespace
}  // namespace tocsin::serve
