// The scenes of the synthetic world: repeatable, in view, apart, and held out by what they show.

#include "video/world/scene.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <numbers>
#include <set>

#include "video/world/counter_random.h"

namespace radial::video {
namespace {

constexpr std::uint64_t kSeed = 7;
constexpr std::uint64_t kNumScenes = 2000;

// Of everything that decides a scene's picture, bit for bit.
std::uint64_t hash_of(const Scene& scene) {
  std::uint64_t hash = scene.look;
  const auto add = [&hash](double value) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    hash = CounterRandom::mixed(hash ^ bits);
  };
  add(static_cast<double>(scene.camera));
  add(static_cast<double>(scene.ground));
  add(static_cast<double>(scene.sky));
  add(scene.light_from_left ? 1 : 0);
  add(scene.light_height);
  for (const Body& body : scene.bodies) {
    add(static_cast<double>(body.shape));
    add(static_cast<double>(body.color));
    add(static_cast<double>(body.motion));
    for (const double value : {body.size, body.x, body.z, body.speed, body.reach, body.low,
                               body.high, body.yaw, body.phase}) {
      add(value);
    }
  }
  return hash;
}

TEST(Scene, FollowsFromSeedAndIndexAlone) {
  std::set<std::uint64_t> hashes;
  for (std::uint64_t index = 0; index < 200; ++index) {
    const std::uint64_t hash = hash_of(sample_scene(kSeed, index));
    EXPECT_EQ(hash, hash_of(sample_scene(kSeed, index)));
    hashes.insert(hash);
    hashes.insert(hash_of(sample_scene(kSeed + 1, index)));
  }
  EXPECT_EQ(hashes.size(), 400u);
}

TEST(Scene, BodiesHaveDifferentColors) {
  std::array<int, 4> scenes_of_count{};
  for (std::uint64_t index = 0; index < kNumScenes; ++index) {
    const Scene scene = sample_scene(kSeed, index);
    std::set<BodyColor> colors;
    for (const Body& body : scene.bodies) colors.insert(body.color);
    ASSERT_EQ(colors.size(), scene.bodies.size());
    ++scenes_of_count.at(scene.bodies.size());
  }
  EXPECT_EQ(scenes_of_count[0], 0);
  for (int count = 1; count <= 3; ++count) EXPECT_GT(scenes_of_count.at(count), 100) << count;
}

TEST(Scene, TakesEveryValueOfEveryFact) {
  std::set<BodyShape> shapes;
  std::set<BodyColor> colors;
  std::set<Motion> motions;
  std::set<CameraMove> cameras;
  for (std::uint64_t index = 0; index < 400; ++index) {
    const Scene scene = sample_scene(kSeed, index);
    cameras.insert(scene.camera);
    for (const Body& body : scene.bodies) {
      shapes.insert(body.shape);
      colors.insert(body.color);
      motions.insert(body.motion);
      if (body.motion != Motion::kSpin) continue;
      EXPECT_TRUE(body.shape == BodyShape::kCube || body.shape == BodyShape::kRing);
    }
  }
  EXPECT_EQ(shapes.size(), static_cast<std::size_t>(kNumShapes));
  EXPECT_EQ(colors.size(), static_cast<std::size_t>(kNumColors));
  EXPECT_EQ(motions.size(), static_cast<std::size_t>(kNumMotions));
  EXPECT_EQ(cameras.size(), static_cast<std::size_t>(kNumCameraMoves));
}

// Four native lengths: centres in the picture at each moment.
TEST(Scene, BodiesStayInView) {
  const double pitch_cosine = std::sqrt(1 - kCameraPitchSine * kCameraPitchSine);
  for (std::uint64_t index = 0; index < kNumScenes; ++index) {
    const Scene scene = sample_scene(kSeed, index);
    for (const Body& body : scene.bodies) {
      for (int frame = 0; frame < 193; ++frame) {
        const BodyPose pose = pose_at(body, frame / 16.0);
        const CameraPose camera = camera_at(scene, frame / 16.0);
        const double yaw = 2 * std::numbers::pi * camera.yaw;
        const double right = pose.x * std::cos(yaw) - pose.z * std::sin(yaw);
        const double level = pose.x * std::sin(yaw) + pose.z * std::cos(yaw);
        const double above = pose.y - kCameraHeight;
        const double depth = level * pitch_cosine - above * kCameraPitchSine;
        const double up = above * pitch_cosine + level * kCameraPitchSine;
        ASSERT_GT(depth, 1) << index;
        ASSERT_LT(std::abs(right / depth * camera.focal), 1) << index << " frame " << frame;
        ASSERT_LT(std::abs(up / depth * camera.focal), 1) << index << " frame " << frame;
      }
    }
  }
}

TEST(Scene, BodiesNeverTouch) {
  for (std::uint64_t index = 0; index < kNumScenes; ++index) {
    const Scene scene = sample_scene(kSeed, index);
    for (std::size_t i = 0; i < scene.bodies.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        for (int step = 0; step <= 96; ++step) {
          const BodyPose a = pose_at(scene.bodies[i], step / 8.0);
          const BodyPose b = pose_at(scene.bodies[j], step / 8.0);
          ASSERT_GT(std::hypot(a.x - b.x, a.z - b.z),
                    bounding_radius(scene.bodies[i]) + bounding_radius(scene.bodies[j]))
              << index << " at " << step / 8.0 << " s";
        }
      }
    }
  }
}

TEST(Scene, MotionDoesWhatItsNameSaysInTheNativeTime) {
  for (std::uint64_t index = 0; index < kNumScenes; ++index) {
    for (const Body& body : sample_scene(kSeed, index).bodies) {
      const BodyPose begin = pose_at(body, 0), end = pose_at(body, kNativeSeconds);
      const double dx = end.x - begin.x, dz = end.z - begin.z;
      EXPECT_EQ(dx > 0.5, body.motion == Motion::kRight) << index;
      EXPECT_EQ(dx < -0.5, body.motion == Motion::kLeft) << index;
      EXPECT_EQ(dz > 1, body.motion == Motion::kAway) << index;
      EXPECT_EQ(dz < -1, body.motion == Motion::kToward) << index;
    }
  }
}

TEST(Scene, HeldOutCombinationsAreNeverTrainedOn) {
  int held_out = 0;
  for (std::uint64_t index = 0; index < kNumScenes; ++index) {
    held_out += is_held_out(sample_scene(kSeed, index)) ? 1 : 0;
    const Scene scene = sample_training_scene(kSeed, index);
    for (const Body& body : scene.bodies) {
      ASSERT_FALSE(is_held_out(body.shape, body.color, body.motion, scene.camera)) << index;
    }
  }
  EXPECT_GT(held_out, 50);
  EXPECT_LT(held_out, 300);
}

}  // namespace
}  // namespace radial::video
