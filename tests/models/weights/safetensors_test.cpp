#include "models/weights/safetensors.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <csignal>

#include "base/check.h"
#include "models/weights/show.h"
#include "tests/catch.h"
#include "tests/models/weights/make_files.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

namespace {

NamedTensor in_memory(const std::string& name, FileType type, FileShape shape, std::string bytes) {
  return {name, type, std::move(shape),
          [bytes](std::span<std::byte> out) { std::ranges::copy(std::as_bytes(std::span(bytes)).first(out.size()), out.begin()); }};
}

std::string bytes_of(const NamedTensor& t) {
  std::string s(t.bytes(), '\0');
  t.read(std::as_writable_bytes(std::span(s)));
  return s;
}

const char* const good = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[],"data_offsets":[8,9]}})";
const std::string nine = floats({1.5f, -2}) + "\x07";

}  // namespace

TEST_CASE("safetensors: a file written by hand", "[weights]") {
  const Folder folder;
  const WeightFile f = read_safetensors(folder.write(
      "a.safetensors",
      safetensors(
          R"({"b":{"dtype":"U8","shape":[],"data_offsets":[8,9]},"__metadata__":{"k\u00e9y":"va\"l\n"},"a":{"shape":[2],"data_offsets":[0,8],"dtype":"F32"}}   )",
          nine)));
  REQUIRE(f.tensors.size() == 2);
  CHECK(f.tensors[0].name == "a");  // in the order of the values
  CHECK(read_floats(f.tensors[0]) == std::vector<float>{1.5f, -2});
  CHECK(f.find("b")->shape.empty());
  CHECK(read_doubles(*f.find("b")) == std::vector<double>{7});
  CHECK(f.metadata.at("kéy") == "va\"l\n");
  CHECK(f.find("c") == nullptr);
}

TEST_CASE("safetensors: what is written is read back, bit for bit", "[weights]") {
  const Folder folder;
  const std::vector<NamedTensor> tensors = {
      in_memory("byte", FileType::u8, {3}, "\x01\x02\x03"), in_memory("w", FileType::f32, {2, 1}, floats({0.1f, -1e30f})),
      in_memory("empty", FileType::f64, {0, 4}, ""), in_memory("h", FileType::bf16, {1, 2}, "\x80\x3f\x00\xc0"),
      in_memory("é\"\n", FileType::i64, {}, le<int64_t>(-5))};
  const std::map<std::string, std::string> metadata = {{"recipe", "[train]\nlr = 0.1\n"}, {"classes", "cat\tdog \x01 ü"}};
  write_safetensors(folder / "a.safetensors", metadata, tensors);
  const WeightFile f = open_weights(folder / "a.safetensors");
  CHECK(f.metadata == metadata);
  REQUIRE(f.tensors.size() == tensors.size());
  for (const NamedTensor& t : tensors) {
    INFO(t.name);
    const NamedTensor* back = f.find(t.name);
    REQUIRE(back != nullptr);
    CHECK(back->type == t.type);
    CHECK(back->shape == t.shape);
    CHECK(bytes_of(*back) == bytes_of(t));
  }
  CHECK(folder.files() == 1);  // no temporary file is left

  convert_weights(folder / "a.safetensors", folder / "b.safetensors");
  CHECK(read_file(folder / "a.safetensors") == read_file(folder / "b.safetensors"));
}

TEST_CASE("half precision: every pattern against the formula", "[weights]") {
  std::string bytes;
  for (uint32_t i = 0; i < 65536; ++i) bytes += le(static_cast<uint16_t>(i));
  const std::vector<float> v = read_floats(in_memory("h", FileType::f16, {65536}, bytes));
  int wrong = 0;
  for (uint32_t i = 0; i < 65536; ++i) {
    const double sign = i >> 15 ? -1 : 1, fraction = (i & 1023) / 1024.0;
    const int exponent = static_cast<int>(i >> 10 & 31);
    const double expected = exponent == 0 ? sign * std::ldexp(fraction, -14) : sign * std::ldexp(1 + fraction, exponent - 15);
    if (exponent == 31)
      wrong += fraction == 0 ? v[i] != sign * INFINITY : !std::isnan(v[i]);
    else
      wrong += v[i] != expected || std::signbit(v[i]) != (sign < 0);
  }
  CHECK(wrong == 0);
}

