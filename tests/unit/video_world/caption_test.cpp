// Captions of the synthetic world: what they say is what the scene shows, in many words; what is
// kept for evaluation is never trained on.

#include "video/world/caption.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <set>
#include <tuple>
#include <vector>

#include "radial/base/error.h"
#include "support/sha256.h"
#include "support/throws.h"
#include "video/world/caption_phrases.h"

namespace radial::video {
namespace {

using testing::expect_refused;
using ::testing::HasSubstr;

constexpr std::uint64_t kSeed = 11;

// Ground and sky as far as `said` has them.
CaptionFacts without_unsaid(CaptionFacts facts, const CaptionFacts& said) {
  if (!said.ground) facts.ground.reset();
  if (!said.sky) facts.sky.reset();
  return facts;
}

TEST(Caption, SaysWhatTheSceneShows) {
  int with_ground = 0, with_sky = 0, total = 0;
  for (std::uint64_t index = 0; index < 2000; ++index) {
    const Scene scene = sample_scene(kSeed, index);
    for (std::uint64_t variant = 1; variant <= 10; ++variant) {
      const std::string text = caption(scene, variant);
      const CaptionFacts said = parse_caption(text);
      ASSERT_EQ(said, without_unsaid(facts_of(scene), said)) << text;
      with_ground += said.ground ? 1 : 0;
      with_sky += said.sky ? 1 : 0;
      ++total;
    }
  }
  for (const int some : {with_ground, with_sky}) {
    EXPECT_GT(some, total * 4 / 10);
    EXPECT_LT(some, total * 6 / 10);
  }
}

TEST(Caption, ThePlainFormSaysEverything) {
  for (std::uint64_t index = 0; index < 2000; ++index) {
    const Scene scene = sample_scene(kSeed, index);
    ASSERT_EQ(parse_caption(caption(scene, 0)), facts_of(scene)) << caption(scene, 0);
  }
}

TEST(Caption, PlainFormReadsAsWritten) {
  Scene scene;
  scene.bodies = {{.shape = BodyShape::kBall, .color = BodyColor::kOrange, .motion = Motion::kLeft},
                  {.shape = BodyShape::kRing, .color = BodyColor::kBlue, .motion = Motion::kSpin}};
  scene.camera = CameraMove::kZoomIn;
  scene.ground = Ground::kWood;
  scene.sky = Sky::kDusk;
  EXPECT_EQ(
      caption(scene, 0),
      "An orange ball moves to the left and a blue ring spins around itself, on a wooden floor "
      "at dusk. The camera zooms in.");
}

TEST(Caption, OneSceneHasManyWordings) {
  const Scene scene = sample_scene(kSeed, 3);
  std::set<std::string> texts;
  for (std::uint64_t variant = 0; variant < 1000; ++variant) texts.insert(caption(scene, variant));
  EXPECT_GT(texts.size(), 980u);
}

TEST(Caption, IsTheSameOnEveryMachine) {
  std::string all;
  for (std::uint64_t index = 0; index < 200; ++index) {
    const Scene scene = sample_scene(kSeed, index);
    for (std::uint64_t variant = 0; variant < 10; ++variant) all += caption(scene, variant) + '\n';
  }
  EXPECT_EQ(testing::sha256(all),
            "b175947828017a77099602fa08ef8fd24a4e6e01e6be1633e5b4a668b6bdff55");
}

TEST(Caption, EveryPhraseIsUsed) {
  std::string all;
  for (std::uint64_t index = 0; index < 3000; ++index) {
    const Scene scene = sample_training_scene(kSeed, index);
    for (std::uint64_t variant = 0; variant < 8; ++variant) all += caption(scene, variant) + '\n';
  }
  for (char& c : all) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  for (const Phrase& phrase : caption_phrases()) {
    EXPECT_THAT(all, HasSubstr(phrase.text));
  }
}

// Else a caption could be read in two ways.
TEST(Caption, NoPhraseHasTwoMeanings) {
  std::map<std::string, std::tuple<Topic, int>> meanings;
  for (const Phrase& phrase : caption_phrases()) {
    const std::tuple meaning{phrase.topic, phrase.value};
    EXPECT_EQ(meanings.emplace(phrase.text, meaning).first->second, meaning) << phrase.text;
  }
}

TEST(ParseCaption, ReadsWhatAPersonTypes) {
  const CaptionFacts facts = parse_caption(
      "rotating on the spot: a shiny CUBE that is violet, and one red ball is moving towards the "
      "viewer -- at night; slow pan to the left!");
  EXPECT_EQ(facts, (CaptionFacts{{{BodyColor::kRed, BodyShape::kBall, Motion::kToward},
                                  {BodyColor::kPurple, BodyShape::kCube, Motion::kSpin}},
                                 CameraMove::kPanLeft,
                                 std::nullopt,
                                 Sky::kNight}));
}

TEST(ParseCaption, RefusesWhatIsNotOfTheWorld) {
  expect_refused([] { (void)parse_caption("a red dog moves left"); },
                 {"caption: expected words of the synthetic world, got \"dog\""});
  expect_refused([] { (void)parse_caption("a red ball does not move left"); }, {"got \"left\""});
  expect_refused([] { (void)parse_caption("a red ball stands still, \xE7\x8B\x97"); },
                 {"got \"\xE7\x8B\x97\""});
  expect_refused([] { (void)parse_caption(""); }, {"expected the color of body 1, got none"});
  expect_refused([] { (void)parse_caption("a red ball"); },
                 {"caption: expected the motion of body 1, got none"});
  expect_refused([] { (void)parse_caption("a red blue ball spins"); },
                 {"expected the shape of body 1, got another color"});
  expect_refused([] { (void)parse_caption("a red ball moves left and right"); }, {"got \"right\""});
  expect_refused([] { (void)parse_caption("two toys: a red ball moves left"); },
                 {"caption: expected 2 bodies as it says, got 1"});
  expect_refused([] { (void)parse_caption("a red ball moves left and a red cube spins"); },
                 {"caption: expected bodies of different colors, got two red ones"});
  expect_refused(
      [] {
        (void)parse_caption("a red ball moves left. The camera zooms in. The camera zooms out.");
      },
      {"expected one camera move, got two"});
}

using Combination = std::tuple<BodyShape, BodyColor, Motion, CameraMove>;

std::set<Combination> combinations_of(const CaptionFacts& facts) {
  std::set<Combination> combinations;
  for (const BodyFacts& body : facts.bodies) {
    combinations.emplace(body.shape, body.color, body.motion, facts.camera);
  }
  return combinations;
}

/// Shape, colour, motion and camera, as indices.
using Values = std::array<int, 4>;

std::vector<Values> all_combinations() {
  std::vector<Values> all;
  for (int i = 0; i < kNumShapes * kNumColors * kNumMotions * kNumCameraMoves; ++i) {
    const Values values{i % kNumShapes, i / kNumShapes % kNumColors,
                        i / (kNumShapes * kNumColors) % kNumMotions,
                        i / (kNumShapes * kNumColors * kNumMotions)};
    const auto shape = static_cast<BodyShape>(values[0]);
    const bool can_spin = shape == BodyShape::kCube || shape == BodyShape::kRing;
    if (can_spin || static_cast<Motion>(values[2]) != Motion::kSpin) all.push_back(values);
  }
  return all;
}

bool is_held_out(const Values& values) {
  return video::is_held_out(static_cast<BodyShape>(values[0]), static_cast<BodyColor>(values[1]),
                            static_cast<Motion>(values[2]), static_cast<CameraMove>(values[3]));
}

TEST(HeldOutPrompts, EveryValueIsHeldOutAboutEquallyOften) {
  std::array<std::map<int, int>, 4> total, held_out;
  std::set<int> spinning_shapes;
  int num_held_out = 0;
  for (const Values& values : all_combinations()) {
    const bool is_out = is_held_out(values);
    num_held_out += is_out ? 1 : 0;
    if (is_out && static_cast<Motion>(values[2]) == Motion::kSpin)
      spinning_shapes.insert(values[0]);
    for (std::size_t i = 0; i < 4; ++i) {
      ++total[i][values[i]];
      held_out[i][values[i]] += is_out ? 1 : 0;
    }
  }
  EXPECT_EQ(num_held_out, 65);
  EXPECT_EQ(all_combinations().size(), 1480u);
  EXPECT_EQ(spinning_shapes.size(), 2u);
  for (std::size_t i = 0; i < 4; ++i) {
    for (const auto& [value, count] : total[i]) {
      const double even = count * 65.0 / 1480;
      EXPECT_NEAR(held_out[i][value], even, even / 7) << i << " " << value;
    }
  }
}

TEST(HeldOutPrompts, EveryPairOfValuesIsTrainedOnAndMostAreHeldOut) {
  using Pair = std::array<int, 4>;  // attribute and value of each
  std::map<Pair, int> total, held_out;
  for (const Values& values : all_combinations()) {
    for (int i = 0; i < 4; ++i) {
      for (int j = 0; j < i; ++j) {
        const Pair pair{i, j, values[static_cast<std::size_t>(i)],
                        values[static_cast<std::size_t>(j)]};
        ++total[pair];
        if (is_held_out(values)) ++held_out[pair];
      }
    }
  }
  EXPECT_EQ(total.size(), 246u);
  EXPECT_EQ(held_out.size(), 241u);
  for (const auto& [pair, count] : held_out) EXPECT_LE(5 * count, total[pair]);
}

TEST(HeldOutPrompts, AreNeverTrainedOn) {
  std::set<Combination> trained;
  for (std::uint64_t index = 0; index < 5000; ++index) {
    const Scene scene = sample_training_scene(kSeed, index);
    trained.merge(combinations_of(parse_caption(caption(scene, index))));
  }
  EXPECT_GT(trained.size(), 1300u);  // of 1480
  for (const HeldOutPrompt& prompt : held_out_prompts(kMaxHeldOutPrompts)) {
    EXPECT_TRUE(is_held_out(prompt.scene));
    bool is_new = false;
    for (const Combination& each : combinations_of(parse_caption(prompt.text))) {
      is_new = is_new || !trained.contains(each);
    }
    EXPECT_TRUE(is_new) << prompt.text;
  }
}

TEST(HeldOutPrompts, FortyHoldEveryValueSeveralTimes) {
  std::map<BodyShape, std::size_t> shapes;
  std::map<BodyColor, std::size_t> colors;
  std::map<Motion, std::size_t> motions;
  std::map<CameraMove, std::size_t> cameras;
  std::map<std::size_t, std::size_t> numbers;
  std::set<std::string> texts;
  for (const HeldOutPrompt& prompt : held_out_prompts(40)) {
    const CaptionFacts facts = parse_caption(prompt.text);
    EXPECT_EQ(facts, prompt.facts);
    EXPECT_EQ(facts, without_unsaid(facts_of(prompt.scene), facts));
    texts.insert(prompt.text);
    ++cameras[facts.camera];
    ++numbers[facts.bodies.size()];
    for (const BodyFacts& body : facts.bodies) {
      if (!is_held_out(body.shape, body.color, body.motion, facts.camera)) continue;
      ++shapes[body.shape];
      ++colors[body.color];
      ++motions[body.motion];
    }
  }
  EXPECT_EQ(texts.size(), 40u);
  const auto expect_even = [](const auto& counts, std::size_t num_values) {
    // At least a third of an even share.
    EXPECT_EQ(counts.size(), num_values);
    for (const auto& [value, count] : counts) EXPECT_GE(3 * count * num_values, 40u);
  };
  expect_even(shapes, kNumShapes);
  expect_even(colors, kNumColors);
  expect_even(motions, kNumMotions);
  expect_even(cameras, kNumCameraMoves);
  expect_even(numbers, 3);
}

TEST(HeldOutPrompts, ALongerListBeginsWithAShorterOne) {
  const auto few = held_out_prompts(5), more = held_out_prompts(12);
  for (std::size_t i = 0; i < few.size(); ++i) EXPECT_EQ(few[i].text, more[i].text);
  EXPECT_THROW(held_out_prompts(0), InvalidArgument);
  EXPECT_THROW(held_out_prompts(kMaxHeldOutPrompts + 1), InvalidArgument);
}

}  // namespace
}  // namespace radial::video
