#include "video/world/background.h"

#include <ATen/Functions.h>

#include <algorithm>

#include "video/world/counter_random.h"
#include "video/world/palette.h"

namespace radial::video {
namespace {

constexpr std::int64_t kTableSide = 64;
constexpr std::uint64_t kNoiseSeed = 0x6E6F697365;
constexpr std::uint64_t kTextureStream = 2;

at::Tensor mixed(const at::Tensor& low, const at::Tensor& high, const at::Tensor& share) {
  return low + (high - low) * share;
}

at::Tensor smooth(const at::Tensor& share) { return share * share * (3 - share * 2); }

at::Tensor fraction(const at::Tensor& value) { return value - value.floor(); }

// From 0 to 1 and back while the value grows by 1.
at::Tensor triangle(const at::Tensor& value) { return 1 - (fraction(value) * 2 - 1).abs(); }

/// Textures as functions of the place.
class Textures {
 public:
  Textures(const at::Tensor& table, std::uint64_t look) : table_(table) {
    CounterRandom random(look, kTextureStream);
    offset_x_ = random.uniform(0, 16);
    offset_z_ = random.uniform(0, 16);
  }

  // Value noise, one cell a unit: about -0.7 to 0.7.
  at::Tensor noise(const at::Tensor& x, const at::Tensor& z) const {
    const at::Tensor moved_x = x + offset_x_, moved_z = z + offset_z_;
    const at::Tensor cell_x = moved_x.floor(), cell_z = moved_z.floor();
    const at::Tensor share_x = smooth(moved_x - cell_x), share_z = smooth(moved_z - cell_z);
    return mixed(mixed(value(cell_x, cell_z), value(cell_x + 1, cell_z), share_x),
                 mixed(value(cell_x, cell_z + 1), value(cell_x + 1, cell_z + 1), share_x), share_z);
  }

  // A value for each cell of a grid.
  at::Tensor value(const at::Tensor& cell_x, const at::Tensor& cell_z) const {
    const at::Tensor column = cell_x.to(at::kLong).bitwise_and(kTableSide - 1);
    const at::Tensor row = cell_z.to(at::kLong).bitwise_and(kTableSide - 1);
    return table_.take(row * kTableSide + column);
  }

 private:
  at::Tensor table_;
  double offset_x_, offset_z_;
};

/// A place on the ground and how much of it a pixel covers.
struct GroundPlace {
  at::Tensor x, z;
  at::Tensor wide, deep;  ///< metres