TEST_CASE("safetensors: every fault is an error that says where", "[weights][faults]") {
  const Folder folder;
  const auto error = [&](const std::string& bytes, const char* part) {
    INFO(part);
    CHECK_THROWS_WITH(read_safetensors(folder.write("bad.safetensors", bytes)), Contains(part));
    CHECK_THROWS_WITH(read_safetensors(folder / "bad.safetensors"), Contains("bad.safetensors"));
  };
  const auto header = [&](const std::string& json, const char* part) { error(safetensors(json, nine), part); };
  const auto one = [&](const std::string& fields, const char* part) { header(R"({"a":{)" + fields + "}}", part); };
  const std::string whole = safetensors(good, nine);
  REQUIRE(read_safetensors(folder.write("good.safetensors", whole)).tensors.size() == 2);

  SECTION("the length of the header") {
    error(le(uint64_t{1} << 63) + "{}", "at most 100000000, got 9223372036854775808");
    error(le<uint64_t>(100'000'001) + "{}", "at most 100000000");
    error(le<uint64_t>(3) + "{}", "3 bytes, but only 2 follow");
    error(le<uint64_t>(0) + "{}", "expected '{' as its first byte");
    error("", "got 0 bytes");
    error("123456789", "got 9 bytes");
  }
  SECTION("the text of the header") {
    header("[1]", "expected '{'");
    header(" {}", "expected '{' as its first byte");
    header("{} x", "expected the end of the file");
    header("{\"a\xff\":1}", "a string is not UTF-8");
    header("{\"\xc0\xaf\":1}", "not UTF-8");      // overlong
    header("{\"\xed\xa0\x80\":1}", "not UTF-8");  // a surrogate
    header("{\"\\ud800\":1}", "half of a surrogate pair");
    header("{\"\\x\":1}", "expected an escape");
    header("{\"a\n\":1}", "expected the end of a string, got byte 10");
    header("{\"a", "expected the end of a string, got the end of the file: the JSON is truncated");
    header("{\"a\":" + std::string(1'000'000, '[') + "}", "expected an object, got '['");  // depth
    header(R"({"__metadata__":{"a":)" + std::string(1'000'000, '{'), "expected a string, got '{'");
    header(R"({"__metadata__":{"k":1}})", "expected a string, got '1'");
    header(R"({"__metadata__":{"k":"1","k":"2"}})", "the key \"k\" stands twice");
    header(R"({"__metadata__":{},"__metadata__":{}})", "the key \"__metadata__\" stands twice");
    header(R"({"a":{"dtype":"U8","shape":[9],"data_offsets":[0,9]},"a":{"dtype":"U8","shape":[0],"data_offsets":[9,9]}})",
           "the key \"a\" stands twice");
  }
  SECTION("an entry") {
    one(R"("dtype":"F4","shape":[2],"data_offsets":[0,9])", "got \"F4\"");
    one(R"("dtype":"F8_E4M3","shape":[9],"data_offsets":[0,9])", "got \"F8_E4M3\"");
    one(R"("dtype":"U8","shape":[9])", "two data_offsets");
    one(R"("dtype":"U8","data_offsets":[0,9])", "expected dtype, shape");
    one(R"("shape":[9],"data_offsets":[0,9])", "expected dtype, shape");
    one(R"("dtype":"U8","shape":[9],"data_offsets":[0,9,9])", "two data_offsets");
    one(R"("dtype":"U8","dtype":"U8","shape":[9],"data_offsets":[0,9])", "the key \"dtype\" stands twice");
    one(R"("dtype":"U8","shape":[9],"data_offsets":[0,9],"x":0)", "got \"x\"");
    one(R"("dtype":"U8","shape":[-9],"data_offsets":[0,9])", "a whole number from 0 to 2^63 - 1, got -9");
    one(R"("dtype":"U8","shape":[9.0],"data_offsets":[0,9])", "a whole number from 0 to 2^63 - 1, got 9.0");
    one(R"("dtype":"U8","shape":[09],"data_offsets":[0,9])", "expected ',' or ']', got '9'");
    one(R"("dtype":"U8","shape":[9223372036854775808],"data_offsets":[0,9])", "a whole number from 0 to 2^63 - 1, got 9223372036854775808");
    one(R"("dtype":"U8","shape":[8],"data_offsets":[0,9])", "U8 [8] is 8 bytes, but data_offsets are [0, 9]");
    one(R"("dtype":"U8","shape":[9],"data_offsets":[9,0])", "data_offsets are [9, 0]");
    one(R"("dtype":"F64","shape":[2305843009213693952,8],"data_offsets":[0,9])", "too large");
    one(R"("dtype":"U8","shape":[4294967296,4294967296,0],"data_offsets":[0,0])", "too large");
    one(R"("dtype":"U8","shape":[3037000500,3037000500,3],"data_offsets":[0,9])", "too large");
  }
  SECTION("the ranges") {
    one(R"("dtype":"U8","shape":[8],"data_offsets":[1,9])", "expected to begin at 0, got 1 (hole)");
    one(R"("dtype":"U8","shape":[8],"data_offsets":[0,8])", "expected 8 bytes of values, got 9");
    one(R"("dtype":"U8","shape":[10],"data_offsets":[0,10])", "ends at 10, but the file holds 9");
    header(R"({"a":{"dtype":"U8","shape":[5],"data_offsets":[0,5]},"b":{"dtype":"U8","shape":[5],"data_offsets":[4,9]}})",
           "got 4 (overlap)");
    header(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[5,9]}})", "got 5 (hole)");
    header("{}", "expected 0 bytes of values, got 9");
    error(whole + '\0', "expected 9 bytes of values, got 10");
  }
  SECTION("cut anywhere") {
    for (size_t n = 0; n < whole.size(); ++n) CHECK_THROWS_WITH(read_safetensors(folder.write("cut", whole.substr(0, n))), Contains("cut"));
  }
}

