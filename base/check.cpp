#include "base/check.h"

#include <cstdio>

namespace mr {

void append(std::string& out, std::string_view v) { out.append(v); }
void append(std::string& out, const char* v) { out.append(v); }
void append(std::string& out, const std::string& v) { out.append(v); }
void append(std::string& out, char v) { out.push_back(v); }
void append(std::string& out, bool v) { out.append(v ? "true" : "false"); }
void append(std::string& out, double v) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.9g", v);
  out.append(buffer);
}
void append_integer(std::string& out, int64_t v) { out.append(std::to_string(v)); }
void append_unsigned(std::string& out, uint64_t v) { out.append(std::to_string(v)); }

}  // namespace mr
