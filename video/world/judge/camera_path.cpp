#include "video/world/judge/camera_path.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

namespace radial::video {
namespace {

constexpr int kNumPairs = 8;
constexpr float kCap = 0.08F;  // of a difference in brightness: what is more has moved by itself
const double kPitchCosine = std::sqrt(1 - kCameraPitchSine * kCameraPitchSine);

/// The ends of the world's camera moves.
struct CameraLimits {
  double focal = camera_at({}, 0).focal;
  double pan_turns = 2 * camera_at(scene_of(CameraMove::kPanLeft), 0).yaw;
  double log_zoom = std::log(camera_at(scene_of(CameraMove::kZoomOut), 0).focal /
                             camera_at(scene_of(CameraMove::kZoomIn), 0).focal);

  static Scene scene_of(CameraMove move) {
    Scene scene;
    scene.camera = move;
    return scene;
  }
};

/// Brightness of one frame, reduced.
struct GrayPicture {
  int height = 0, width = 0;
  std::vector<float> values;

  float at(double row, double column) const {
    const int top = static_cast<int>(row), left = static_cast<int>(column);
    const float down = static_cast<float>(row - top), right = static_cast<float>(column - left);
    const float* const p = values.data() + static_cast<std::size_t>(top) * width + left;
    const float above = p[0] + (p[1] - p[0]) * right;
    const float below = p[width] + (p[width + 1] - p[width]) * right;
    return above + (below - above) * down;
  }
};

GrayPicture gray_picture(const ClipPixels& clip, int frame, int factor) {
  GrayPicture gray{clip.height / factor, clip.width / factor, {}};
  gray.values.assign(static_cast<std::size_t>(gray.height) * gray.width, 0);
  const float share = 1.0F / static_cast<float>(3 * factor * factor);
  for (int channel = 0; channel < 3; ++channel) {
    const float* const plane = clip.plane(frame, channel);
    for (int row = 0; row < gray.height * factor; ++row) {
      float* const to = gray.values.data() + static_cast<std::size_t>(row / factor) * gray.width;
      const float* const from = plane + static_cast<std::size_t>(row) * clip.width;
      for (int column = 0; column < gray.width * factor; ++column) {
        to[column / factor] += from[column] * share;
      }
    }
  }
  return gray;
}

/// A change of the camera between two frames, in the units of CameraPath.
struct Change {
  double pan = 0, zoom = 0;
};

class Aligner {
 public:
  explicit Aligner(const CameraLimits& limits) : limits_(limits) {}

  // The mean difference of `to` and `from` seen by the changed camera.
  double difference(const GrayPicture& from, const GrayPicture& to, const Change& change) const {
    const double unit = std::min(from.height, from.width) / 2.0;
    const double angle = 2 * std::numbers::pi * limits_.pan_turns * change.pan;
    const double sine = std::sin(angle), cosine = std::cos(angle);
    const double focal = limits_.focal,
                 new_focal = focal * std::exp(limits_.log_zoom * change.zoom);
    double sum = 0;
    int count = 0;
    for (int row = 0; row < from.height; ++row) {
      const double up = (from.height / 2.0 - row - 0.5) / unit;
      const double y = up * kPitchCosine - focal * kCameraPitchSine;
      const double ahead = up * kCameraPitchSine + focal * kPitchCosine;
      const float* const values = from.values.data() + static_cast<std::size_t>(row) * from.width;
      for (int column = 0; column < from.width; ++column) {
        const double right = (column + 0.5 - from.width / 2.0) / unit;
        const double x = right * cosine - ahead * sine, z = right * sine + ahead * cosine;
        const double scale = new_focal / (z * kPitchCosine - y * kCameraPitchSine) * unit;
        const double new_column = x * scale + to.width / 2.0 - 0.5;
        const double new_row =
            to.height / 2.0 - 0.5 - (y * kPitchCosine + z * kCameraPitchSine) * scale;
        if (!(new_column >= 0 && new_row >= 0 && new_column < to.width - 1 &&
              new_row < to.height - 1)) {
          continue;
        }
        sum += std::min(std::abs(to.at(new_row, new_column) - values[column]), kCap);
        ++count;
      }
    }
    return count == 0 ? std::numeric_limits<double>::infinity() : sum / count;
  }