  // What is left of a detail of this size.
  at::Tensor kept(double metres_x, double metres_z) const {
    return (1.6 - at::maximum(wide * (1.6 / metres_x), deep * (1.6 / metres_z))).clamp(0, 1);
  }
};

/// What the ground is like: a share between its two colours, and a factor.
struct GroundLook {
  at::Tensor share, shade;
};

// The mean over a pixel of a wave that is 1 in the first half of each period of two metres and -1
// in the second (the primitive is a triangle, so that edges are smooth at any distance).
at::Tensor square_wave(const at::Tensor& place, const at::Tensor& width) {
  const at::Tensor half = width * 0.5;
  return (triangle((place + half) * 0.5) - triangle((place - half) * 0.5)) / width;
}

// 1 in a joint of this width at whole numbers of `period`, by the share of the pixel it fills.
at::Tensor joint(const at::Tensor& place, const at::Tensor& pixel, double period, double width) {
  const at::Tensor cell = fraction(place * (1 / period) + 0.5);
  const at::Tensor distance = (cell - 0.5).abs() * period;
  const at::Tensor inside = ((width * 0.5 - distance) / pixel + 0.5).clamp(0, 1);
  return inside * (width / pixel).clamp_max(1);
}

GroundLook checks(const GroundPlace& at, const Textures& textures) {
  const at::Tensor product = square_wave(at.x, at.wide) * square_wave(at.z, at.deep);
  const at::Tensor stain = textures.noise(at.x * 0.9, at.z * 0.9) * at.kept(1.1, 1.1);
  return {product * 0.5 + 0.5, stain * 0.10 + 1};
}

GroundLook sand(const GroundPlace& at, const Textures& textures) {
  const at::Tensor dune = textures.noise(at.x * 0.5, at.z * 0.5);
  const at::Tensor ripple = smooth(triangle(at.z * 1.7 + at.x * 0.5 + dune * 1.5));
  const at::Tensor grain = textures.noise(at.x * 6, at.z * 6) * at.kept(0.16, 0.16);
  const at::Tensor kept = at.kept(0.6, 0.6);
  return {(dune * 0.6 + 0.45 + (ripple - 0.5) * kept * 0.55).clamp(0, 1), grain * 0.12 + 1};
}

GroundLook grass(const GroundPlace& at, const Textures& textures) {
  const at::Tensor meadow = textures.noise(at.x * 0.6, at.z * 0.6);
  const at::Tensor tufts = textures.noise(at.x * 2.6, at.z * 2.6) * at.kept(0.38, 0.38);
  const at::Tensor blades = textures.noise(at.x * 9, at.z * 5) * at.kept(0.11, 0.2);
  return {(meadow * 0.5 + tufts * 0.5 + 0.5).clamp(0, 1), blades * 0.28 + 1};
}

GroundLook wood(const GroundPlace& at, const Textures& textures) {
  constexpr double kPlank = 0.55, kLength = 3.2;
  const at::Tensor plank = (at.x * (1 / kPlank)).floor();
  const at::Tensor shift = textures.value(plank, plank * 7) * kLength;
  const at::Tensor along = at.z + shift;
  const at::Tensor board = (along * (1 / kLength)).floor();
  const at::Tensor tone = textures.value(plank + 11, board) * at.kept(kPlank, kLength);
  const at::Tensor grain = textures.noise(at.x * 9 + tone * 20, along * 0.7) * at.kept(0.11, 1.4) +
                           textures.noise(at.x * 3, along * 0.4) * at.kept(0.33, 2.5) * 0.7;
  const at::Tensor seam =
      at::maximum(joint(at.x, at.wide, kPlank, 0.035), joint(along, at.deep, kLength, 0.035));
  return {(tone * 0.35 + grain * 0.5 + 0.5).clamp(0, 1), 1 - seam * 0.6};
}

GroundLook stone(const GroundPlace& at, const Textures& textures) {
  constexpr double kWide = 1.3, kDeep = 0.9;
  const at::Tensor row = (at.z * (1 / kDeep)).floor();
  const at::Tensor along = at.x + fraction(row * 0.5) * kWide;
  const at::Tensor slab = (along * (1 / kWide)).floor();
  const at::Tensor tone = textures.value(slab, row) * at.kept(kWide, kDeep);
  const at::Tensor rough = textures.noise(at.x * 4, at.z * 4) * at.kept(0.25, 0.25);
  const at::Tensor seam =
      at::maximum(joint(along, at.wide, kWide, 0.06), joint(at.z, at.deep, kDeep, 0.06));
  return {(tone * 0.45 + 0.55).clamp(0, 1), (rough * 0.2 + 1) * (1 - seam * 0.55)};
}

GroundLook look_of(Ground ground, const GroundPlace& at, const Textures& textures) {
  switch (ground) {
    case Ground::kChecks:
      return checks(at, textures);
    case Ground::kSand:
      return sand(at, textures);
    case Ground::kGrass:
      return grass(at, textures);
    case Ground::kWood:
      return wood(at, textures);
    case Ground::kStone:
      break;
  }
  return stone(at, textures);
}

void draw_sky(const Background& background, const at::Tensor& canvas, const at::Tensor& rows,
              const at::Tensor& columns) {
  const Scene& scene = background.scene;
  const Textures textures(background.noise, scene.look);
  const SkyColors colors = colors_of(scene.sky);
  const Vectors ray = rays(background.cameras, rows, columns);
  const at::Tensor steep = ray.y / ray.z, turn = ray.x / ray.z;
  const at::Tensor above = steep.clamp_min(0);
  const at::Tensor blue = above / (above + 0.25) * 1.5;

  const at::Tensor span = 1 / (above + 0.10);
  const at::Tensor far = textures.noise(turn * span * 0.7, span * 1.1);
  const at::Tensor near = textures.noise(turn * span * 1.7, span * 2.4 + 9);
  const at::Tensor cloud =
      smooth(((far + near * 0.5) * 1.6).clamp(0, 1)) * (above * 7 - 0.25).clamp(0, 0.85);

  // Hills end where their height is; a pixel is filled by the part below it.
  const at::Tensor pixels = background.cameras.focal * background.cameras.unit;
  const auto hills = [&](double frequency, double base, double height, double place) {
    const at::Tensor across = turn * frequency, level = at::full_like(across, place);
    const at::Tensor crest =
        (textures.noise(across, level) + textures.noise(across * 2.7, level + 20) * 0.3) * height +
        base;
    return ((crest - steep) * pixels + 0.5).clamp(0, 1);
  };
  const at::Tensor far_hills = hills(5, 0.055, 0.045, 31.5),
                   near_hills = hills(8, 0.018, 0.02, 40.5);
  for (std::size_t channel = 0; channel < 3; ++channel) {
    const double low = colors.horizon[channel];
    at::Tensor color = blue * (colors.zenith[channel] - low) + low;
    color = color + (colors.cloud[channel] - color) * cloud;
    color = color + (colors.far_hills[channel] - color) * far_hills;
    color = color + (colors.near_hills[channel] - color) * near_hills;
    canvas.select(0, static_cast<std::int64_t>(channel)).copy_(color.squeeze(1));
  }
}

void draw_ground(const Background& background, const at::Tensor& canvas, const at::Tensor& rows,
                 const at::Tensor& columns) {
  constexpr double kHaze = 1.0 / 22;  // half of what is seen is haze at 22 m
  const Scene& scene = background.scene;
  const Textures textures(background.noise, scene.look);
  const SkyColors sky = colors_of(scene.sky);
  const GroundColors colors = colors_of(scene.ground, scene.look);
  const Vectors ray = rays(background.cameras, rows, columns);
  const at::Tensor down = (-ray.y).clamp_min(2e-3);
  const at::Tensor distance = kCameraHeight / down;  // of rays that reach 1 ahead: in metres
  const double pixel = 1 / background.cameras.unit;
  const GroundPlace place{.x = ray.x * distance,
                          .z = ray.z * distance,
                          .wide = distance * pixel,
                          .deep = distance / down * background.cameras.focal * pixel};
  const GroundLook look = look_of(scene.ground, place, textures);
  const at::Tensor far = distance * background.cameras.focal * kHaze;
  const at::Tensor haze = far * far / (far * far + 1);
  // The row above the horizon belongs to the hills.
  const at::Tensor covered = (rows + 0.5 - background.horizon).clamp(0, 1);
  const double upright = light_direction(scene)[1];
  for (std::size_t channel = 0; channel < 3; ++channel) {
    const double light = sky.ambient_above[channel] + upright * sky.light[channel];
    const double low = colors.second[channel] * light, high = colors.first[channel] * light;
    at::Tensor color = (look.share * (high - low) + low) * look.shade;
    color = color + (sky.horizon[channel] * 0.7 - color) * haze;
    const at::Tensor plane = canvas.select(0, static_cast<std::int64_t>(channel)).unsqueeze(1);
    plane.copy_(plane * (1 - covered) + color * covered);
  }
}

}  // namespace

at::Tensor make_noise_table(at::Device device) {
  at::Tensor table = at::empty({kTableSide * kTableSide}, at::kFloat);
  CounterRandom random(kNoiseSeed, 0);
  float* const values = table.data_ptr<float>();
  for (std::int64_t i = 0; i < table.numel(); ++i) {
    values[i] = static_cast<float>(random.uniform(-1, 1));
  }
  return table.to(device);
}

void Background::draw(const at::Tensor& canvas) const {
  const std::int64_t height = canvas.size(2), width = canvas.size(3);
  const at::TensorOptions options = canvas.options();
  const at::Tensor rows = at::arange(height, options).view({1, 1, height, 1}) + 0.5;
  const at::Tensor columns = at::arange(width, options).view({1, 1, 1, width}) + 0.5;
  const std::int64_t sky_rows = std::min(last_sky + 1, height);
  if (sky_rows > 0)
    draw_sky(*this, canvas.narrow(2, 0, sky_rows), rows.narrow(2, 0, sky_rows), columns);
  const std::int64_t ground_rows = height - std::max<std::int64_t>(first_ground, 0);
  if (ground_rows > 0) {
    draw_ground(*this, canvas.narrow(2, height - ground_rows, ground_rows),
                rows.narrow(2, height - ground_rows, ground_rows), columns);
  }
}

}  // namespace radial::video
