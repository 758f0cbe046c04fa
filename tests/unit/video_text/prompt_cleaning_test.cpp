#include "video/text/prompt_cleaning.h"

#include <gtest/gtest.h>

#include <ctime>
#include <string>

#include "video/checkpoint/json_text.h"
#include "video/text/html_entities.h"
#include "video/text/utf8.h"

namespace radial::video {
namespace {

// What diffusers with ftfy makes of each prompt: tests/parity/generate/cleaned_prompts.py.
TEST(PromptCleaning, DoesWhatDiffusersDoes) {
  const std::string path = RADIAL_PARITY_DATA "/cleaned_prompts.json";
  const nlohmann::json pairs = parse_json_object(read_text_file(path), path).at("pairs");
  ASSERT_GT(pairs.size(), 10u);
  for (const nlohmann::json& pair : pairs) {
    EXPECT_EQ(clean_prompt(pair.at(0).get<std::string>()), pair.at(1).get<std::string>())
        << "prompt " << pair.at(0);
  }
}

TEST(PromptCleaning, CleaningTwiceChangesNothingMore) {
  for (const char* prompt : {"a  &amp; “b”", "&amp;amp;lt;", "x\r\n y", "＜ｂ＞ &gt;"}) {
    const std::string once = clean_prompt(prompt);
    EXPECT_EQ(clean_prompt(once), once);
  }
}

TEST(PromptCleaning, BytesThatAreNoUtf8AreReplaced) {
  EXPECT_EQ(clean_prompt("a\xff"
                         "b"),
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(clean_prompt("\xE4\xB8"), "\xEF\xBF\xBD\xEF\xBF\xBD");
}

// `before`, then an "&" with the rest of a reference, many times over.
std::string chain(std::string before, const std::string& reference, std::size_t times) {
  before += '&';
  for (std::size_t i = 0; i < times; ++i) before += reference;
  return before;
}

TEST(PromptCleaning, ReferencesToReferencesAreResolvedToTheEnd) {
  for (const std::size_t depth : {1, 2, 3, 50}) {
    SCOPED_TRACE(depth);
    EXPECT_EQ(clean_prompt(chain("", "amp;", depth)), "&");
    EXPECT_EQ(clean_prompt(chain("", "amp;", depth) + "eacute;"), "\xC3\xA9");
    EXPECT_EQ(clean_prompt(chain("a ", "amp;#38;AMP;", depth) + "lt;b"), "a <b");
  }
  // A "<" that comes out of a reference does not show the text to be HTML; one that was there does.
  EXPECT_EQ(clean_prompt(chain("&lt; ", "amp;", 9)), "< &");
  EXPECT_EQ(clean_prompt(chain(chain("", "amp;", 3) + "lt; ", "amp;", 9)), "< &");
  EXPECT_EQ(clean_prompt(chain("< ", "amp;", 4)), "< &amp;amp;");
}

TEST(PromptCleaning, LongChainsOfReferencesTakeNoLongerThanTheirLengthAsks) {
  // Processor time, as other work may run beside.
  std::string different;
  for (std::size_t depth = 0; depth < 220; ++depth)
    different = chain(different, "amp;", depth) + " ";
  for (const std::string& prompt :
       {chain("", "amp;", 25000), chain("", "#38;#x26;AMP;", 8000), different}) {
    const std::clock_t begin = std::clock();
    EXPECT_LE(clean_prompt(prompt).size(), 440u);
    EXPECT_LT(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC, 3);
  }
}

TEST(Utf8, EveryCodePointSurvivesARoundTrip) {
  std::u32string text;
  for (char32_t code = 1; code <= 0x10FFFF; code += code < 0x3000 ? 1 : 97) {
    if (code < 0xD800 || code > 0xDFFF) text += code;
  }
  EXPECT_EQ(decode_utf8(encode_utf8(text)), text);
}

TEST(Utf8, OverlongFormsAndSurrogatesAreNotCharacters) {
  for (const char* bytes : {"\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80"}) {
    for (const char32_t code : decode_utf8(bytes)) EXPECT_EQ(code, U'\uFFFD');
  }
}

TEST(HtmlEntities, TheLongestKnownNameWins) {
  EXPECT_EQ(unescape_html(U"&notin; &notit; &not; &amp"), U"\u2209 \u00ACit; \u00AC &");
  EXPECT_EQ(unescape_html(U"&#65;&#x41&#99999999999;&;&#x;"), U"AA\uFFFD&;&#x;");
  EXPECT_EQ(unescape_clear_html(U"&amp &amp; &copyx;"), U"&amp & &copyx;");
}

}  // namespace
}  // namespace radial::video
