#include "video/checkpoint/key_map.h"

#include <algorithm>
#include <cctype>

namespace radial::video {
namespace {

bool is_digit(char character) { return character >= '0' && character <= '9'; }

// What a pattern's wildcards stood for: the numbers, then the rest.
struct Match {
  std::vector<std::string_view> numbers;
  std::string_view rest;
};

std::optional<Match> match(std::string_view pattern, std::string_view name) {
  Match found;
  std::size_t at = 0;
  for (const char expected : pattern) {
    if (expected == '*') {
      found.rest = name.substr(at);
      return found.rest.empty() ? std::nullopt : std::optional(found);
    }
    if (expected == '#') {
      std::size_t end = at;
      while (end < name.size() && is_digit(name[end])) ++end;
      if (end == at) return std::nullopt;
      found.numbers.push_back(name.substr(at, end - at));
      at = end;
    } else if (at < name.size() && name[at] == expected) {
      ++at;
    } else {
      return std::nullopt;
    }
  }
  return at == name.size() ? std::optional(found) : std::nullopt;
}

std::string fill(std::string_view pattern, const Match& found) {
  std::string name;
  std::size_t number = 0;
  for (const char character : pattern) {
    if (character == '#') {
      name += found.numbers[number++];
    } else if (character == '*') {
      name += found.rest;
    } else {
      name += character;
    }
  }
  return name;
}

}  // namespace

std::string_view name_of(Layout layout) {
  return layout == Layout::kOfficial ? "official" : "diffusers";
}

std::optional<std::string> KeyMap::to_diffusers(std::string_view official) const {
  for (const auto& [from, to] : rows_) {
    if (const std::optional<Match> found = match(from, official)) return fill(to, *found);
  }
  return std::nullopt;
}

std::optional<std::string> KeyMap::to_official(std::string_view diffusers) const {
  for (const auto& [to, from] : rows_) {
    if (const std::optional<Match> found = match(from, diffusers)) return fill(to, *found);
  }
  return std::nullopt;
}

}  // namespace radial::video
