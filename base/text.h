// Text for people: UTF-8, what a message may show, counts and numbers, and the word that was meant.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mr {

size_t utf8_sequence(std::string_view text);         // bytes of the character that the text begins with; 0: it begins with none
bool is_utf8(std::string_view text);                 // strict: no surrogates, no overlong forms
std::string printable(std::string_view text);        // for a message: no control characters, not too long
std::string printable_whole(std::string_view text);  // the same, however long it is: paths, lines of a file
std::string shell_word(std::string_view text);       // quoted where a shell would read it otherwise, for a command that a message proposes
std::string lower_case(std::string_view text);       // of a … z; other letters stay
void append_utf8(std::string& out, uint32_t code_point);
std::string counted(int64_t n, std::string_view what);  // "1 image", "3 images", "2 classes"
std::string rounded(double v);                          // for a sentence: three digits, and all before the point: 0.871, 7.74, 1311

// For an error: "; the nearest is lr", the candidate with the fewest edits to the word; empty where none is so close that
// the word may be a slip for it.
std::string hint(const std::string& word, const std::vector<std::string>& candidates);

}  // namespace mr
