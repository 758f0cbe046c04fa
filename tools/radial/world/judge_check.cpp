#include "world/judge_check.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "command.h"
#include "video/world/caption.h"
#include "video/world/degrade.h"
#include "video/world/judge.h"

namespace radial::tools {
namespace {

constexpr auto kShape = std::size_t{0}, kColor = std::size_t{1}, kMotion = std::size_t{2},
               kCamera = std::size_t{3};

template <typename Enum>
Enum next_of(Enum value, int count) {
  return static_cast<Enum>((static_cast<int>(value) + 1) % count);
}

// The same prompt but for one attribute of its first body, or of the camera.
video::CaptionFacts altered(video::CaptionFacts facts, std::size_t attribute) {
  video::BodyFacts& body = facts.bodies.front();
  const auto is_taken = [&facts](video::BodyColor color) {
    return std::any_of(facts.bodies.begin() + 1, facts.bodies.end(),
                       [color](const video::BodyFacts& other) { return other.color == color; });
  };
  if (attribute == kShape) body.shape = next_of(body.shape, video::kNumShapes);
  if (attribute == kMotion) body.motion = next_of(body.motion, video::kNumMotions);
  if (attribute == kCamera) facts.camera = next_of(facts.camera, video::kNumCameraMoves);
  if (attribute == kColor) {
    do {
      body.color = next_of(body.color, video::kNumColors);
    } while (is_taken(body.color));
  }
  return facts;
}

struct Tally {
  std::array<int, video::kNumAttributes> right{}, refused{};
  std::array<std::map<std::pair<std::string, std::string>, int>, video::kNumAttributes> confusions;
  int num_clips = 0, all_right = 0;

  void add(const video::SeenClip& seen, const video::CaptionFacts& facts, const char* name) {
    const video::Judgement judgement = compare(seen, facts);
    ++num_clips;
    all_right += judgement.all() ? 1 : 0;
    for (std::size_t i = 0; i < judgement.verdicts.size(); ++i) {
      const video::Verdict& verdict = judgement.verdicts[i];
      right[i] += verdict.is_right ? 1 : 0;
      ++confusions[i][{verdict.wanted, verdict.seen}];
      if (i <= kCamera) refused[i] += compare(seen, altered(facts, i)).verdicts[i].is_right ? 0 : 1;
      if (verdict.is_right) continue;
      std::printf("%s  %s: expected %s, got %s\n", name, video::kAttributeNames[i].data(),
                  verdict.wanted.c_str(), verdict.seen.c_str());
    }
  }

  double percent(int number) const { return 100.0 * number / num_clips; }

  void print() const {
    for (std::size_t i = 0; i < confusions.size(); ++i) {
      std::printf("\n%s: shown, seen, clips\n", video::kAttributeNames[i].data());
      for (const auto& [pair, number] : confusions[i]) {
        std::printf("  %-28s %-28s %d%s\n", pair.first.c_str(), pair.second.c_str(), number,
                    pair.first == pair.second ? "" : "  wrong");
      }
    }
    std::printf("\n%d clips  right  refuses another prompt\n", num_clips);
    for (std::size_t i = 0; i < right.size(); ++i) {
      std::printf("%-8s %5.1f %%", video::kAttributeNames[i].data(), percent(right[i]));
      if (i <= kCamera) std::printf("  %5.1f %%", percent(refused[i]));
      std::printf("\n");
    }
    std::printf("%-8s %5.1f %%\n", "all", percent(all_right));
  }
};

}  // namespace

int check_judge(const JudgeCheckRequest& request) {
  std::vector<video::HeldOutPrompt> prompts;
  if (request.held_out) prompts = video::held_out_prompts(static_cast<int>(request.count));
  Tally tally;
  for (std::int64_t i = 0; i < request.count; ++i) {
    const std::uint64_t index = request.first + static_cast<std::uint64_t>(i);
    const video::Scene scene = request.held_out ? prompts[static_cast<std::size_t>(i)].scene
                                                : video::sample_scene(request.seed, index);
    at::Tensor frames = (render({scene}, request.size, request.device)[0] * 0.5 + 0.5).cpu();
    frames = frames.transpose(0, 1).contiguous();
    if (request.spoilt) frames = video::degraded(frames, index);
    tally.add(video::look_at(frames, request.size.fps), facts_of(scene),
              std::to_string(index).c_str());
    std::fflush(stdout);
  }
  tally.print();
  return kSuccess;
}

}  // namespace radial::tools
