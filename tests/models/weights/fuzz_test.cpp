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
  INFO("the slowest took " << r.slowest << " s");
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

TEST_CASE("fuzz: plain pickles with numpy's arrays, of every protocol", "[weights][fuzz]") {
  const Folder folder;
  const std::string python2 = read_file(golden + "detectors/detectron.pkl"), python3 = read_file(golden + "detectors/detectron2.pkl");
  const auto dtype = std::string("cnumpy\ndtype\n") + text("f4") + "NN\x87R(K\x03" + text("<") + "NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK" +
                     std::string(1, '\0') + "tbq\x05";
  const std::string array =
      "cnumpy.core.multiarray\n_reconstruct\nq\x06"
      "cnumpy\nndarray\nq\x07K" +
      std::string(1, '\0') +
      "\x85U\x01"
      "b\x87R(K\x01" +
      tuple({2, 3}) + dtype + "\x89T" + le<uint32_t>(24) + floats({1, 2, 3, 4, 5, 6}) + "tb";
  const std::string object = "cargparse\nNamespace\n)\x81}(" + text("a") + "\x8f(K\x01K\x02\x90" + text("b") + "C\x02xy" + "ub";
  const std::string small = "\x80\x04}(" + text("model") + "}(" + text("w") + array + text("v") +
                            "cnumpy._core.numeric\n_frombuffer\n(\x96" + le<uint64_t>(8) + floats({1, 2}) + "h\x05" + tuple({2}) +
                            text("C") + "tRu" + text("args") + object + text("n") + "ccollections\ndefaultdict\n)R" + "u.";
  REQUIRE(read_pth(folder.write("a", small)).tensors.size() == 2);
  const Run r = run(rounds(4000), "fuzz plain pickle", [&](Rng& rng) {
    const uint64_t which = rng.below(20);  // the large ones cost most of the time
    return read_pth(folder.write("a", mutated(which == 0 ? python2 : which == 1 ? python3 : small, rng)));
  });
  CHECK(r.read > 0);
}

TEST_CASE("fuzz: files that are taken for weights, whatever they are", "[weights][fuzz]") {
  const Folder folder;
  const std::string starts[] = {"<!DOCTYPE html>", "{\"weight_map\": {}}",   "\x89HDF\r\n\x1a\n", "\x1f\x8b",
                                "(dp0\n",          "version https://git-lfs"};
  const Run r = run(rounds(500), "fuzz mistaken", [&](Rng& rng) {
    std::string s = starts[rng.below(std::size(starts))];
    for (uint64_t n = rng.below(64); n > 0; --n) s.push_back(static_cast<char>(rng.next()));
    return open_weights(folder.write("a", mutated(s, rng)));
  });
  CHECK(r.read == 0);
}

TEST_CASE("fuzz: pickles, in an archive whose checksums are right", "[weights][fuzz]") {
  const Folder folder;
  const std::string base = storage("torch\nFloatStorage", "0", 6);
  const std::string good =
      "\x80\x02"
      "ccollections\nOrderedDict\nq\x02)R(" +
      text("w") + tensor(base, 0, {2, 3}, {1, 2}) + "q\x01" + text("v") + "ctorch._utils\n_rebuild_parameter\n" +
      tensor(base, 1, {5}, {1}) + "\x88h\x02)R\x87R" + text("n") + "}" + text("k") + "G12345678s" + text("o") + "cm\nC\n)\x81}" +
      text("s") + "Nsbu}" + text("_metadata") + "}sb.";
  const Run r = run(rounds(4000), "fuzz pickle", [&](Rng& rng) { return read_pth(folder.write("a", pth(mutated(good, rng)))); });
  CHECK(r.read > 0);
}
