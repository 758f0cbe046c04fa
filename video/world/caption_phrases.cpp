#include "video/world/caption_phrases.h"

#include <algorithm>
#include <array>

#include "video/world/scene.h"

namespace radial::video {
namespace {

struct Verb {
  std::string_view finite, participle;
};

// Every verb with every ending.
template <typename Value>
struct VerbRow {
  Value value;
  std::vector<Verb> verbs;
  std::vector<std::string_view> endings;
};

template <typename Value>
struct NounRow {
  Value value;
  std::string_view lead;
  std::vector<std::string_view> texts;
};

std::string joined(std::string_view before, std::string_view middle, std::string_view after) {
  std::string text;
  for (const std::string_view part : {before, middle, after}) {
    if (!text.empty() && !part.empty()) text += ' ';
    text += part;
  }
  return text;
}

template <typename Value>
void add(std::vector<Phrase>& phrases, Topic topic, const std::vector<NounRow<Value>>& rows) {
  for (const auto& row : rows) {
    for (const std::string_view text : row.texts) {
      phrases.push_back(
          {topic, static_cast<int>(row.value), Form::kPlain, row.lead, std::string(text)});
    }
  }
}

template <typename Value>
void add(std::vector<Phrase>& phrases, Topic topic, std::string_view lead, std::string_view subject,
         const std::vector<VerbRow<Value>>& rows) {
  for (const auto& row : rows) {
    const int value = static_cast<int>(row.value);
    for (const Verb& verb : row.verbs) {
      for (const std::string_view ending : row.endings) {
        phrases.push_back(
            {topic, value, Form::kFinite, lead, joined(subject, verb.finite, ending)});
        phrases.push_back(
            {topic, value, Form::kParticiple, lead, joined(subject, verb.participle, ending)});
        if (subject.empty()) continue;
        phrases.push_back({topic, value, Form::kFinite, lead,
                           joined(joined(subject, "is", ""), verb.participle, ending)});
      }
    }
  }
}

void add_bodies(std::vector<Phrase>& phrases) {
  add<BodyShape>(phrases, Topic::kShape,
                 {{BodyShape::kBall, "", {"ball", "sphere", "orb"}},
                  {BodyShape::kCube, "", {"cube", "box", "block"}},
                  {BodyShape::kCone, "", {"cone", "pointed cone"}},
                  {BodyShape::kCylinder, "", {"cylinder", "drum", "tin can"}},
                  {BodyShape::kRing, "", {"ring", "hoop", "torus"}}});
  add<BodyColor>(phrases, Topic::kColor,
                 {{BodyColor::kRed, "", {"red", "crimson", "scarlet"}},
                  {BodyColor::kOrange, "", {"orange", "tangerine"}},
                  {BodyColor::kYellow, "", {"yellow", "lemon yellow", "golden"}},
                  {BodyColor::kGreen, "", {"green", "emerald"}},
                  {BodyColor::kCyan, "", {"cyan", "turquoise", "aqua"}},
                  {BodyColor::kBlue, "", {"blue", "deep blue", "cobalt"}},
                  {BodyColor::kPurple, "", {"purple", "violet"}},
                  {BodyColor::kPink, "", {"pink", "rose", "hot pink"}}});
}

void add_motions(std::vector<Phrase>& phrases) {
  const std::vector<Verb> go{{"moves", "moving"},
                             {"slides", "sliding"},
                             {"glides", "gliding"},
                             {"travels", "traveling"},
                             {"drifts", "drifting"}};
  add<Motion>(
      phrases, Topic::kMotion, "", "",
      {{Motion::kStill,
        {{"stands", "standing"}, {"stays", "staying"}, {"rests", "resting"}},
        {"still", "in place", "where it is"}},
       {Motion::kStill, {{"does not move", "not moving"}, {"is motionless", "motionless"}}, {""}},
       {Motion::kLeft, go, {"to the left", "left", "leftward", "from right to left"}},
       {Motion::kRight, go, {"to the right", "right", "rightward", "from left to right"}},
       {Motion::kToward, {{"comes", "coming"}}, {"closer", "nearer", "toward us"}},
       {Motion::kToward, go, {"toward the camera", "toward the viewer", "closer"}},
       {Motion::kToward, {{"approaches", "approaching"}}, {"", "the camera", "the viewer"}},
       {Motion::kAway, go, {"away", "away from the camera", "into the distance"}},
       {Motion::kAway, {{"recedes", "receding"}}, {"", "into the distance"}},
       {Motion::kBounce,
        {{"bounces", "bouncing"}, {"hops", "hopping"}, {"jumps", "jumping"}},
        {"up and down", "", "on the spot", "again and again"}},
       {Motion::kCircle, go, {"in a circle", "in circles", "round and round"}},
       {Motion::kCircle, {{"circles", "circling"}}, {"around", "round and round"}},
       {Motion::kSpin,
        {{"spins", "spinning"}, {"rotates", "rotating"}, {"turns", "turning"}},
        {"around itself", "on the spot", "about its axis", "in place"}},
       {Motion::kSpin, {{"spins", "spinning"}, {"rotates", "rotating"}}, {""}}});
}

void add_camera(std::vector<Phrase>& phrases) {
  const std::vector<Verb> pan{{"pans", "panning"}, {"turns", "turning"}, {"swings", "swinging"}};
  const std::vector<std::string_view> slowly{"", "slowly", "smoothly"};
  add<CameraMove>(
      phrases, Topic::kCamera, "the", "camera",
      {{CameraMove::kStatic, {{"stands", "standing"}, {"stays", "staying"}}, {"still", "fixed"}},
       {CameraMove::kStatic, {{"does not move", "not moving"}}, {""}},
       {CameraMove::kPanLeft, pan, {"left", "to the left", "slowly to the left"}},
       {CameraMove::kPanRight, pan, {"right", "to the right", "slowly to the right"}},
       {CameraMove::kZoomIn, {{"zooms in", "zooming in"}, {"closes in", "closing in"}}, slowly},
       {CameraMove::kZoomOut, {{"zooms out", "zooming out"}}, slowly}});
  add<CameraMove>(
      phrases, Topic::kCamera, "the", "view",
      {{CameraMove::kZoomIn, {{"zooms in", "zooming in"}, {"narrows", "narrowing"}}, slowly},
       {CameraMove::kZoomOut, {{"zooms out", "zooming out"}, {"widens", "widening"}}, slowly}});
  add<CameraMove>(
      phrases, Topic::kCamera,
      {{CameraMove::kStatic, "a", {"static shot", "fixed shot", "locked shot"}},
       {CameraMove::kPanLeft, "a", {"pan to the left", "slow pan to the left", "pan left"}},
       {CameraMove::kPanRight, "a", {"pan to the right", "slow pan to the right", "pan right"}},
       {CameraMove::kZoomIn, "a", {"zoom in", "slow zoom in", "smooth zoom in"}},
       {CameraMove::kZoomOut, "a", {"zoom out", "slow zoom out", "smooth zoom out"}}});
}

void add_surroundings(std::vector<Phrase>& phrases) {
  add<Ground>(phrases, Topic::kGround,
              {{Ground::kChecks, "on a", {"checkered floor", "chessboard floor"}},
               {Ground::kChecks, "on", {"checkered tiles"}},
               {Ground::kSand, "on", {"sand", "sandy ground"}},
               {Ground::kSand, "on a", {"sandy beach"}},
               {Ground::kGrass, "on", {"grass"}},
               {Ground::kGrass, "on a", {"lawn", "meadow"}},
               {Ground::kWood, "on a", {"wooden floor", "parquet floor"}},
               {Ground::kWood, "on", {"wooden boards"}},
               {Ground::kStone, "on a", {"stone floor"}},
               {Ground::kStone, "on", {"stone slabs", "paving stones"}}});
  add<Sky>(phrases, Topic::kSky,
           {{Sky::kDay, "by", {"day", "daylight"}},
            {Sky::kDay, "on a", {"clear day", "bright day"}},
            {Sky::kDusk, "at", {"dusk", "sunset", "nightfall"}},
            {Sky::kDusk, "in the", {"evening"}},
            {Sky::kNight, "at", {"night"}},
            {Sky::kNight, "under the", {"stars", "night sky"}}});
}

std::vector<Phrase> all_phrases() {
  std::vector<Phrase> phrases;
  add_bodies(phrases);
  add_motions(phrases);
  add_camera(phrases);
  add_surroundings(phrases);
  add<int>(phrases, Topic::kNumber, {{2, "", {"two"}}, {3, "", {"three"}}});
  return phrases;
}

}  // namespace

const std::vector<Phrase>& caption_phrases() {
  static const std::vector<Phrase> phrases = all_phrases();
  return phrases;
}

bool is_filler(std::string_view word) {
  constexpr std::array<std::string_view, 50> kWords{
      "a",     "an",     "the",   "of",     "on",      "in",     "at",      "by",     "under",
      "and",   "while",  "as",    "with",   "that",    "which",  "is",      "are",    "there",
      "it",    "we",     "see",   "seen",   "here",    "then",   "also",    "video",  "clip",
      "scene", "film",   "shows", "set",    "during",  "toy",    "toys",    "object", "objects",
      "body",  "bodies", "shiny", "glossy", "plastic", "smooth", "colored", "one",    "single",
      "this",  "takes",  "place", "all",    "color"};
  return std::find(kWords.begin(), kWords.end(), word) != kWords.end();
}

}  // namespace radial::video
