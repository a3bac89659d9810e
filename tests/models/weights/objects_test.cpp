// What stands beside the tensors in a pickle may be of any class; numpy's arrays are tensors.
#include <ctime>

#include "base/check.h"
#include "models/weights/pickle.h"
#include "models/weights/pth.h"
#include "tests/catch.h"
#include "tests/models/weights/make_files.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;
using namespace std::string_literals;

namespace {

std::string global(const std::string& module, const std::string& name) { return "c" + module + "\n" + name + "\n"; }
std::string dtype(const std::string& type, const std::string& order) {
  return global("numpy", "dtype") + text(type) + integer(0) + integer(1) + "\x87R(" + integer(3) + text(order) + "NNN" + integer(-1) +
         integer(-1) + integer(0) + "tb";
}
// numpy's array as protocol 2 has it: its bytes as latin-1 text, or in `raw` as Python 2 wrote them
std::string array(const std::string& type, const std::string& order, const std::vector<int32_t>& sizes, bool fortran,
                  const std::string& data) {
  return global("numpy.core.multiarray", "_reconstruct") + global("numpy", "ndarray") + integer(0) + "\x85" + text("b") + "\x87R(" +
         integer(1) + tuple(sizes) + dtype(type, order) + (fortran ? "\x88" : "\x89") + data + "tb";
}
std::string raw(const std::string& bytes) { return "T" + le(static_cast<uint32_t>(bytes.size())) + bytes; }
std::string latin1(const std::string& bytes) {
  std::string utf8;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      utf8 += c;
    } else {
      utf8 += static_cast<char>(0xc0 | byte >> 6);
      utf8 += static_cast<char>(0x80 | (byte & 63));
    }
  }
  return global("_codecs", "encode") + text(utf8) + text("latin1") + "\x86R";
}

const std::string w = tensor(storage("torch\nFloatStorage", "0", 6), 0, {2, 3}, {3, 1});

}  // namespace

TEST_CASE("pickle: objects of any class beside the tensors are passed over", "[weights]") {
  const Folder folder;
  const std::string others[] = {
      global("argparse", "Namespace") + ")\x81}" + text("lr") + "G12345678sb",  // NEWOBJ, BUILD
      global("__main__", "Args") + ")}" + text("x") + "Ns\x92}b",               // NEWOBJ_EX
      global("pathlib", "PosixPath") + text("a") + "\x85R",                     // REDUCE
      global("__builtin__", "set") + "](NNe\x85R",                              // a set, of protocol 2
      "\x8f(K\x01K\x02\x90",                                                    // EMPTY_SET, ADDITEMS
      "(K\x01\x91",                                                             // FROZENSET
      "C\x02\xff\x01",                                                          // bytes
      "B" + le<uint32_t>(1) + "x",                                              //
      "\x8e" + le<uint64_t>(1) + "x",                                           //
      "\x96" + le<uint64_t>(1) + "x",                                           // a bytearray
      "\x8b" + le<uint32_t>(9) + "123456789",                                   // a long integer
      global("numpy.core.multiarray", "scalar") + dtype("f8", "<") + raw("12345678") + "\x86R",
      array("O8", "|", {2}, false, "](NNe"),                          // an array of objects
      array("f4", ">", {1}, false, raw("1234")),                      // of big-endian numbers
      array("f4", "<", {6}, false, raw("123456789012345678901234")),  // of numbers
      global("collections", "defaultdict") + global("__builtin__", "list") + "\x85R" + text("k") + "Ns",
      global("m", "AttributeDict") + ")\x81(" + text("lr") + "Nu}b",  // a dict of one's own
      global("m", "List") + ")\x81(NNe",                              // a list of one's own
      "(" + global("m", "Old") + "No",                                // OBJ
      global("m", "Colour") + "K\x01\x85R",                           // an enum
      global("torch", "qint8"),                                       // a name alone
      global("m", "f") + ")R)R",                                      // a call of what a call gave
  };
  for (const std::string& other : others) {
    INFO(other);
    const std::string pickle = "\x80\x02}(" + text("model") + "}" + text("w") + w + "s" + text("other") + other + "u.";
    const WeightFile f = open_weights(folder.write("a.pth", pth(pickle)));
    REQUIRE(f.tensors.size() == 1);
    CHECK(f.tensors[0].name == "w");
    CHECK(read_floats(f.tensors[0]) == std::vector<float>{1, 2, 3, 4, 5, 6});
  }
}

