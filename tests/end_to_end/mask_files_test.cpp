// The files `radial mask` writes.

#include <gtest/gtest.h>
#include <png.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "command_runner.h"
#include "support/sha256.h"

namespace radial::test {
namespace {

using Json = nlohmann::json;

std::string dump_of(const std::string& arguments) {
  const TemporaryFolder folder;
  const CommandResult result = run_radial(words("mask --dump m.txt " + arguments), folder.path());
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(folder.names(), std::vector<std::string>{"m.txt"});
  return read_file(folder.path() / "m.txt");
}

struct Fingerprint {
  const char* arguments;
  const char* sha256_begin;
};

TEST(MaskFiles, DumpsOfTheReleasedRulesHaveTheReferencesFingerprints) {
  const Fingerprint cases[] = {
      {"--grid 21,45,80 --rule released-v2 --decay-factor 1", "effc086a40426fa1"},
      {"--grid 18,48,80 --rule released-v1 --decay-factor 0.2", "6c3a3992ffe06775"},
      {"--grid 30,48,80 --rule released-hunyuan --decay-factor 0.95", "cb93b55f366be059"},
      {"--grid 8,16,16 --rule released-v2", "d75e2a9e094cbd42"},
      {"--grid 8,8,12 --rule released-hunyuan", "75611586f303bf53"},
  };
  for (const Fingerprint& expected : cases) {
    EXPECT_EQ(radial::testing::sha256(dump_of(expected.arguments)).substr(0, 16),
              expected.sha256_begin)
        << expected.arguments;
  }
}

TEST(MaskFiles, SafetensorsHoldsTheDumpedMaskAndWhereItCameFrom) {
  const TemporaryFolder folder;
  const auto arguments = words(
      "mask --grid 9,20,25 --rule released-v2 --decay_factor 0.5 --text-tokens 70 "
      "--save m.safetensors --dump m.txt");
  ASSERT_EQ(run_radial(arguments, folder.path()).exit_code, 0);
  const std::string bytes = read_file(folder.path() / "m.safetensors");
  std::uint64_t header_bytes = 0;
  ASSERT_GE(bytes.size(), sizeof header_bytes);
  std::memcpy(&header_bytes, bytes.data(), sizeof header_bytes);
  EXPECT_EQ(header_bytes % 8, 0u);
  const Json header = Json::parse(bytes.substr(8, header_bytes));
  const int blocks = (9 * 20 * 25 + 70 + 127) / 128;
  EXPECT_EQ(header["block_mask"]["dtype"], "U8");
  EXPECT_EQ(header["block_mask"]["shape"], Json({blocks, blocks}));
  EXPECT_EQ(header["block_mask"]["data_offsets"], Json({0, blocks * blocks}));
  EXPECT_EQ(header["__metadata__"]["radial.rule"], "released-v2");
  EXPECT_EQ(header["__metadata__"]["radial.layout"], "9,20,25");
  EXPECT_EQ(header["__metadata__"]["radial.text_tokens"], "70");
  const Json parameters =
      Json::parse(header["__metadata__"]["radial.parameters"].get<std::string>());
  EXPECT_EQ(parameters["decay_factor"], 0.5);

  std::string expected = read_file(folder.path() / "m.txt");
  std::erase(expected, '\n');
  std::ranges::transform(expected, expected.begin(), [](char c) { return char(c - '0'); });
  EXPECT_EQ(bytes.substr(8 + header_bytes), expected);
}

struct Pixels {
  unsigned width = 0, height = 0;
  std::string rgb;
  std::uint32_t at(unsigned x, unsigned y) const {
    const auto* pixel =
        reinterpret_cast<const unsigned char*>(&rgb[(std::size_t{y} * width + x) * 3]);
    return pixel[0] << 16 | pixel[1] << 8 | pixel[2];
  }
};

Pixels read_png(const std::filesystem::path& path) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  Pixels pixels;
  if (png_image_begin_read_from_file(&image, path.c_str()) == 0) return pixels;
  image.format = PNG_FORMAT_RGB;
  pixels.rgb.resize(PNG_IMAGE_SIZE(image));
  if (png_image_finish_read(&image, nullptr, pixels.rgb.data(), 0, nullptr) != 0) {
    pixels.width = image.width;
    pixels.height = image.height;
  }
  return pixels;
}

Pixels picture_of(const std::string& arguments) {
  const TemporaryFolder folder;
  const CommandResult result = run_radial(words("mask --png m.png " + arguments), folder.path());
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return read_png(folder.path() / "m.png");
}

constexpr std::uint32_t kKept = 0x1B4D89, kEmpty = 0xEBEFF3;

// Upper left corner of the whole mask in the picture: where a run of mask colours as long as the
// mask is wide begins for the first time.
std::pair<unsigned, unsigned> find_mask(const Pixels& picture, unsigned side) {
  for (unsigned y = 0; y < picture.height; ++y) {
    unsigned run = 0;
    for (unsigned x = 0; x < picture.width; ++x) {
      const std::uint32_t color = picture.at(x, y);
      run = color == kKept || color == kEmpty ? run + 1 : 0;
      if (run == side) return {x + 1 - side, y};
    }
  }
  ADD_FAILURE() << "no mask of " << side << " pixels in the picture";
  return {0, 0};
}

TEST(MaskFiles, PictureShowsEveryBlockOfTheMask) {
  const std::string layout = "--grid 21,45,80 --decay-factor 0.2 --rule radial";
  const Pixels picture = picture_of(layout);
  const std::string dump = dump_of(layout);
  constexpr unsigned kBlocks = 591;  // one pixel each
  const auto [left, top] = find_mask(picture, kBlocks);
  int wrong = 0;
  for (unsigned row = 0; row < kBlocks; ++row) {
    for (unsigned column = 0; column < kBlocks; ++column) {
      const bool kept = dump[row * (kBlocks + 1) + column] == '1';
      wrong += picture.at(left + column, top + row) != (kept ? kKept : kEmpty);
    }
  }
  EXPECT_EQ(wrong, 0);
}

TEST(MaskFiles, PictureUnfoldsTheRowAskedFor) {
  const std::string layout = "--grid 8,16,16 --rule harmonic --decay-factor 0.1";
  const Pixels first = picture_of(layout + " --query-block 0");
  const Pixels last = picture_of(layout + " --query-block 15");
  ASSERT_EQ(first.width, last.width);
  EXPECT_NE(first.rgb, last.rgb);
}

TEST(MaskFiles, PicturesStayOfAReadableSize) {
  for (const char* layout :
       {"--grid 1,1,1", "--grid 2,4,4", "--grid 64,45,80", "--grid 128,45,80 --text-tokens 256",
        "--grid 3,400,700", "--grid 1000,2,3", "--grid 1,1,5000", "--grid 1,5000,1",
        "--grid 6,16,32 --token-order tiled --rule sliding-tile"}) {
    const Pixels picture = picture_of(layout);
    EXPECT_GE(picture.width, 500u) << layout;
    EXPECT_LE(picture.width, 2200u) << layout;
    EXPECT_GE(picture.height, 250u) << layout;
    EXPECT_LE(picture.height, 1800u) << layout;
  }
}

TEST(MaskFiles, NamesTheFilesItWrote) {
  const TemporaryFolder folder;
  const CommandResult result = run_radial(
      words("mask --grid 4,8,8 --png a.png --save b.safetensors --dump c.txt"), folder.path());
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"a.png", "b.safetensors", "c.txt"}));
  EXPECT_NE(result.out.find("wrote     a.png\nwrote     b.safetensors\nwrote     c.txt\n"),
            std::string::npos)
      << result.out;
}

}  // namespace
}  // namespace radial::test
