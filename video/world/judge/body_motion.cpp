#include "video/world/judge/body_motion.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace radial::video {
namespace {

constexpr std::size_t kFewestFaces = 8;

double mean_of(const std::vector<double>& values, std::size_t first, std::size_t count) {
  return std::accumulate(values.begin() + static_cast<std::ptrdiff_t>(first),
                         values.begin() + static_cast<std::ptrdiff_t>(first + count), 0.0) /
         static_cast<double>(count);
}

// From the beginning to the end; some frames of each, as one alone may be wrong.
double change_of(const std::vector<double>& values) {
  const std::size_t count = std::max<std::size_t>(1, values.size() / 12);
  return mean_of(values, values.size() - count, count) - mean_of(values, 0, count);
}

// Standard deviation about the straight line from the beginning to the end.
double spread_of(const std::vector<double>& values) {
  const double change = change_of(values);
  std::vector<double> level;
  for (std::size_t i = 0; i < values.size(); ++i) {
    level.push_back(values[i] -
                    change * static_cast<double>(i) / static_cast<double>(values.size() - 1));
  }
  const double mean = mean_of(level, 0, level.size());
  double sum = 0;
  for (const double value : level) sum += (value - mean) * (value - mean);
  return std::sqrt(sum / static_cast<double>(level.size()));
}

std::vector<double> medians_of_three(const std::vector<double>& values) {
  std::vector<double> result = values;
  for (std::size_t i = 1; i + 1 < values.size(); ++i) {
    const double a = values[i - 1], b = values[i], c = values[i + 1];
    result[i] = std::max(std::min(a, b), std::min(std::max(a, b), c));
  }
  return result;
}

/// A body's brightness on a grid over its box, less its mean and by its spread.
std::vector<double> face_of(const ClipPixels& clip, int frame, const BodyMask& mask) {
  constexpr int kCells = 5;
  std::vector<double> face;
  for (int row = 0; row < kCells; ++row) {
    for (int column = 0; column < kCells; ++column) {
      const int top = row * mask.height / kCells, left = column * mask.width / kCells;
      const int bottom = std::max(top + 1, (row + 1) * mask.height / kCells);
      const int right = std::max(left + 1, (column + 1) * mask.width / kCells);
      double sum = 0;
      for (int y = top; y < bottom; ++y) {
        for (int x = left; x < right; ++x) {
          if (!mask.at(y, x)) continue;
          const auto pixel = static_cast<std::size_t>(mask.top + y) * clip.width + mask.left + x;
          for (int channel = 0; channel < 3; ++channel) sum += clip.plane(frame, channel)[pixel];
        }
      }
      face.push_back(sum / ((bottom - top) * (right - left)));
    }
  }
  const double mean = mean_of(face, 0, face.size());
  for (double& value : face) value = mean > 0 ? value / mean : 0;
  return face;
}

struct FaceAt {
  double seconds;
  double log_aspect;
  std::vector<double> face;
};

// The mean change of the face and of the box's proportions over a third of a second.
double turning_of(const std::vector<FaceAt>& faces) {
  constexpr double kApart = 0.3;
  std::vector<double> changes;
  for (std::size_t i = 0, j = 0; i < faces.size(); ++i) {
    while (j < faces.size() && faces[j].seconds < faces[i].seconds + kApart) ++j;
    if (j == faces.size() || faces[j].seconds > faces[i].seconds + 2 * kApart) continue;
    double sum = std::abs(faces[i].log_aspect - faces[j].log_aspect);
    for (std::size_t cell = 0; cell < faces[i].face.size(); ++cell) {
      sum += std::abs(faces[i].face[cell] - faces[j].face[cell]) /
             static_cast<double>(faces[i].face.size());
    }
    changes.push_back(sum);
  }
  if (changes.empty()) return 0;
  std::nth_element(changes.begin(),
                   changes.begin() + static_cast<std::ptrdiff_t>(changes.size() / 2),
                   changes.end());
  return changes[changes.size() / 2];
}

}  // namespace

