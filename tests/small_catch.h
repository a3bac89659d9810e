// The part of Catch2's interface that our tests use, for machines where nothing can be installed.
// TEST_CASE, SECTION (each leaf section runs the case anew), CHECK, REQUIRE, …_THROWS_WITH, INFO, Approx.
#pragma once

#include <cmath>
#include <cstdio>
#include <cstring>
#include <exception>
#include <functional>
#include <string>
#include <vector>

namespace small_catch {

struct Case {
  const char* name;
  void (*run)();
};
inline std::vector<Case>& cases() {
  static std::vector<Case> all;
  return all;
}
struct Register {
  Register(const char* name, const char*, void (*run)()) { cases().push_back({name, run}); }
  Register(const char* name, void (*run)()) { cases().push_back({name, run}); }
};

struct Abort {};  // thrown by REQUIRE

inline int failures = 0, assertions = 0;
inline std::vector<std::string> infos;

inline bool report(bool ok, const char* file, int line, const char* text) {
  ++assertions;
  if (!ok) {
    ++failures;
    std::printf("%s:%d: FAILED: %s\n", file, line, text);
    for (const std::string& i : infos) std::printf("  with %s\n", i.c_str());
  }
  return ok;
}

// Sections: in one pass the first section not yet done at each depth is entered; the case is run until none is left.
struct Sections {
  std::vector<std::string> done;
  std::string path;
  bool entered_leaf = false, more = false;
};
inline Sections sections;

class Section {
 public:
  explicit Section(const std::string& name) : parent_(sections.path) {
    const std::string mine = parent_ + "/" + name;
    for (const std::string& d : sections.done)
      if (d == mine) return;
    if (sections.entered_leaf) {
      sections.more = true;
      return;
    }
    sections.path = mine;
    in_ = true;
  }
  ~Section() {
    if (!in_) return;
    sections.entered_leaf = true;
    if (!sections.more) sections.done.push_back(sections.path);
    sections.path = parent_;
  }
  Section(const Section&) = delete;
  Section& operator=(const Section&) = delete;
  explicit operator bool() const { return in_; }

 private:
  std::string parent_;
  bool in_ = false;
};

class Info {
 public:
  explicit Info(std::string text) { infos.push_back(std::move(text)); }
  ~Info() { infos.pop_back(); }
  Info(const Info&) = delete;
  Info& operator=(const Info&) = delete;
};

struct Text {  // INFO("a " << b)
  std::string s;
  Text& operator<<(const char* v) {
    s += v;
    return *this;
  }
  Text& operator<<(const std::string& v) {
    s += v;
    return *this;
  }
  Text& operator<<(char v) {
    s += v;
    return *this;
  }
  template <class T> Text& operator<<(const T& v) requires std::is_arithmetic_v<T> {
    s += std::to_string(v);
    return *this;
  }
};

template <class F> bool throws_with(F&& f, const std::function<bool(const std::string&)>& match) {
  try {
    f();
  } catch (const std::exception& e) {
    if (match(e.what())) return true;
    std::printf("  the message was: %s\n", e.what());
    return false;
  }
  return false;
}

// The cases whose name contains `filter`.
inline int main(const char* filter) {
  int bad = 0;
  size_t ran = 0;
  for (const Case& c : cases()) {
    if (!std::strstr(c.name, filter)) continue;
    ++ran;
    const int before = failures;
    sections = {};
    do {
      sections.entered_leaf = sections.more = false;
      sections.path.clear();
      try {
        c.run();
      } catch (const Abort&) {
      } catch (const std::exception& e) {
        ++failures;
        std::printf("FAILED: %s: threw %s\n", c.name, e.what());
      }
      infos.clear();
    } while (sections.more);
    if (failures != before) {
      ++bad;
      std::printf("FAILED: %s\n", c.name);
    }
  }
  std::printf("%d assertions\n%zu passed, %d failed\n", assertions, ran - static_cast<size_t>(bad), bad);
  return bad != 0;
}

}  // namespace small_catch

// Approx(v) == x within a relative epsilon (default 1e-5·100 floats' worth, as Catch2) or a margin.
class Approx {
 public:
  explicit Approx(double value) : value_(value) {}
  Approx& epsilon(double e) {
    epsilon_ = e;
    return *this;
  }
  Approx& margin(double m) {
    margin_ = m;
    return *this;
  }
  friend bool operator==(double x, const Approx& a) {
    return std::abs(x - a.value_) <= a.margin_ || std::abs(x - a.value_) <= a.epsilon_ * std::abs(a.value_);
  }
  friend bool operator==(const Approx& a, double x) { return x == a; }

 private:
  double value_, epsilon_ = 1.1920929e-07 * 100, margin_ = 0;
};

namespace Catch {
struct Matcher {
  std::function<bool(const std::string&)> of;
  bool operator()(const std::string& s) const { return of(s); }
  Matcher operator&&(const Matcher& o) const {
    return {[a = of, b = o.of](const std::string& s) { return a(s) && b(s); }};
  }
  Matcher operator!() const {
    return {[a = of](const std::string& s) { return !a(s); }};
  }
};
inline Matcher Contains(std::string part) {
  return {[part](const std::string& s) { return s.find(part) != std::string::npos; }};
}
namespace Matchers {
using Catch::Contains;
}  // namespace Matchers
}  // namespace Catch

#define SC_JOIN2(a, b) a##b
#define SC_JOIN(a, b) SC_JOIN2(a, b)
#define TEST_CASE(...)                                                                                          \
  static void SC_JOIN(sc_case_, __LINE__)();                                                                    \
  static const small_catch::Register SC_JOIN(sc_register_, __LINE__){__VA_ARGS__, SC_JOIN(sc_case_, __LINE__)}; \
  static void SC_JOIN(sc_case_, __LINE__)()
#define SECTION(name) if (const small_catch::Section SC_JOIN(sc_section_, __LINE__){name}; SC_JOIN(sc_section_, __LINE__))
#define CHECK(...) small_catch::report(static_cast<bool>(__VA_ARGS__), __FILE__, __LINE__, #__VA_ARGS__)
#define CHECK_FALSE(...) small_catch::report(!static_cast<bool>(__VA_ARGS__), __FILE__, __LINE__, "!(" #__VA_ARGS__ ")")
#define CHECK_THAT(value, matcher) CHECK((matcher)(value))
#define REQUIRE(...)                                     \
  do {                                                   \
    if (!CHECK(__VA_ARGS__)) throw small_catch::Abort{}; \
  } while (false)
#define REQUIRE_FALSE(...)                                     \
  do {                                                         \
    if (!CHECK_FALSE(__VA_ARGS__)) throw small_catch::Abort{}; \
  } while (false)
#define CHECK_THROWS_WITH(expr, matcher) CHECK(small_catch::throws_with([&] { static_cast<void>(expr); }, matcher))
#define REQUIRE_THROWS_WITH(expr, matcher) REQUIRE(small_catch::throws_with([&] { static_cast<void>(expr); }, matcher))
#define INFO(...) const small_catch::Info SC_JOIN(sc_info_, __LINE__)((small_catch::Text{} << __VA_ARGS__).s)
#define CAPTURE(x) INFO(#x " = " << (x))
#define FAIL(...)                 \
  do {                            \
    CHECK(false && #__VA_ARGS__); \
    throw small_catch::Abort{};   \
  } while (false)

#ifdef CATCH_CONFIG_MAIN
int main(int argc, char** argv) { return small_catch::main(argc > 1 ? argv[1] : ""); }
#endif
