#include "video/world/render.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>

#include "support/throws.h"
#include "video/world/palette.h"

namespace radial::video {
namespace {

constexpr std::int64_t kSide = 112;

Body red_body(BodyShape shape, Motion motion = Motion::kStill) {
  return {.shape = shape, .color = BodyColor::kRed, .motion = motion, .size = 0.6, .z = 6};
}

at::Tensor draw(const Scene& scene, std::int64_t num_frames, double fps = 16) {
  return render({scene}, {kSide, kSide, num_frames, fps}, at::kCPU)[0];
}

// Colours of pixels in linear light: [..., 3] from [3, ...].
at::Tensor linear(const at::Tensor& screen) { return ((screen + 1) / 2).square().movedim(0, -1); }

// What of a frame [3, H, W] is red.
at::Tensor red_mask(const at::Tensor& frame) {
  const at::Tensor light = linear(frame);
  return (light.select(-1, 0) > 3 * light.narrow(-1, 1, 2).amax(-1)).to(at::kDouble);
}

struct Spot {
  double column, row, area;
};

Spot red_spot(const at::Tensor& frame) {
  const at::Tensor mask = red_mask(frame), steps = at::arange(kSide, at::kDouble) + 0.5;
  const double area = mask.sum().item<double>();
  return {(mask.sum(0) * steps).sum().item<double>() / area,
          (mask.sum(1) * steps).sum().item<double>() / area, area};
}

// First and last frame of the native time.
std::array<Spot, 2> begin_and_end(const Scene& scene) {
  const at::Tensor clip = draw(scene, 2, 1 / kNativeSeconds);
  return {red_spot(clip.select(1, 0)), red_spot(clip.select(1, 1))};
}

// The column in which a camera that stands still sees (x, z) at the height y.
double column_of(double x, double y, double z) {
  const double cosine = std::sqrt(1 - kCameraPitchSine * kCameraPitchSine);
  const double depth = z * cosine - (y - kCameraHeight) * kCameraPitchSine;
  return kSide / 2.0 * (1 + camera_at(Scene{}, 0).focal * x / depth);
}

Scene busy_scene(CameraMove camera) {
  for (std::uint64_t index = 0;; ++index) {
    Scene scene = sample_scene(5, index);
    if (scene.camera == camera && scene.bodies.size() > 1) return scene;
  }
}

class Render : public ::testing::Test {
 protected:
  // Frames this small are not worth waiting for other threads.
  void SetUp() override { at::set_num_threads(1); }
};

// The ground is blended with what the canvas holds: a NaN left in fresh memory must not get there.
TEST_F(Render, LeavesNothingOfWhatTheMemoryHeld) {
  const std::vector<Scene> scenes{busy_scene(CameraMove::kPanLeft),
                                  busy_scene(CameraMove::kStatic)};
  const ClipSize size{kSide, kSide, 3, 16};
  for (int repeat = 0; repeat < 4; ++repeat) {
    at::full({2, 3, 3, kSide, kSide}, std::nan(""));  // freed at once, for the next of its size
    at::full({3, 1, kSide, kSide}, std::nan(""));
    EXPECT_TRUE(render(scenes, size, at::kCPU).isfinite().all().item<bool>());
  }
}

TEST_F(Render, IsTheSameEveryTimeWithAnyNumberOfThreads) {
  const Scene scene = busy_scene(CameraMove::kPanLeft);
  const at::Tensor first = draw(scene, 5);
  at::set_num_threads(3);
  const at::Tensor second = draw(scene, 5);
  at::set_num_threads(1);
  EXPECT_TRUE(at::equal(first, second));
  EXPECT_EQ(first.sizes(), (at::IntArrayRef{3, 5, kSide, kSide}));
  EXPECT_LE(first.abs().max().item<double>(), 1);
  EXPECT_FALSE(first.isnan().any().item<bool>());
}

TEST_F(Render, LongerClipsBeginWithTheShorterOnes) {
  for (int camera = 0; camera < kNumCameraMoves; ++camera) {
    SCOPED_TRACE(camera);
    const Scene scene = busy_scene(static_cast<CameraMove>(camera));
    const at::Tensor longer = draw(scene, 23);
    EXPECT_TRUE(at::equal(longer.narrow(1, 0, 9), draw(scene, 9)));
    EXPECT_TRUE(at::equal(longer.narrow(1, 0, 1), draw(scene, 1)));
    EXPECT_FALSE(at::equal(longer.narrow(1, 0, 1), longer.narrow(1, 22, 1)));
  }
}

TEST_F(Render, ABatchIsItsScenes) {
  const Scene a = busy_scene(CameraMove::kStatic), b = busy_scene(CameraMove::kZoomIn);
  const at::Tensor both = render({a, b}, {.width = 96, .height = 64, .num_frames = 2}, at::kCPU);
  EXPECT_EQ(both.sizes(), (at::IntArrayRef{2, 3, 2, 64, 96}));
  EXPECT_TRUE(
      at::equal(both[1], render({b}, {.width = 96, .height = 64, .num_frames = 2}, at::kCPU)[0]));
}

TEST_F(Render, BodiesAreWhereTheirPathLeads) {
  for (int shape = 0; shape < kNumShapes; ++shape) {
    for (const Motion motion : {Motion::kLeft, Motion::kRight}) {
      SCOPED_TRACE(shape);
      Body body = red_body(static_cast<BodyShape>(shape), motion);
      const double sign = motion == Motion::kLeft ? -1 : 1;
      body.x = -0.8 * sign;
      body.speed = 0.5 * sign;
      body.low = -2;
      body.high = 2;
      const auto spots = begin_and_end({.bodies = {body}});
      for (std::size_t i = 0; i < 2; ++i) {
        const BodyPose pose = pose_at(body, static_cast<double>(i) * kNativeSeconds);
        EXPECT_NEAR(spots[i].column, column_of(pose.x, pose.y, pose.z), 1.5);
      }
      EXPECT_GT(sign * (spots[1].column - spots[0].column), 20);
    }
  }
}

TEST_F(Render, BodiesGrowAsTheyComeAndRiseAsTheyJump) {
  Body body = red_body(BodyShape::kBall, Motion::kToward);
  body.z = 9;
  body.speed = -1.3;
  body.low = 4;
  body.high = 10;
  auto spots = begin_and_end({.bodies = {body}});
  const double nearer = 9.0 / pose_at(body, kNativeSeconds).z;
  EXPECT_NEAR(spots[1].area / spots[0].area, nearer * nearer, 0.3 * nearer);
  body.motion = Motion::kAway;
  body.z = 5;
  body.speed = 1.3;
  spots = begin_and_end({.bodies = {body}});
  EXPECT_LT(spots[1].area, 0.5 * spots[0].area);

  body = red_body(BodyShape::kBall, Motion::kBounce);
  body.reach = 1;
  const at::Tensor resting = draw({.bodies = {body}}, 1);
  body.phase = 0.5;
  EXPECT_LT(red_spot(draw({.bodies = {body}}, 1).select(1, 0)).row + 15,
            red_spot(resting.select(1, 0)).row);
}

TEST_F(Render, TheCameraMoves) {
  const Body body = red_body(BodyShape::kCube);
  const auto seen = [&body](CameraMove camera) {
    return begin_and_end({.bodies = {body}, .camera = camera});
  };
  EXPECT_GT(seen(CameraMove::kPanLeft)[1].column, seen(CameraMove::kPanLeft)[0].column + 10);
  EXPECT_LT(seen(CameraMove::kPanRight)[1].column, seen(CameraMove::kPanRight)[0].column - 10);
  EXPECT_GT(seen(CameraMove::kZoomIn)[1].area, seen(CameraMove::kZoomIn)[0].area * 1.5);
  EXPECT_LT(seen(CameraMove::kZoomOut)[1].area, seen(CameraMove::kZoomOut)[0].area / 1.5);
}

// Under every sky most of a body is nearest to its own colour.
TEST_F(Render, EveryColorAppears) {
  std::vector<at::Tensor> paints;
  for (int color = 0; color < kNumColors; ++color) {
    const Rgb paint = color_of(static_cast<BodyColor>(color));
    const at::Tensor row = at::tensor(at::ArrayRef<double>(paint.data(), 3));
    paints.push_back(row / row.norm());
  }
  const at::Tensor palette = at::stack(paints);
  for (int sky = 0; sky < kNumSkies; ++sky) {
    for (int color = 0; color < kNumColors; ++color) {
      for (int shape = (sky + color) % 3; shape < kNumShapes; shape += 3) {  // a third of them
        SCOPED_TRACE(::testing::Message() << sky << ' ' << color << ' ' << shape);
        Body body = red_body(static_cast<BodyShape>(shape));
        const Sky above = static_cast<Sky>(sky);
        // Where the body is, told by a red one in its place.
        const at::Tensor red = draw({.bodies = {body}, .sky = above}, 1).select(1, 0);
        const at::Tensor inside = red_mask(red) > 0;
        body.color = static_cast<BodyColor>(color);
        const at::Tensor frame = draw({.bodies = {body}, .sky = above}, 1).select(1, 0);
        const at::Tensor pixels = linear(frame).to(at::kDouble).index({inside});
        ASSERT_GT(pixels.size(0), 100);
        const at::Tensor nearest = (pixels / pixels.norm(2, 1, true)).matmul(palette.t()).argmax(1);
        EXPECT_GT((nearest == color).to(at::kDouble).mean().item<double>(), 0.6);
      }
    }
  }
}

TEST_F(Render, RefusesWhatCannotBeDrawn) {
  const Scene scene{.bodies = {red_body(BodyShape::kBall)}};
  const auto refused = [&scene](const ClipSize& size, const char* name, const char* got) {
    testing::expect_refused([&] { render({scene}, size, at::kCPU); }, {name, got});
  };
  refused({.width = 7}, "width", "got 7");
  refused({.height = 0}, "height", "got 0");
  refused({.num_frames = 0}, "num_frames", "got 0");
  refused({.fps = 0}, "fps", "got 0");
  testing::expect_refused([] { render({}, {}, at::kCPU); }, {"scenes", "got none"});
  testing::expect_refused([] { render({Scene{}}, {}, at::kCPU); }, {"bodies", "got none"});
}

}  // namespace
}  // namespace radial::video