TEST_CASE("safetensors: a flipped bit in our own files is noticed wherever it is", "[weights][faults]") {
  const Folder folder;
  write_safetensors(folder / "a", {{"k", "v"}},
                    {in_memory("w", FileType::f32, {3}, floats({1, 2, 3})), in_memory("v", FileType::f32, {1}, floats({4}))});
  const std::string whole = read_file(folder / "a");
  const size_t values = whole.size() - 16;
  for (size_t bit = 8 * values; bit < 8 * whole.size(); ++bit) {
    std::string bad = whole;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    const WeightFile f = read_safetensors(folder.write("b", bad));
    CHECK_THROWS_WITH(show_text(f), Contains("do not match their checksum"));
  }
  std::string edited = whole;
  edited.replace(edited.find("mrcnn.crc32\":\"") + 14, 1, "Z");
  CHECK_THROWS_WITH(read_safetensors(folder.write("b", edited)), Contains("mrcnn.crc32"));
}

TEST_CASE("weights: folders, FIFOs and absent files are errors at once", "[weights][faults]") {
  const Folder folder;
  REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
  CHECK_THROWS_WITH(open_weights(folder / "fifo"), Contains("expected a file, got a FIFO"));
  CHECK_THROWS_WITH(open_weights(folder / "."), Contains("expected a file, got a folder"));
  CHECK_THROWS_WITH(open_weights("/dev/zero"), Contains("expected a file, got a device"));
  CHECK_THROWS_WITH(open_weights(folder / "none"), Contains("there is no such file"));
  CHECK_THROWS_WITH(open_weights(folder.write("small", "PK")), Contains("a text, which begins with \"PK\""));
  CHECK_THROWS_WITH(open_weights(folder.write("image", "\x89PNG\r\n\x1a\n0123456789")),
                    Contains("image: expected weights") && Contains("a PNG picture"));
}

