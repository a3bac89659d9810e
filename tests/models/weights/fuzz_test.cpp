// Thousands of mutated files a run, the same ones every run. Each must be read, or be an mr::Error; the sanitizer builds watch
// the rest. MR_FUZZ=N runs N times as many.
#include <chrono>
#include <cstdlib>

#include "base/check.h"
#include "models/weights/pickle.h"
#include "models/weights/pth.h"
#include "models/weights/safetensors.h"
#include "tensor/rng.h"
#include "tests/catch.h"
#include "tests/models/weights/make_files.h"

using namespace mr;
using namespace mr::test;

namespace {

int64_t rounds(int64_t normally) {
  const char* times = std::getenv("MR_FUZZ");
  return normally * (times ? std::max(1, std::atoi(times)) : 1);
}

// One to four changes: a bit, a byte, a number at its extremes, a piece cut out, doubled or put elsewhere, the end cut off.
std::string mutated(std::string s, Rng& rng) {
  for (uint64_t n = 1 + rng.below(4); n > 0 && !s.empty(); --n) {
    const size_t at = rng.below(s.size()), length = std::min<size_t>(1 + rng.below(16), s.size() - at);
    switch (rng.below(8)) {
      case 0:
        s[at] = static_cast<char>(s[at] ^ (1 << rng.below(8)));
        break;
      case 1:
        s[at] = static_cast<char>(rng.next());
        break;
      case 2: {
        constexpr uint64_t extremes[] = {
            0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0xffffffff, uint64_t{1} << 62, UINT64_MAX >> 1, UINT64_MAX};
        const std::string number = le(extremes[rng.below(std::size(extremes))]);
        const size_t bytes = std::min<size_t>(size_t{1} << rng.below(4), s.size() - at);
        s.replace(at, bytes, number.substr(0, bytes));
        break;
      }
      case 3: {
        constexpr const char* numbers[] = {"0", "1", "18446744073709551615", "9223372036854775807", "-1", "1e3", "[", "{", "\"", "\\u0000"};
        s.insert(at, numbers[rng.below(std::size(numbers))]);
        break;
      }
      case 4:
        s.erase(at, length);
        break;
      case 5:
        s.insert(at, s.substr(at, length));
        break;
      case 6:
        s.insert(rng.below(s.size()), s.substr(at, length));
        break;
      default:
        s.resize(at);
        break;
    }
  }
  return s;
}

// 1 if the file was read to its last value, 0 if it was refused.
template <class Read> int outcome(const Read& read, int& foreign) {
  try {
    const WeightFile f = read();
    for (const NamedTensor& t : f.tensors) {
      std::vector<std::byte> values(t.bytes());
      t.read(values);
    }
    return 1;
  } catch (const Error&) {
    return 0;
  } catch (const std::exception&) {  // bad_alloc, length_error, out_of_range: a check is missing
    ++foreign;
    return 0;
  }
}

struct Run {
  int read = 0, foreign = 0;
  double slowest = 0;  // seconds, for one file
};

template <class MakeAndRead> Run run(int64_t n, const char* purpose, const MakeAndRead& make_and_read) {
  Run r;
  for (int64_t i = 0; i < n; ++i) {
    Rng rng(7, purpose, 0, static_cast<uint64_t>(i));
    const auto begin = std::chrono::steady_clock::now();
    r.read += outcome([&] { return make_and_read(rng); }, r.foreign);
    r.slowest = std::max(r.slowest, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  CHECK(r.foreign == 0);
  CHECK(r.slowest < 5);  // of work; the rest is for a busy machine
  return r;
}

const std::string golden = MR_SOURCE_DIR "/tests/golden/weights/";

}  // namespace

TEST_CASE("fuzz: safetensors", "[weights][fuzz]") {
  const Folder folder;
  const std::string good = safetensors(
      R"({"__metadata__":{"k\u00e9":"v\n"},"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[],"data_offsets":[8,9]}})",
      floats({1, 2}) + "x");
  const Run r = run(rounds(2000), "fuzz safetensors", [&](Rng& rng) {
    std::string s = mutated(good, rng);
    if (rng.below(2) == 0 && s.size() > 17) s.replace(0, 8, le<uint64_t>(s.size() - 17));  // past the first check
    return read_safetensors(folder.write("a", s));
  });
  CHECK(r.read > 0);  // some mutations do no harm: the others did reach the reader
}

TEST_CASE("fuzz: pth, the archive", "[weights][fuzz]") {
  const Folder folder;
  const std::string good = read_file(golden + "zip.pth"),
                    small = pth(dict_of(tensor(storage("torch\nFloatStorage", "0", 6), 0, {2, 3}, {1, 2})));
  const Run r =
      run(rounds(1500), "fuzz zip", [&](Rng& rng) { return read_pth(folder.write("a", mutated(rng.below(2) ? good : small, rng))); });
  CHECK(r.read > 0);
}

TEST_CASE("fuzz: pth, the legacy stream", "[weights][fuzz]") {
  const Folder folder;
  const std::string good = read_file(golden + "legacy.pth");
  const Run r = run(rounds(1500), "fuzz legacy", [&](Rng& rng) { return read_pth(folder.write("a", mutated(good, rng))); });
  CHECK(r.read > 0);
}

TEST_CASE("fuzz: pickles, in an archive whose checksums are right", "[weights][fuzz]") {
  const Folder folder;
  const std::string base = storage("torch\nFloatStorage", "0", 6);
  const std::string good =
      "\x80\x02"
      "ccollections\nOrderedDict\nq\x02)R(" +
      text("w") + tensor(base, 0, {2, 3}, {1, 2}) + "q\x01" + text("v") + "ctorch._utils\n_rebuild_parameter\n" +
      tensor(base, 1, {5}, {1}) + "\x88h\x02)R\x87R" + text("n") + "}" + text("k") + "G12345678su}" + text("_metadata") + "}sb.";
  const Run r = run(rounds(4000), "fuzz pickle", [&](Rng& rng) { return read_pth(folder.write("a", pth(mutated(good, rng)))); });
  CHECK(r.read > 0);
}
