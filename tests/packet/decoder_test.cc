#include "packet/decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tocsin::packet {
namespace {
TEST(Decoder, Starts) {
  Decoder decoder{Options()};
  EXPECT_EQ(decoder.counters().at("decoder.pkts"), 0u);
}
}  // namespace
}  // namespace tocsin::packet