  Change best(const GrayPicture& from, const GrayPicture& to, const Change& middle, double step,
              int reach) const {
    Change found = middle;
    double smallest = std::numeric_limits<double>::infinity();
    for (int i = -reach; i <= reach; ++i) {
      for (int j = -reach; j <= reach; ++j) {
        const Change change{middle.pan + i * step, middle.zoom + j * step};
        const double value = difference(from, to, change);
        // Of equally good ones the middle: a picture without texture stands still.
        const bool is_nearer = std::abs(i) + std::abs(j) == 0 && value <= smallest;
        if (value < smallest || is_nearer) {
          smallest = value;
          found = change;
        }
      }
    }
    return found;
  }

 private:
  const CameraLimits& limits_;
};

}  // namespace

CameraPath follow_camera(const ClipPixels& clip) {
  const CameraLimits limits;
  const Aligner aligner(limits);
  const int num_pairs = std::min(kNumPairs, clip.num_frames - 1);
  const int coarse = std::max(1, std::min(clip.height, clip.width) / 64), fine = (coarse + 1) / 2;
  std::vector<int> keys;
  std::vector<Change> sums{{}};
  for (int i = 0; i <= num_pairs; ++i) keys.push_back(i * (clip.num_frames - 1) / num_pairs);
  std::array<GrayPicture, 2> coarse_pair, fine_pair;
  coarse_pair[0] = gray_picture(clip, 0, coarse);
  fine_pair[0] = gray_picture(clip, 0, fine);
  for (std::size_t i = 1; i < keys.size(); ++i) {
    coarse_pair[1] = gray_picture(clip, keys[i], coarse);
    fine_pair[1] = gray_picture(clip, keys[i], fine);
    const double unit = (clip.seconds(keys[i]) - clip.seconds(keys[i - 1])) / kNativeSeconds;
    Change change = aligner.best(coarse_pair[0], coarse_pair[1], {}, 0.5 * unit, 4);
    change = aligner.best(coarse_pair[0], coarse_pair[1], change, 0.2 * unit, 2);
    change = aligner.best(fine_pair[0], fine_pair[1], change, 0.08 * unit, 2);
    sums.push_back({sums.back().pan + change.pan, sums.back().zoom + change.zoom});
    std::swap(coarse_pair[0], coarse_pair[1]);
    std::swap(fine_pair[0], fine_pair[1]);
  }
  CameraPath path{.poses = {}, .pan = sums.back().pan, .zoom = sums.back().zoom};
  std::size_t next = 1;
  for (int frame = 0; frame < clip.num_frames; ++frame) {
    while (next + 1 < keys.size() && keys[next] < frame) ++next;
    const double share =
        static_cast<double>(frame - keys[next - 1]) / (keys[next] - keys[next - 1]);
    const Change &before = sums[next - 1], &after = sums[next];
    const double pan = before.pan + (after.pan - before.pan) * share - path.pan / 2;
    const double zoom = before.zoom + (after.zoom - before.zoom) * share - path.zoom / 2;
    path.poses.push_back({limits.pan_turns * pan, limits.focal * std::exp(limits.log_zoom * zoom)});
  }
  return path;
}

Sight sight_of(const ClipPixels& clip, const CameraPose& camera, double column, double row) {
  const double right = (column - clip.width / 2.0) / clip.unit();
  const double up = (clip.height / 2.0 - row) / clip.unit();
  const double y = up * kPitchCosine - camera.focal * kCameraPitchSine;
  const double ahead = up * kCameraPitchSine + camera.focal * kPitchCosine;
  const double angle = 2 * std::numbers::pi * camera.yaw;
  const double x = right * std::cos(angle) + ahead * std::sin(angle);
  const double z = ahead * std::cos(angle) - right * std::sin(angle);
  return {x / z, y / z};
}

double horizon_row(const ClipPixels& clip, const CameraPose& camera) {
  return clip.height / 2.0 - camera.focal * clip.unit() * kCameraPitchSine / kPitchCosine;
}

}  // namespace radial::video
