#include "video/world/caption.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "video/world/caption_phrases.h"
#include "video/world/counter_random.h"

namespace radial::video {
namespace {

enum class Style {
  kFinite,       // "a red ball moves left"
  kProgressive,  // "a red ball is moving left"
  kInverted,     // "moving left is a red ball"
  kParticiple,   // "a red ball moving left", after "there is" and the like
  kRelative      // "a red ball that moves left", likewise
};
constexpr std::uint64_t kNumStyles = 5;

std::string_view article_of(std::string_view word) {
  return std::string_view("aeio").find(word.front()) == std::string_view::npos ? "a " : "an ";
}

/// Words of one caption: all decisions are drawn from `random`, or the first of each in plain form.
class Writer {
 public:
  Writer(const Scene& scene, std::uint64_t variant)
      : scene_(scene), is_plain_(variant == 0), random_(scene.look, variant) {}

  std::string write() {
    const auto style = static_cast<Style>(draw(kNumStyles));
    std::string text = bodies(style);
    const std::string place = surroundings();
    std::vector<std::string> after;
    if (!place.empty()) add_surroundings(place, text, after);
    const bool mentions_camera = scene_.camera != CameraMove::kStatic || (!is_plain_ && chance(2));
    std::vector<std::string> sentences;
    if (mentions_camera) add_camera(text, sentences, after);
    sentences.push_back(std::move(text));
    sentences.insert(sentences.end(), after.begin(), after.end());
    return typed(sentences);
  }

 private:
  // In [0, count).
  std::uint64_t draw(std::uint64_t count) { return is_plain_ ? 0 : random_.below(count); }
  // One time in `count`; never in the plain form.
  bool chance(std::uint64_t count) { return !is_plain_ && random_.below(count) == 0; }

  std::string_view one_of(std::initializer_list<std::string_view> texts) {
    return *(texts.begin() + static_cast<std::ptrdiff_t>(draw(texts.size())));
  }

  template <typename Value>
  const Phrase& phrase(Topic topic, Value value, Form form) {
    std::vector<const Phrase*> fitting;
    for (const Phrase& each : caption_phrases()) {
      const bool fits = each.topic == topic && each.value == static_cast<int>(value);
      if (fits && each.form == form) fitting.push_back(&each);
    }
    return *fitting[draw(fitting.size())];
  }

  template <typename Value>
  std::string led(Topic topic, Value value, Form form) {
    const Phrase& chosen = phrase(topic, value, form);
    return std::string(chosen.lead) + ' ' + chosen.text;
  }

  std::string name(const Body& body) {
    const std::string& color = phrase(Topic::kColor, body.color, Form::kPlain).text;
    const std::string& shape = phrase(Topic::kShape, body.shape, Form::kPlain).text;
    std::string text;
    switch (draw(8)) {
      case 5:
        text = std::string(one_of({"shiny ", "plastic ", "glossy "})) + color + ' ' + shape;
        break;
      case 6:
        text = color + " toy " + shape;
        break;
      case 7:
        text = shape + " that is " + color;
        break;
      default:
        text = color + ' ' + shape;
    }
    return std::string(article_of(text)) + text;
  }

  std::string clause(const Body& body, Style style) {
    const bool is_finite = style == Style::kFinite || style == Style::kRelative;
    const std::string& motion =
        phrase(Topic::kMotion, body.motion, is_finite ? Form::kFinite : Form::kParticiple).text;
    switch (style) {
      case Style::kFinite:
      case Style::kParticiple:
        return name(body) + ' ' + motion;
      case Style::kProgressive:
        return name(body) + " is " + motion;
      case Style::kInverted:
        return motion + " is " + name(body);
      case Style::kRelative:
        break;
    }
    return name(body) + std::string(one_of({" that ", " which "})) + motion;
  }

  std::string number() {
    const Phrase& words = phrase(Topic::kNumber, scene_.bodies.size(), Form::kPlain);
    return words.text + std::string(one_of({" objects: ", " toys: ", " bodies: "}));
  }

