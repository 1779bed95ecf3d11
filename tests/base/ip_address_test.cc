#include "base/ip_address.h"

#include <gtest/gtest.h>

namespace tocsin {
namespace {

TEST(IpAddress, ReadsAndWritesBothFamilies) {
  for (const char* text : {"1.2.3.4", "255.255.255.255", "::1", "2001:db8::1", "fe80::1cf4:44d2:904a:14f7"}) {
    const auto address = IpAddress::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->text(), text);
  }
  EXPECT_EQ(IpAddress::parse("::ffff:1.2.3.4"), IpAddress::parse("1.2.3.4"));
}

TEST(IpAddress, RefusesWhatIsNoAddress) {
  for (const char* text : {"", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4 ", "[::1]", "fe80::1%eth0", "example.org"}) {
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
}

TEST(IpAddress, KnowsSpecialNetworks) {
  using enum AddressScope;
  const std::pair<const char*, AddressScope> cases[] = {{"8.8.8.8", kGlobal},
                                                        {"10.1.2.3", kPrivate},
                                                        {"100.64.0.1", kSharedCgnat},
                                                        {"127.0.0.1", kLoopback},
                                                        {"169.254.1.1", kLinkLocal},
                                                        {"192.0.2.1", kDocumentation},
                                                        {"224.0.0.251", kMulticast},
                                                        {"255.255.255.255", kBroadcast},
                                                        {"0.0.0.0", kUnspecified},
                                                        {"::", kUnspecified},
                                                        {"::1", kLoopback},
                                                        {"fe80::1", kLinkLocal},
                                                        {"fd00::1", kPrivate},
                                                        {"ff02::1:3", kMulticast},
                                                        {"2001:db8::1", kDocumentation},
                                                        {"2001:718:2::1", kGlobal},
                                                        {"240.0.0.1", kReserved}};
  for (const auto& [text, scope] : cases) EXPECT_EQ(scope_of(*IpAddress::parse(text)), scope) << text;
}

TEST(Prefix, ContainsItsAddressesOnly) {
  const auto prefix = Prefix::parse("192.168.1.0/24");
  ASSERT_TRUE(prefix);
  EXPECT_TRUE(prefix->contains(*IpAddress::parse("192.168.1.255")));
  EXPECT_FALSE(prefix->contains(*IpAddress::parse("192.168.2.0")));
  EXPECT_EQ(prefix->text(), "192.168.1.0/24");
  EXPECT_EQ(prefix->last(), IpAddress::parse("192.168.1.255"));
  EXPECT_EQ(Prefix::parse("10.1.2.3/8")->text(), "10.0.0.0/8");
  EXPECT_TRUE(Prefix::parse("0.0.0.0/0")->contains(*IpAddress::parse("9.9.9.9")));
  EXPECT_FALSE(Prefix::parse("0.0.0.0/0")->contains(*IpAddress::parse("2001:db8::1")));
  for (const char* text : {"1.2.3.4/33", "::/129", "1.2.3.4/", "1.2.3.4/x", "/8"})
    EXPECT_FALSE(Prefix::parse(text)) << text;
}

}  // namespace
}  // namespace tocsin
