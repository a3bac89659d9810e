// What JSON is of, by the members of its outermost objects.
#pragma once

#include <string>

#include "data/convert/recognise.h"

namespace mr {

RecognisedAnnotations recognise_json(const std::string& text);  // which may be cut off, or not JSON to its end

}  // namespace mr
