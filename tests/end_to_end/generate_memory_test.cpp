// Memory of `radial generate`: what it says it needs, what it takes, and that a part is let go of
// before the next one comes.

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "small_model.h"
#include "video/pipeline/system_memory.h"
#include "video/pipeline/text_to_video.h"

namespace radial::test {
namespace {

using Json = nlohmann::json;

class GenerateMemory : public SmallModelTest {
 protected:
  Json report_of(const std::string& arguments) const {
    const CommandResult result = run("--json " + arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.exit_code == 0 ? Json::parse(result.out) : Json::object();
  }
};

TEST_F(GenerateMemory, ThePlanSaysWhatEachPartNeeds) {
  const Json plan = report_of("--dry-run")["plan"];
  const Json larger = report_of("--dry-run --size 64x64")["plan"];
  for (const char* part : {"text_encoder", "transformer", "vae"}) {
    SCOPED_TRACE(part);
    EXPECT_EQ(plan["needed_bytes"][part]["weights"], plan["weight_bytes"][part]);
    const double working = plan["needed_bytes"][part]["working"];
    EXPECT_GT(working, 8e6);
    const double growth = larger["needed_bytes"][part]["working"].get<double>() - working;
    if (part == std::string("text_encoder")) {
      EXPECT_EQ(growth, 0);
    } else {
      EXPECT_GT(growth, 1e5);
    }
  }
  const std::string text = run("--dry-run").out;
  EXPECT_NE(text.find("memory     one part after the other: text encoder "), std::string::npos)
      << text;
}

// A thousand frames of 4096 x 4096 pixels: several hundred gigabytes, worked out without taking
// any.
TEST_F(GenerateMemory, WhatCannotFitIsRefusedBeforeAnyWork) {
  const CommandResult result = run("--size 4096x4096 --num-frames 2047");
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_TRUE(result.err.starts_with("radial: memory: expected ")) << result.err;
  for (const char* part :
       {" GB for the transformer (", " to be free, got ",
        "; --dtype bfloat16, a smaller --size or fewer --num-frames would help"}) {
    EXPECT_NE(result.err.find(part), std::string::npos) << part << " is not in\n" << result.err;
  }
  EXPECT_EQ(std::ranges::count(result.err, '\n'), 1);
  EXPECT_EQ(result.out, "");
  EXPECT_TRUE(written().empty());
}

class LargeParts : public GenerateMemory, public testing::WithParamInterface<const char*> {
 protected:
  LargeParts() { write_large_model(folder_.path() / "large"); }
};

// In bfloat16 weights are converted, in float32 they are used where the file is mapped.
TEST_P(LargeParts, TakeMemoryOneAfterTheOther) {
  const std::string arguments =
      std::string("--size 16x16 --num-frames 3 --steps 2 --dtype ") + GetParam();
  const double small = report_of(arguments)["peak_bytes"]["host"];
  const Json report = report_of(arguments + " --model large");
  double largest = 0, sum = 0;
  for (const Json& part : report["plan"]["needed_bytes"]) {
    const double bytes = part["weights"].get<double>() + part["working"].get<double>();
    EXPECT_GT(part["weights"], 20e6);
    largest = std::max(largest, bytes);
    sum += bytes;
  }
  const double taken = report["peak_bytes"]["host"].get<double>() - small;
  EXPECT_GT(taken, 0.7 * largest);
  EXPECT_LT(taken, 1.3 * largest);
  EXPECT_LT(taken, 0.6 * sum);
}

INSTANTIATE_TEST_SUITE_P(Types, LargeParts, testing::Values("float32", "bfloat16"));

TEST_F(GenerateMemory, TheTextEncoderIsGoneBeforeTheTransformerComes) {
  write_large_model(folder_.path() / "large");
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    SCOPED_TRACE(dtype);
    const auto encode = [&](const char* model) {
      auto encoded = video::encode_prompts(video::find_text_files(folder_.path() / model),
                                           {"a fox"}, "", 160, {.dtype = dtype});
      video::release_unused_memory(at::kCPU);
      return encoded;
    };
    encode("model");  // what the process keeps for itself
    const auto before = static_cast<double>(video::resident_host_memory());
    const auto encoded = encode("large");
    const auto after = static_cast<double>(video::resident_host_memory());
    EXPECT_EQ(encoded.size(), 1);
    EXPECT_GT(static_cast<double>(video::peak_host_memory()) - before,
              dtype == at::kFloat ? 50e6 : 0);  // 60 MB of weights
    EXPECT_LT(after - before, 5e6);
  }
}

}  // namespace
}  // namespace radial::test
