// The programmed judge: it names what a clip of the world shows, also when the clip is spoilt as a
// model spoils it, and says so when a prompt asks for something else. `radial world --judge` does
// the same with many scenes.

#include "video/world/judge.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "support/throws.h"
#include "video/world/degrade.h"
#include "video/world/render.h"

namespace radial::video {
namespace {

using testing::expect_refused;

constexpr int kNumClips = 4;
constexpr double kFps = 16;

at::Tensor frames_of(const Scene& scene) {
  return (render({scene}, {}, at::kCPU)[0] * 0.5 + 0.5).transpose(0, 1).contiguous();
}

struct JudgedClip {
  HeldOutPrompt prompt;
  SeenClip clean, spoilt;
};

const std::vector<JudgedClip>& judged_clips() {
  static const std::vector<JudgedClip> clips = [] {
    std::vector<JudgedClip> result;
    for (HeldOutPrompt& prompt : held_out_prompts(kNumClips)) {
      const at::Tensor frames = frames_of(prompt.scene);
      const SeenClip clean = look_at((frames * 255).round().to(at::kByte), kFps);
      result.push_back({std::move(prompt), clean, look_at(degraded(frames, 1), kFps)});
    }
    return result;
  }();
  return clips;
}

std::string text_of(const Judgement& judgement) {
  std::string text;
  for (std::size_t i = 0; i < judgement.verdicts.size(); ++i) {
    const Verdict& verdict = judgement.verdicts[i];
    if (verdict.is_right) continue;
    text.append(kAttributeNames[i]) +=
        ": wanted " + verdict.wanted + ", saw " + verdict.seen + "; ";
  }
  return text;
}

TEST(Judge, NamesEverythingInHeldOutClips) {
  for (const JudgedClip& clip : judged_clips()) {
    EXPECT_EQ(text_of(compare(clip.clean, clip.prompt.facts)), "") << clip.prompt.text;
  }
}

TEST(Judge, NamesEverythingInSpoiltClips) {
  for (const JudgedClip& clip : judged_clips()) {
    EXPECT_EQ(text_of(compare(clip.spoilt, clip.prompt.facts)), "") << clip.prompt.text;
  }
}

template <typename Enum>
Enum next_of(Enum value, int count) {
  return static_cast<Enum>((static_cast<int>(value) + 1) % count);
}

// The verdicts of a clip on prompts that differ from its own in one attribute.
void expect_one_wrong(const SeenClip& seen, const CaptionFacts& wanted, std::size_t attribute) {
  const Judgement judgement = compare(seen, wanted);
  for (std::size_t i = 0; i < judgement.verdicts.size(); ++i) {
    EXPECT_EQ(judgement.verdicts[i].is_right, i != attribute) << kAttributeNames[i];
  }
  EXPECT_FALSE(judgement.all());
}

TEST(Judge, RefusesAPromptThatDiffersInOneAttribute) {
  for (const JudgedClip& clip : judged_clips()) {
    const CaptionFacts& shown = clip.prompt.facts;
    CaptionFacts shape = shown, color = shown, motion = shown, camera = shown;
    shape.bodies[0].shape = next_of(shape.bodies[0].shape, kNumShapes);
    motion.bodies[0].motion = next_of(motion.bodies[0].motion, kNumMotions);
    camera.camera = next_of(camera.camera, kNumCameraMoves);
    const auto is_taken = [&color](BodyColor value) {
      return std::any_of(color.bodies.begin() + 1, color.bodies.end(),
                         [value](const BodyFacts& body) { return body.color == value; });
    };
    do {
      color.bodies[0].color = next_of(color.bodies[0].color, kNumColors);
    } while (is_taken(color.bodies[0].color));
    for (const SeenClip& seen : {clip.clean, clip.spoilt}) {
      expect_one_wrong(seen, shape, 0);
      expect_one_wrong(seen, color, 1);
      expect_one_wrong(seen, motion, 2);
      expect_one_wrong(seen, camera, 3);
    }
  }
}

CaptionFacts asking_for(std::vector<BodyFacts> bodies) {
  CaptionFacts facts;
  facts.bodies = std::move(bodies);
  return facts;
}

SeenClip seeing(const std::vector<BodyFacts>& bodies) {
  SeenClip seen;
  for (const BodyFacts& facts : bodies) {
    seen.bodies.emplace_back();
    seen.bodies.back().facts = facts;
  }
  return seen;
}

TEST(Judge, CountsBodies) {
  const BodyFacts ball{BodyColor::kRed, BodyShape::kBall, Motion::kLeft};
  const BodyFacts cube{BodyColor::kBlue, BodyShape::kCube, Motion::kStill};
  expect_one_wrong(seeing({ball, cube}), asking_for({ball}), 4);
  EXPECT_EQ(text_of(compare(seeing({ball}), asking_for({ball, cube}))),
            "shape: wanted ball, cube, saw ball, none; color: wanted red, blue, saw red, none; "
            "motion: wanted left, still, saw left, none; number: wanted 2, saw 1; ");
  EXPECT_FALSE(compare({}, asking_for({ball})).all());
}

TEST(Judge, PairsBodiesSoThatMostAgrees) {
  const BodyFacts ball{BodyColor::kRed, BodyShape::kBall, Motion::kLeft};
  const BodyFacts cube{BodyColor::kBlue, BodyShape::kCube, Motion::kStill};
  BodyFacts green_ball = ball;
  green_ball.color = BodyColor::kGreen;
  expect_one_wrong(seeing({green_ball, cube}), asking_for({ball, cube}), 1);
}

TEST(Judge, SeesNothingInAnEmptyClip) {
  const SeenClip seen = look_at(at::full({49, 3, 96, 128}, 0.5), kFps);
  EXPECT_TRUE(seen.bodies.empty());
  EXPECT_EQ(seen.camera, CameraMove::kStatic);
}

TEST(Judge, RefusesWhatIsNoClip) {
  const auto look = [](const at::Tensor& frames, double fps) {
    return [frames, fps] { (void)look_at(frames, fps); };
  };
  expect_refused(look(at::zeros({49, 64, 64}), kFps), {"frames: expected [T, 3, H, W], got 3"});
  expect_refused(look(at::zeros({49, 3, 64, 63}), kFps), {"sides of 64 pixels or more, got 63"});
  expect_refused(look(at::zeros({20, 3, 64, 64}), kFps), {"expected 25 or more at 16", "got 20"});
  expect_refused(look(at::zeros({49, 3, 64, 64}), 0), {"fps: expected more than 0, got 0"});
  expect_refused(look(at::zeros({49, 3, 64, 64}, at::kLong), kFps), {"bytes or floats"});
  expect_refused(look(at::full({49, 3, 64, 64}, std::numeric_limits<double>::quiet_NaN()), kFps),
                 {"NaN"});
}

}  // namespace
}  // namespace radial::video
