#include "train_base/curves.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "options/option_values.h"
#include "output/bitmap_font.h"
#include "output/image.h"
#include "output/output_file.h"
#include "output/png_file.h"
#include "radial/base/error.h"

namespace radial::tools {
namespace {

namespace fs = std::filesystem;

constexpr int kPanelWidth = 480, kPanelHeight = 270, kColumns = 2;
constexpr int kTextScale = 2, kTextHeight = kTextScale * kGlyphHeight;
constexpr Color kPaper{255, 255, 255}, kInk{40, 40, 40}, kGrid{225, 225, 225}, kLine{30, 90, 170};

struct Point {
  double x, y;
};
struct Curve {
  std::string name;
  std::vector<Point> points;
};

// Curves in the order their names appear first.
std::vector<Curve> read_log(const fs::path& path) {
  std::ifstream file(path);
  std::vector<Curve> curves;
  for (std::string line; std::getline(file, line);) {
    const auto values = nlohmann::ordered_json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!values.is_object() || !values.contains("step") || !values.at("step").is_number()) {
      throw FormatError(path.string() + ": expected a JSON object with step in each line");
    }
    for (const auto& [name, value] : values.items()) {
      if (name == "step" || name == "seconds" || !value.is_number()) continue;
      auto found = std::find_if(curves.begin(), curves.end(),
                                [&](const Curve& curve) { return curve.name == name; });
      if (found == curves.end()) found = curves.insert(curves.end(), {name, {}});
      found->points.push_back({values.at("step").get<double>(), value.get<double>()});
    }
  }
  std::erase_if(curves, [](const Curve& curve) { return curve.points.size() < 2; });
  return curves;
}

// What an axis shows: a range and the distance of its ticks, 1, 2 or 5 times a power of ten.
struct Axis {
  double low, high, tick;

  Axis(double least, double most, int ticks) : low(least), high(most) {
    if (!(high > low)) {
      const double margin = std::max(std::abs(low) * 0.1, 1e-9);
      low -= margin;
      high += margin;
    }
    const double rough = (high - low) / ticks;
    const double power = std::pow(10.0, std::floor(std::log10(rough)));
    tick = 10 * power;
    for (const double factor : {5.0, 2.0, 1.0}) {
      if (factor * power >= rough) tick = factor * power;
    }
  }

  double share(double value) const { return (value - low) / (high - low); }
};

// Of the values after the first of a long run, which stand far above all that follow.
Axis value_axis(const std::vector<Point>& points) {
  const std::size_t skipped = points.size() > 20 ? points.size() / 20 : 0;
  double least = points.back().y, most = least;
  for (std::size_t i = skipped; i < points.size(); ++i) {
    least = std::min(least, points[i].y);
    most = std::max(most, points[i].y);
  }
  const double margin = 0.05 * (most - least);
  return {least - margin, most + margin, 6};
}

class Panel {
 public:
  Panel(Image& image, int left, int top, const Curve& curve)
      : image_(image),
        area_{left + 100, top + 40, kPanelWidth - 125, kPanelHeight - 80},
        curve_(curve),
        x_(0, curve.points.back().x, 4),
        y_(value_axis(curve.points)) {}

  void draw() {
    std::string title = curve_.name;
    std::replace(title.begin(), title.end(), '_', ' ');
    image_.text(area_.x, area_.y - kTextHeight - 8, title, kInk, kTextScale);
    draw_ticks();
    image_.outline(area_, kInk);
    for (std::size_t i = 1; i < curve_.points.size(); ++i) {
      draw_line(curve_.points[i - 1], curve_.points[i]);
    }
  }

 private:
  static std::string number(double value, double tick) {
    char text[32];
    std::snprintf(text, sizeof text, "%.4g", std::abs(value) < tick * 1e-6 ? 0.0 : value);
    return text;
  }
  static int width_of(const std::string& text) {
    return static_cast<int>(text.size()) * kGlyphAdvance * kTextScale;
  }
  int column(double x) const { return area_.x + int(std::lround(x_.share(x) * (area_.width - 1))); }
  int row(double y) const {
    return area_.y + int(std::lround((1 - y_.share(y)) * (area_.height - 1)));
  }

  void draw_ticks() {
    for (double y = std::ceil(y_.low / y_.tick) * y_.tick; y <= y_.high; y += y_.tick) {
      image_.fill({area_.x, row(y), area_.width, 1}, kGrid);
      const std::string text = number(y, y_.tick);
      image_.text(area_.x - 8 - width_of(text), row(y) - kTextHeight / 2 + 2, text, kInk,
                  kTextScale);
    }
    for (double x = 0; x <= x_.high; x += x_.tick) {
      image_.fill({column(x), area_.y, 1, area_.height}, kGrid);
      const std::string text = number(x, x_.tick);
      image_.text(
          std::min(column(x) - width_of(text) / 2, area_.x + area_.width + 20 - width_of(text)),
          area_.y + area_.height + 8, text, kInk, kTextScale);
    }
  }

  // Two pixels wide; what is outside the panel is left out.
  void draw_line(const Point& from, const Point& to) {
    const double dx = column(to.x) - column(from.x), dy = row(to.y) - row(from.y);
    const int steps = std::max(1, static_cast<int>(std::max(std::abs(dx), std::abs(dy))));
    for (int i = 0; i <= steps; ++i) {
      const int x = column(from.x) + int(std::lround(dx * i / steps));
      const int y = row(from.y) + int(std::lround(dy * i / steps));
      if (y < area_.y || y + 1 >= area_.y + area_.height) continue;
      image_.fill({x, y, 2, 2}, kLine);
    }
  }

  Image& image_;
  Rectangle area_;
  const Curve& curve_;
  Axis x_, y_;
};

}  // namespace

void draw_curves(const fs::path& run) {
  const fs::path log = run / "log.jsonl";
  if (!fs::is_regular_file(log)) refuse("RUN", "the folder of a run, with log.jsonl", run.string());
  const std::vector<Curve> curves = read_log(log);
  if (curves.empty()) return;
  const int count = static_cast<int>(curves.size()), rows = (count + kColumns - 1) / kColumns;
  Image image(kColumns * kPanelWidth, rows * kPanelHeight, kPaper);
  for (int i = 0; i < count; ++i) {
    Panel(image, i % kColumns * kPanelWidth, i / kColumns * kPanelHeight,
          curves[static_cast<std::size_t>(i)])
        .draw();
  }
  OutputFile file("RUN", (run / "curves.png").string());
  write_png(file, image, "measurements of a training over its steps");
  file.commit();
}

namespace {

std::function<int()> add_curves_options(CLI::App& app) {
  auto run = std::make_shared<std::string>();
  app.add_option("RUN", *run, "The run's folder")->required();
  return [run] {
    draw_curves(*run);
    std::printf("wrote      %s\n", (fs::path(*run) / "curves.png").c_str());
    return kSuccess;
  };
}

}  // namespace

Command curves_part() {
  return {.name = "curves",
          .summary = "The curves of a run's log, which are drawn at its end as well",
          .add_options = add_curves_options};
}

}  // namespace radial::tools
