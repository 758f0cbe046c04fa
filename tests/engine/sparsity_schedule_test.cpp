#include "video/models/sparsity_schedule.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "radial/base/error.h"

namespace radial::video {
namespace {

std::string resolved(const std::string& text, int count) {
  return places_text(PlaceSet("--dense-layers", text).resolve(count));
}

TEST(PlaceSet, CountsFromEitherEnd) {
  EXPECT_EQ(resolved("0", 4), "none");
  EXPECT_EQ(resolved("2", 4), "0-1");
  EXPECT_EQ(resolved("first:4", 4), "0-3");
  EXPECT_EQ(resolved("last:1", 4), "3");
  EXPECT_EQ(places_text(PlaceSet().resolve(3)), "none");
}

TEST(PlaceSet, NamesPlaces) {
  EXPECT_EQ(resolved("0-0,2-2", 4), "0, 2");
  EXPECT_EQ(resolved("0,1,47-49", 50), "0-1, 47-49");
  EXPECT_EQ(resolved("1-2,2-3", 4), "1-3");
}

TEST(PlaceSet, NamesNoiseLevels) {
  const NoiseSchedule schedule{.timesteps = {1000, 900, 500}, .sigmas = {1, 0.9f, 0.5f, 0}};
  EXPECT_EQ(places_text(PlaceSet("--dense-timesteps", "noise:0.8-1").resolve(schedule)), "0-1");
  EXPECT_EQ(places_text(PlaceSet("--dense-timesteps", "noise:0-0.5").resolve(schedule)), "2");
  EXPECT_EQ(places_text(PlaceSet("--dense-timesteps", "2").resolve(schedule)), "0-1");
}

TEST(PlaceSet, RefusesInOneLineThatNamesTheArgument) {
  for (const char* text : {"", "x", "-1", "2-1", "1,,2", "0-", "noise:1", "noise:0.9-0.1",
                           "noise:0-2", "last:x", "1 ", "99999999999999999999"}) {
    try {
      PlaceSet("--dense-layers", text);
      FAIL() << "accepted '" << text << "'";
    } catch (const InvalidArgument& error) {
      EXPECT_EQ(std::string(error.what()).rfind("--dense-layers: expected", 0), 0u) << error.what();
    }
  }
  EXPECT_THROW(resolved("5", 4), InvalidArgument);
  EXPECT_THROW(resolved("4-4", 4), InvalidArgument);
  EXPECT_THROW(resolved("last:5", 4), InvalidArgument);
  EXPECT_THROW(resolved("noise:0-1", 4), InvalidArgument);
}

}  // namespace
}  // namespace radial::video
