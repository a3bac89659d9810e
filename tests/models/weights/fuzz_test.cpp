// Weight files damaged at random (tests/fuzz.h): each must be read to its last value, or be an mr::Error.
#include "tests/fuzz.h"

#include "models/weights/pth.h"
#include "models/weights/safetensors.h"
#include "tests/catch.h"
#include "tests/models/weights/make_files.h"

using namespace mr;
using namespace mr::test;

namespace {

// The damage of tests/fuzz.h, anywhere in the file; in half of the cases also a word that means something in a header of JSON.
std::string mutated(const std::string& from, Rng& rng) {
  std::string s = damaged(from, rng, from.size());
  if (rng.below(2) == 0) return s;
  constexpr const char* words[] = {"0", "1", "18446744073709551615", "9223372036854775807", "-1", "1e3", "[", "{", "\"", "\\u0000"};
  return s.insert(rng.below(s.size() + 1), words[rng.below(std::size(words))]);
}

void read_all(const WeightFile& f) {
  for (const NamedTensor& t : f.tensors) {
    std::vector<std::byte> values(t.bytes());
    t.read(values);
  }
}

const std::string golden = MR_SOURCE_DIR "/tests/golden/weights/";

}  // namespace

TEST_CASE("fuzz: safetensors", "[weights][fuzz]") {
  const Folder folder;
  const std::string good = safetensors(
      R"({"__metadata__":{"k\u00e9":"v\n"},"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[],"data_offsets":[8,9]}})",
      floats({1, 2}) + "x");
  fuzz(fuzz_rounds(2000), "fuzz safetensors", [&](Rng& rng) {
    std::string s = mutated(good, rng);
    if (rng.below(2) == 0 && s.size() > 17) s.replace(0, 8, le<uint64_t>(s.size() - 17));  // past the first check
    read_all(read_safetensors(folder.write("a", s)));
  });
}

TEST_CASE("fuzz: pth, the archive", "[weights][fuzz]") {
  const Folder folder;
  const std::string good = read_file(golden + "zip.pth"),
                    small = pth(dict_of(tensor(storage("torch\nFloatStorage", "0", 6), 0, {2, 3}, {1, 2})));
  fuzz(fuzz_rounds(1500), "fuzz zip", [&](Rng& rng) { read_all(read_pth(folder.write("a", mutated(rng.below(2) ? good : small, rng)))); });
}

TEST_CASE("fuzz: pth, the legacy stream", "[weights][fuzz]") {
  const Folder folder;
  const std::string good = read_file(golden + "legacy.pth");
  fuzz(fuzz_rounds(1500), "fuzz legacy", [&](Rng& rng) { read_all(read_pth(folder.write("a", mutated(good, rng)))); });
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
  fuzz(fuzz_rounds(4000), "fuzz plain pickle", [&](Rng& rng) {
    const uint64_t which = rng.below(20);  // the large ones cost most of the time
    read_all(read_pth(folder.write("a", mutated(which == 0 ? python2 : which == 1 ? python3 : small, rng))));
  });
}

TEST_CASE("fuzz: files that are taken for weights, whatever they are", "[weights][fuzz]") {
  const Folder folder;
  const std::string starts[] = {"<!DOCTYPE html>", "{\"weight_map\": {}}",   "\x89HDF\r\n\x1a\n", "\x1f\x8b",
                                "(dp0\n",          "version https://git-lfs"};
  fuzz(fuzz_rounds(500), "fuzz mistaken", [&](Rng& rng) {
    std::string s = starts[rng.below(std::size(starts))];
    for (uint64_t n = rng.below(64); n > 0; --n) s.push_back(static_cast<char>(rng.next()));
    const std::string weights = safetensors(R"({"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]}})", "x");
    read_all(open_weights(folder.write("a", rng.below(8) == 0 ? weights : mutated(s, rng))));
  });
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
  fuzz(fuzz_rounds(4000), "fuzz pickle", [&](Rng& rng) { read_all(read_pth(folder.write("a", pth(mutated(good, rng))))); });
}
