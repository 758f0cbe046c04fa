#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "radial/base/error.h"
#include "video/world/caption.h"

namespace radial::video {
namespace {

constexpr std::uint64_t kEvaluationSeed = 0x68656C64;
// Worth less than a rare value: of spinning bodies only four combinations are held out.
constexpr double kNewCombination = 0.5;

/// How often each value has been chosen, of bodies that are held out.
class Coverage {
 public:
  /// Larger for scenes that show what has been shown less.
  double need_of(const Scene& scene) const {
    double need = 1.0 / (1 + numbers_[scene.bodies.size() - 1]);
    const Body& body = held_out_body(scene);
    need += 1.0 / (1 + shapes_[index(body.shape)]) + 1.0 / (1 + colors_[index(body.color)]);
    need += 1.0 / (1 + motions_[index(body.motion)]) + 1.0 / (1 + cameras_[index(scene.camera)]);
    const auto found = combinations_.find(combination(body, scene.camera));
    return need + kNewCombination / (1 + (found == combinations_.end() ? 0 : found->second));
  }

  void add(const Scene& scene) {
    const Body& body = held_out_body(scene);
    ++numbers_[scene.bodies.size() - 1];
    ++shapes_[index(body.shape)];
    ++colors_[index(body.color)];
    ++motions_[index(body.motion)];
    ++cameras_[index(scene.camera)];
    ++combinations_[combination(body, scene.camera)];
  }

 private:
  template <typename Enum>
  static std::size_t index(Enum value) {
    return static_cast<std::size_t>(value);
  }

  static std::array<std::size_t, 4> combination(const Body& body, CameraMove camera) {
    return {index(body.shape), index(body.color), index(body.motion), index(camera)};
  }

  static const Body& held_out_body(const Scene& scene) {
    return *std::find_if(scene.bodies.begin(), scene.bodies.end(), [&scene](const Body& body) {
      return is_held_out(body.shape, body.color, body.motion, scene.camera);
    });
  }

  std::array<int, 3> numbers_{};
  std::array<int, kNumShapes> shapes_{};
  std::array<int, kNumColors> colors_{};
  std::array<int, kNumMotions> motions_{};
  std::array<int, kNumCameraMoves> cameras_{};
  std::map<std::array<std::size_t, 4>, int> combinations_;
};

std::vector<Scene> held_out_scenes(std::size_t count) {
  std::vector<Scene> scenes;
  for (std::uint64_t index = 0; scenes.size() < count; ++index) {
    Scene scene = sample_scene(kEvaluationSeed, index);
    if (is_held_out(scene)) scenes.push_back(std::move(scene));
  }
  return scenes;
}

}  // namespace

std::vector<HeldOutPrompt> held_out_prompts(int count) {
  RADIAL_REQUIRE(count >= 1 && count <= kMaxHeldOutPrompts, "count: expected 1 to ",
                 kMaxHeldOutPrompts, " prompts, got ", count);
  std::vector<Scene> scenes = held_out_scenes(2 * kMaxHeldOutPrompts);
  Coverage coverage;
  std::vector<HeldOutPrompt> prompts;
  while (prompts.size() < static_cast<std::size_t>(count)) {
    const auto best =
        std::max_element(scenes.begin(), scenes.end(), [&coverage](const Scene& a, const Scene& b) {
          return coverage.need_of(a) < coverage.need_of(b);
        });
    coverage.add(*best);
    std::string text = caption(*best, prompts.size());
    CaptionFacts facts = parse_caption(text);
    prompts.push_back({std::move(text), std::move(facts), std::move(*best)});
    scenes.erase(best);
  }
  return prompts;
}

}  // namespace radial::video