TEST_CASE("safetensors: what cannot be written leaves the old file as it was", "[weights][faults]") {
  const Folder folder;
  const std::string path = folder.write("a.safetensors", "old");
  const NamedTensor t = in_memory("t", FileType::f32, {2}, floats({1, 2}));
  const auto unchanged = [&] { return read_file(path) == "old" && folder.files() == 1; };

  CHECK_THROWS_WITH(write_safetensors(path, {{"k", "\xff"}}, {t}), Contains("metadata k: expected UTF-8"));
  CHECK_THROWS_WITH(write_safetensors(path, {}, {t, t}), Contains("two tensors are named t"));
  NamedTensor failing = t;
  int calls = 0;
  failing.read = [&calls](std::span<std::byte>) { check(calls++ == 0, "read failed"); };  // in the second pass, half written
  CHECK_THROWS_WITH(write_safetensors(path, {}, {failing}), Contains("read failed"));
  CHECK(unchanged());
  CHECK_THROWS_WITH(write_safetensors(path + "/b", {}, {t}), Contains("cannot write in"));
  CHECK_THROWS_WITH(write_safetensors(folder / "", {}, {t}), Contains("expected a file name"));
  CHECK_THROWS_WITH(write_safetensors(folder / "no/such/folder", {}, {t}), Contains("No such file"));

  // A full disk, stood in for by the limit on a file's size: the write at each length fails.
  write_safetensors(folder / "whole", {}, {t});
  const size_t whole = read_file(folder / "whole").size();
  std::filesystem::remove(folder / "whole");
  rlimit old_limit = {};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &old_limit) == 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  for (const rlim_t most : {size_t{0}, size_t{7}, size_t{9}, size_t{100}, whole - 8, whole - 1}) {
    const rlimit limit = {most, old_limit.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
    std::string message = "no error";
    try {
      write_safetensors(path, {}, {t});
    } catch (const Error& e) {
      message = e.what();
    }
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &old_limit) == 0);
    INFO(most << ": " << message);
    CHECK(message.find("cannot write: File too large; the file is as it was before") != std::string::npos);
    CHECK(unchanged());
  }
  std::signal(SIGXFSZ, old_handler);
}

TEST_CASE("convert refuses to write .pth", "[weights]") {
  const Folder folder;
  CHECK_THROWS_WITH(convert_weights(folder.write("a", safetensors(good, nine)), folder / "b.pth"), Contains("ending in .safetensors"));
}

TEST_CASE("weights show: values by hand, as text and as JSON", "[weights]") {
  const Folder folder;
  write_safetensors(folder / "a", {{"classes", "cat\ndog"}},
                    {in_memory("w", FileType::f32, {4}, floats({1, 3, INFINITY, NAN})),
                     in_memory("i", FileType::i32, {2, 1}, le<int32_t>(-1) + le<int32_t>(1))});
  const WeightFile f = open_weights(folder / "a");
  const TensorSummary w = summarise(*f.find("w")), i = summarise(*f.find("i"));
  CHECK(w.mean == 2);
  CHECK(w.deviation == 1);
  CHECK(w.not_finite == 2);
  CHECK(i.mean == 0);
  CHECK(i.deviation == 1);
  CHECK(show_json(f).find(R"({"name": "i", "dtype": "I32", "shape": [2, 1], "mean": 0, "std": 1, "not_finite": 0})") != std::string::npos);
  CHECK(show_json(f).find(R"("metadata": {"classes": "cat\ndog"})") != std::string::npos);
  CHECK(show_text(f).find("2 tensors, 6 values") != std::string::npos);
  CHECK(show_text(f).find("2 not finite") != std::string::npos);
  CHECK(show_text(f).find("classes: cat\ndog\n") == 0);
  write_safetensors(folder / "b", {{"by", "\x1b[2Jme\r\n\x07you"}}, {});
  CHECK(show_text(open_weights(folder / "b")).find("by: ?[2Jme?\n?you\n") == 0);  // nothing that a terminal would obey
}
