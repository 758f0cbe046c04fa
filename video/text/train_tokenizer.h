#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace radial::video {

/// Trains a sentencepiece unigram model on `lines` (those over 4,192 bytes are left out) and writes
/// it as a folder that Tokenizer::open and transformers read: spiece.model and
/// tokenizer_config.json.
/// `<pad>` is 0, `</s>` 1, `<unk>` 2; 256 pieces are bytes, so that every text has tokens and none
/// is unknown. Case is kept and characters are not normalised. The same lines give the same bytes:
/// one thread, nothing drawn. transformers 5 does not read the byte pieces: its ids are the same
/// but for
/// `<unk>` where a character is not in `lines`.
///
/// The vocabulary has at most `max_vocabulary` pieces, special ones and bytes included; fewer if
/// the lines have no more parts of words that occur twice. Throws InvalidArgument if
/// `max_vocabulary` is not in 512 to 65536, or if `lines` have no text or too many different
/// characters for it; Error if a file cannot be written.
void train_tokenizer(const std::vector<std::string>& lines, int max_vocabulary,
                     const std::filesystem::path& folder);

}  // namespace radial::video
