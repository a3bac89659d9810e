// Whether a text may be given to toml++: a library that is handed what a stranger wrote. Version 3.3 recurses with the parts of a key and
// with nested values as deep as the text says, and relies on some characters without having looked (a debug build of it ends at `[!a]`).
//
// Checked is the grammar of TOML 1.0; that a key stands twice, toml++ says itself. No setting is a date or a time: those are errors.
//
// errors: "my.toml:3:5: expected …, got …", by line and character. Besides TOML's own: more than 256 KiB; a number of more than 64
//         characters; a value more than 16 levels deep, where each part of its table's name and of its key, each list and each { } is one.
#pragma once

#include <string>
#include <string_view>

namespace mr {

void check_toml(std::string_view text, const std::string& file);

}  // namespace mr
