// Finding the pictures that annotations name, on a machine other than the one where they were named.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace mr::convert {

// A picture by its name: .jpg, .png, .tif, … in either case.
bool is_picture(std::string_view path);

// Regular files, also of the folders in it where `deep`; in the order of their bytes. Hidden ones (".NAME") are passed over. Links are
// followed; those that lead nowhere, in a circle, or to a folder that was read already are passed over and named in the notes.
// Errors: a folder that cannot be read.
std::vector<std::string> files_in(const std::string& folder, bool deep, std::vector<std::string>& notes);

// The files named, and those of the folders among `in` that end in `extension` (".json"), in either case.
// Errors: a path that is not there; a folder without such a file.
std::vector<std::string> files_of(const std::vector<std::string>& in, std::string_view extension, std::vector<std::string>& notes);

// The annotation files of a kind: those named, and in folders those that are recognised as of that kind (data/convert/recognise.h). Others
// are passed over, and named in the notes. Errors: as files_of; a file that cannot be read, or is not JSON (XML) to its end: it may be
// a damaged one of those that are wanted; a file named that is of another kind, with what reads it; none left.
std::vector<std::string> annotation_files(const std::vector<std::string>& in, std::string_view extension, const std::string& kind,
                                          std::vector<std::string>& notes);

class Pictures {
 public:
  // `folder`: where pictures are looked for before anywhere else; empty: nowhere.
  explicit Pictures(std::string folder);

  // The picture that the annotation file `source` calls `name`: a path with / or \, absolute or relative, perhaps of another machine.
  // Tried are `folder`, the annotation's own folder, and in that images/ and ../images/: each with the whole name, then with its last
  // part. Empty where there is none.
  std::string find(const std::string& source, const std::string& name) const;

  // The same for a name without its extension: the first picture "<name>.<extension>" in one of the folders, the extension in any case.
  std::string find_stem(const std::string& source, const std::string& stem) const;

 private:
  using Stems = std::multimap<std::string, std::string>;  // stem → a picture's name
  std::vector<std::string> folders(const std::string& source) const;
  const Stems& stems(const std::string& folder) const;  // listed once
  std::string folder_;
  mutable std::map<std::string, Stems> stems_;
};

}  // namespace mr::convert