TEST_CASE("pickle: an object to which members are set is read as a dict", "[weights]") {
  const Folder folder;
  const std::string pickle = "\x80\x02" + global("m", "StateDict") + ")\x81(" + text("w") + w + "u}b.";
  CHECK(open_weights(folder.write("a.pth", pth(pickle))).tensors.size() == 1);
}

TEST_CASE("pickle: which part of a file is read, and which is not", "[weights]") {
  const Folder folder;
  const auto names = [&](const std::string& members) {
    const WeightFile f = open_weights(folder.write("a.pth", pth("\x80\x02}(" + members + "u.")));
    std::string all;
    for (const NamedTensor& t : f.tensors) all += t.name + " ";
    for (const std::string& n : f.notes) all += "| " + n;
    return all;
  };
  const auto part = [](const std::string& key, const std::string& name) { return text(key) + "}" + text(name) + w + "s"; };
  const std::string optimiser = text("optimizer") + "}(" + text("state") + "}" + text("m") + w + "s" + text("param_groups") + "]u";
  CHECK(names(part("optim", "m") + part("state_dict", "w")) == "w ");
  CHECK(names(part("model_ema", "e") + part("model", "w")) == "w | of the file's parts, model is read, and not model_ema");
  CHECK(names(text("model") + "}" + text("depth") + "K\x32s" + part("weights", "w")) == "w ");  // a model's settings
  CHECK(names(optimiser + text("w") + w) == "w ");
  CHECK_THROWS_WITH(names(optimiser), Contains("holds the state of an optimiser (optimizer) and no weights"));
  CHECK_THROWS_WITH(names(text("epoch") + "K\x01" + text("args") + global("argparse", "Namespace") + ")\x81"),
                    Contains("it holds epoch (int), args (argparse.Namespace)"));
}

TEST_CASE("pickle: numpy's arrays are tensors, in either order, as every protocol writes them", "[weights]") {
  const Folder folder;
  const std::string six = floats({1, -2, 3, 4, 5, 1e30f});
  const std::vector<float> expected = {1, -2, 3, 4, 5, 1e30f};
  const auto read = [&](const std::string& value) { return open_weights(folder.write("a.pkl", dict_of(value))); };
  for (const std::string& data : {raw(six), latin1(six), "B" + le<uint32_t>(24) + six}) {
    const WeightFile f = read(array("f4", "<", {2, 3}, false, data));
    REQUIRE(f.tensors.size() == 1);
    CHECK(f.tensors[0].type == FileType::f32);
    CHECK(f.tensors[0].shape == FileShape{2, 3});
    CHECK(read_floats(f.tensors[0]) == expected);
    CHECK(read_floats(read(array("f4", "<", {3, 2}, true, data)).tensors[0]) == std::vector<float>{1, 4, -2, 5, 3, 1e30f});
  }
  const std::string buffer =
      global("numpy._core.numeric", "_frombuffer") + "(\x96" + le<uint64_t>(24) + six + dtype("f4", "<") + tuple({2, 3}) + text("C") + "tR";
  CHECK(read_floats(read(buffer).tensors[0]) == expected);
  CHECK(read_doubles(read(array("i8", "<", {}, false, raw(le<int64_t>(-7)))).tensors[0]) == std::vector<double>{-7});
  const std::string none = global("__builtin__", "bytes") + ")R";  // Python 3's b"" in protocol 2
  CHECK(read(array("f4", "<", {0}, false, none)).tensors[0].numel() == 0);
}