BodyTrack track_body(const ClipPixels& clip, const CameraPath& camera,
                     const std::vector<FrameMasks>& frames, BodyColor color) {
  const auto paint = static_cast<std::size_t>(color);
  std::size_t num_free = 0;
  for (const FrameMasks& masks : frames) {
    if (masks[paint] && masks[paint]->is_free) ++num_free;
  }
  // A body that is hidden in part has neither its size nor its centre.
  const bool only_free = 2 * num_free >= frames.size();
  BodyTrack track;
  std::vector<FaceAt> faces;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const auto& mask = frames[i][paint];
    if (!mask || (only_free && !mask->is_free)) continue;
    const int frame = static_cast<int>(i);
    const CameraPose& pose = camera.poses[i];
    const Sight sight =
        sight_of(clip, pose, mask->left + mask->width / 2.0, mask->top + mask->height / 2.0);
    track.seconds.push_back(clip.seconds(frame));
    track.x.push_back(sight.x);
    track.y.push_back(sight.y);
    track.log_size.push_back(std::log(mask->height / (pose.focal * clip.unit())));
    if (num_free >= kFewestFaces && !mask->is_free) continue;
    faces.push_back({clip.seconds(frame), std::log(static_cast<double>(mask->width) / mask->height),
                     face_of(clip, frame, *mask)});
  }
  track.x = medians_of_three(track.x);
  track.y = medians_of_three(track.y);
  track.log_size = medians_of_three(track.log_size);
  track.turning = turning_of(faces);
  return track;
}

MotionMarks recognise_motion(const BodyTrack& track) {
  // Half of the least that the world's bodies do, as tangents, logarithms and changes of a face.
  constexpr double kAcross = 0.095, kNearer = 0.23, kUpAndDown = 0.014, kAround = 0.023,
                   kTurning = 0.26;
  MotionMarks result;
  if (track.x.size() < 3) return result;
  const auto mark = [&result](Motion motion) -> double& {
    return result.marks[static_cast<std::size_t>(motion)];
  };
  const double across = change_of(track.x) / kAcross, nearer = change_of(track.log_size) / kNearer;
  mark(Motion::kLeft) = std::max(0.0, -across);
  mark(Motion::kRight) = std::max(0.0, across);
  mark(Motion::kToward) = std::max(0.0, nearer);
  mark(Motion::kAway) = std::max(0.0, -nearer);
  mark(Motion::kBounce) = spread_of(track.y) / kUpAndDown;
  mark(Motion::kCircle) = spread_of(track.x) / kAround;
  mark(Motion::kSpin) = track.turning / kTurning;

  // What moves also turns its face, and what comes nearer also moves down: the stronger sign first.
  const auto is_seen = [&mark](Motion motion) { return mark(motion) >= 1; };
  const bool goes_around = is_seen(Motion::kCircle) && mark(Motion::kCircle) > std::abs(across) &&
                           std::abs(nearer) < 1.5;
  if (goes_around) {
    result.motion = spread_of(track.y) > spread_of(track.x) ? Motion::kBounce : Motion::kCircle;
  } else if (is_seen(Motion::kBounce) && std::abs(nearer) < 1) {
    result.motion = Motion::kBounce;
  } else if (std::abs(nearer) >= 1 && std::abs(nearer) >= std::abs(across)) {
    result.motion = nearer > 0 ? Motion::kToward : Motion::kAway;
  } else if (std::abs(across) >= 1) {
    result.motion = across > 0 ? Motion::kRight : Motion::kLeft;
  } else if (is_seen(Motion::kSpin)) {
    result.motion = Motion::kSpin;
  }
  double most = 0;
  for (const double value : result.marks) most = std::max(most, value);
  mark(Motion::kStill) = std::max(0.0, 1 - most);
  return result;
}

}  // namespace radial::video