  std::string introduction(Style style) {
    std::string text;
    if (style == Style::kParticiple || style == Style::kRelative) {
      text = one_of({"there is ", "", "we see ", "here is ", "a video of ", "this clip shows "});
    }
    const bool counts = scene_.bodies.size() > 1 && chance(3);
    if (counts && (text == "there is " || text == "here is ")) text.clear();
    begins_with_title_ = text.find("video") != std::string::npos || counts;
    return counts ? text + number() : text;
  }

  std::string bodies(Style style) {
    std::vector<Body> order = scene_.bodies;
    for (std::size_t i = 0; i < order.size(); ++i) {
      std::swap(order[i], order[i + draw(order.size() - i)]);
    }
    std::string text = introduction(style);
    const bool is_list = style == Style::kParticiple || style == Style::kRelative;
    const std::string_view last =
        is_list ? one_of({" and ", ", and "}) : one_of({" and ", ", and ", " while ", ", while "});
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (i > 0) text += i + 1 == order.size() ? last : ", ";
      text += clause(order[i], style);
    }
    return text;
  }

  // "on a wooden floor at dusk", a part of it, or nothing.
  std::string surroundings() {
    std::string text;
    if (!chance(2)) text = led(Topic::kGround, scene_.ground, Form::kPlain);
    if (chance(2)) return text;
    if (!text.empty()) text += ' ';
    return text + led(Topic::kSky, scene_.sky, Form::kPlain);
  }

  void add_surroundings(const std::string& place, std::string& text,
                        std::vector<std::string>& after) {
    switch (draw(3)) {
      case 1:
        if (begins_with_title_) break;
        text = place + ", " + text;
        return;
      case 2:
        after.push_back(std::string(one_of({"the scene is set ", "all this takes place "})) +
                        place);
        return;
      default:
        break;
    }
    text += ", " + place;
  }

  void add_camera(std::string& text, std::vector<std::string>& before,
                  std::vector<std::string>& after) {
    const std::uint64_t where = draw(begins_with_title_ ? 5 : 7);
    const Form form = where < 2 || where == 5   ? Form::kFinite
                      : where < 3 || where == 6 ? Form::kParticiple
                                                : Form::kPlain;
    const std::string move = led(Topic::kCamera, scene_.camera, form);
    switch (where) {
      case 0:
        after.insert(after.begin() + static_cast<std::ptrdiff_t>(draw(after.size() + 1)), move);
        return;
      case 1:
        text += std::string(one_of({" while ", " as ", ", while ", " and "})) + move;
        return;
      case 2:
        text += ", with " + move;
        return;
      case 3:
        text += ", seen in " + move;
        return;
      case 4:
        before.push_back(move);
        return;
      case 5:
        text = std::string(one_of({"as ", "while "})) + move + ", " + text;
        return;
      default:
        text = "with " + move + ", " + text;
    }
  }

  // As a person types it: with capitals and full stops, or without.
  std::string typed(const std::vector<std::string>& sentences) {
    const bool is_careless = chance(4);
    std::string text;
    for (std::string sentence : sentences) {
      if (!text.empty()) text += is_careless ? ", " : ". ";
      // The phrases are ASCII.
      if (!is_careless) sentence.front() = static_cast<char>(sentence.front() - 'a' + 'A');
      text += sentence;
    }
    return is_careless ? text : text + '.';
  }

  const Scene& scene_;
  bool is_plain_;
  bool begins_with_title_ = false;
  CounterRandom random_;
};

}  // namespace

CaptionFacts facts_of(const Scene& scene) {
  CaptionFacts facts{{}, scene.camera, scene.ground, scene.sky};
  std::transform(scene.bodies.begin(), scene.bodies.end(), std::back_inserter(facts.bodies),
                 [](const Body& body) {
                   return BodyFacts{body.color, body.shape, body.motion};
                 });
  std::sort(facts.bodies.begin(), facts.bodies.end(),
            [](const BodyFacts& a, const BodyFacts& b) { return a.color < b.color; });
  return facts;
}

std::string caption(const Scene& scene, std::uint64_t variant) {
  return Writer(scene, variant).write();
}

}  // namespace radial::video
