#include "pipeline/relays.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/settings.h"
#include "scratch.h"

namespace tocsin {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

class RelaysTest : public testing::Test {
 protected:
  bool has(const Relays& relays, const std::string& ip, std::uint32_t asn = 0) {
    Location location;
    location.asn = asn;
    return relays.has(IpAddress::parse(ip).value(), location);
  }
  std::string complaint(const std::string& list) {
    const auto relays = load_relays(known_, {scratch_.write("list.txt", list)});
    return relays ? "none" : relays.error().message.substr(relays.error().message.find("list.txt"));
  }

  Scratch scratch_;
  std::string known_ = scratch_.write("relays.toml", "as-numbers = [64500]\nprefixes = [\"198.51.100.0/24\"]\n");
};

TEST_F(RelaysTest, AreThoseOfTheInstallationAndOfEveryList) {
  const std::string exits = scratch_.write("exits.txt", "# Exits\n192.0.2.7\n\n2001:db8::1\r\n2001:db8:5::/48\n");
  const auto relays = load_relays(known_, {exits, scratch_.write("more.txt", "203.0.113.0/25\n")});
  ASSERT_TRUE(relays) << relays.error().message;
  for (const char* relay : {"198.51.100.9", "192.0.2.7", "2001:db8::1", "2001:db8:5:1::9", "203.0.113.127"}) {
    EXPECT_TRUE(has(*relays, relay)) << relay;
  }
  for (const char* other : {"198.51.101.9", "192.0.2.8", "2001:db8::2", "2001:db8:6::1", "203.0.113.128"}) {
    EXPECT_FALSE(has(*relays, other)) << other;
    EXPECT_TRUE(has(*relays, other, 64500)) << other;
  }
}

TEST_F(RelaysTest, AListOfSomethingElseIsAnError) {
  EXPECT_EQ(complaint("192.0.2.7\nexit.example\n"),
            "list.txt:2: 'exit.example' is no address or network: a list of relays has one a line");
  EXPECT_THAT(complaint("192.0.2.7\n<html>no such list</html>\n"), HasSubstr("no list of addresses"));
  EXPECT_EQ(complaint(""), "none");
  EXPECT_FALSE(load_relays(known_, {scratch_.at("missing.txt")}));
}

TEST_F(RelaysTest, SettingsNameListsBesideThem) {
  const std::string path = scratch_.write(
      "tocsin.toml", "relays = [\"feeds/exits.txt\"]\n[constituency]\nname = \"x\"\ncountries = [\"CZ\"]\n");
  const auto settings = load_settings(path);
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_THAT(settings->relays, ElementsAre(scratch_.at("feeds/exits.txt")));
  EXPECT_THAT(settings->files, Contains(scratch_.at("feeds/exits.txt")));  // no source
}

}  // namespace
}  // namespace tocsin
