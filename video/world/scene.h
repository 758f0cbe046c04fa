#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace radial::video {

// The synthetic world: toy bodies on a plane, seen by a camera 1.7 m above it. x points right, y
// up, z away from the camera, which stands at x = z = 0. Lengths in metres, times in seconds.

enum class BodyShape : std::uint8_t { kBall, kCube, kCone, kCylinder, kRing };
enum class BodyColor : std::uint8_t {
  kRed,
  kOrange,
  kYellow,
  kGreen,
  kCyan,
  kBlue,
  kPurple,
  kPink
};
enum class Motion : std::uint8_t {
  kStill,
  kLeft,
  kRight,
  kToward,
  kAway,
  kBounce,
  kCircle,
  kSpin  ///< cubes and rings only: on the others nobody would see it
};
enum class CameraMove : std::uint8_t { kStatic, kPanLeft, kPanRight, kZoomIn, kZoomOut };
enum class Ground : std::uint8_t { kChecks, kSand, kGrass, kWood, kStone };
enum class Sky : std::uint8_t { kDay, kDusk, kNight };

inline constexpr int kNumShapes = 5, kNumColors = 8, kNumMotions = 8, kNumCameraMoves = 5;
inline constexpr int kNumGrounds = 5, kNumSkies = 3;

std::string_view name_of(BodyShape shape);
std::string_view name_of(BodyColor color);
std::string_view name_of(Motion motion);
std::string_view name_of(CameraMove camera);

/// One body and its path.
struct Body {
  BodyShape shape = BodyShape::kBall;
  BodyColor color = BodyColor::kRed;
  Motion motion = Motion::kStill;
  double size = 0.5;          ///< radius of the ball; the others are about as large
  double x = 0, z = 6;        ///< place on the ground at time 0; of kCircle the circle's centre
  double speed = 0;           ///< m/s along x or z, signed; kCircle and kSpin: turns per second
  double reach = 0;           ///< kBounce: height of a jump; kCircle: radius of the path
  double low = 0, high = 0;   ///< where x (kLeft, kRight) or z (kToward, kAway) turns back
  double yaw = 0, phase = 0;  ///< turns about the vertical; where on circle or jump it begins
};

struct Scene {
  std::vector<Body> bodies;  ///< one to three, of different colours
  CameraMove camera = CameraMove::kStatic;
  Ground ground = Ground::kChecks;
  Sky sky = Sky::kDay;
  bool light_from_left = true;
  double light_height = 0.8;  ///< sine of the light's elevation
  std::uint64_t look = 0;     ///< decides hills, textures and the wording of captions
};

/// Where something is at one moment.
struct BodyPose {
  double x, y, z;  ///< of its centre
  double yaw;      ///< turns
};
struct CameraPose {
  double yaw;    ///< turns to the right
  double focal;  ///< distance of the image plane in halves of the picture's shorter side
};

inline constexpr double kCameraHeight = 1.7;
inline constexpr double kCameraPitchSine = 0.17364817766693;  ///< of the 10 degrees it looks down
inline constexpr double kNativeSeconds =
    3;  ///< the time in which a motion does what it is named for

/// Scene number `index` of the world `seed`: the same on every machine. Bodies stay in view during
/// the native time and beyond, never touch, and do not hide each other at its begin and end.
Scene sample_scene(std::uint64_t seed, std::uint64_t index);
/// Likewise, but never one that is held out.
Scene sample_training_scene(std::uint64_t seed, std::uint64_t index);

/// Paths go on for ever: bodies and camera turn back at their bounds.
BodyPose pose_at(const Body& body, double seconds);
CameraPose camera_at(const Scene& scene, double seconds);
/// Radius of the sphere about the centre that holds the body.
double bounding_radius(const Body& body);

/// Whether a body of this kind under this camera is kept for evaluation: one combination in 23,
/// spread evenly over shapes, colours, motions and camera moves and over pairs of them.
bool is_held_out(BodyShape shape, BodyColor color, Motion motion, CameraMove camera);
/// Whether any of its bodies is.
bool is_held_out(const Scene& scene);

}  // namespace radial::video