TEST_CASE("pickle: arrays and tensors that cannot be read are errors where they are weights", "[weights][faults]") {
  const Folder folder;
  const auto refused = [&](const std::string& value, const char* part) {
    INFO(part);
    CHECK_THROWS_WITH(open_weights(folder.write("a.pth", pth(dict_of(value)))), Contains(part));
  };
  refused(array("f4", ">", {1}, false, raw("1234")), "w: numpy array of big-endian numbers is not read");
  refused(array("c8", "<", {1}, false, raw("12345678")), "w: numpy array of c8 is not read");
  refused(array("O8", "|", {1}, false, "](Ne"), "it holds w (numpy array)");
  refused(array("f4", "<", {7}, false, raw("1234")), "array: F32 [7] does not take 4 bytes");
  refused(array("f4", "<", {-1}, false, raw("1234")), "array: expected sizes of 0 or more");
  refused(global("numpy.core.multiarray", "_reconstruct") + global("numpy", "ndarray") + "\x85R", "w: numpy array is not read");
  refused(tensor(storage("torch\nComplexFloatStorage", "0", 6), 0, {1}, {1}), "w: torch.ComplexFloatStorage is not read");
  refused(global("torch.storage", "_load_from_bytes") + raw("x") + "\x85R", "_load_from_bytes is not read");
  refused(global("torch._utils", "_rebuild_sparse_tensor") + ")R", "_rebuild_sparse_tensor is not read");
}

TEST_CASE("pickle: tensors of other kinds of torch", "[weights]") {
  const Folder folder;
  const auto read = [&](const std::string& value) { return open_weights(folder.write("a.pth", pth(dict_of(value)))); };
  const std::string args = "(" + storage("torch\nFloatStorage", "0", 6) + integer(1) + tuple({5}) + tuple({1}) + "\x89}t";
  // torch._tensor._rebuild_from_type_v2(function, class, arguments, state)
  const std::string subclass = global("torch._tensor", "_rebuild_from_type_v2") + "(" + global("torch._utils", "_rebuild_tensor_v2") +
                               global("m", "Mine") + args + "}tR";
  CHECK(read_floats(read(subclass).tensors[0]) == std::vector<float>{2, 3, 4, 5, 6});
  // _rebuild_tensor_v3: an untyped storage, and the type apart
  const std::string typed = global("torch._utils", "_rebuild_tensor_v3") + "(" + storage("torch.storage\nUntypedStorage", "0", 24) +
                            integer(2) + tuple({10}) + tuple({1}) + "\x89}" + global("torch", "uint16") + "tR";
  CHECK(read(typed).tensors[0].type == FileType::u16);
  CHECK(read_doubles(read(typed).tensors[0])[1] == 0x4000);  // of 2.0f, its upper half
  const std::string past = global("torch._utils", "_rebuild_tensor_v3") + "(" + storage("torch.storage\nUntypedStorage", "0", 24) +
                           integer(2) + tuple({11}) + tuple({1}) + "\x89}" + global("torch", "uint16") + "tR";
  CHECK_THROWS_WITH(read(past), Contains("outside its storage"));
}

TEST_CASE("pickle: what repeats itself costs neither memory nor time", "[weights][faults]") {
  const Folder folder;
  // a class of a long name, and a text of a megabyte as an array's bytes, each used 100,000 times
  const std::string name(1'000'000, 'x');
  std::string calls = "\x80\x02}(" + text("w") + w + text("o") + global("m", name) + "q\x01";
  std::string arrays = "\x80\x02}(" + text("w") + w + text("o") + text(name) + "q\x01";
  for (int i = 0; i < 100'000; ++i) calls += "0h\x01)R"s;
  for (int i = 0; i < 20'000; ++i)
    arrays += "0"s + global("numpy._core.numeric", "_frombuffer") + "(h\x01" + global("numpy", "dtype") + text("u1") + "\x85R" +
              tuple({1'000'000}) + text("C") + "tR";
  CHECK(open_weights(folder.write("a.pth", pth(calls + "u."))).tensors.size() == 1);
  CHECK(open_weights(folder.write("b.pth", pth(arrays + "u."))).tensors.size() == 2);
  // one object with a state of 100,000 members, under 100,000 names, and no tensor: the message looks at each once
  std::string members = "\x80\x02}(" + text("o") + global("m", "C") + ")\x81q\x01}(";
  for (int i = 0; i < 100'000; ++i) members += text("k") + "N";
  members += "ub";
  for (int i = 0; i < 100'000; ++i) members += text("o") + "h\x01"s;
  const std::clock_t begin = std::clock();
  CHECK_THROWS_WITH(open_weights(folder.write("c.pth", pth(members + "u."))), Contains("found none in it; it holds o (m.C), o (m.C)"));
  CHECK(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC < 5);
}
