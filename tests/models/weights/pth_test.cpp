#include "models/weights/pth.h"

#include "base/check.h"
#include "models/weights/pickle.h"
#include "models/weights/show.h"
#include "tests/catch.h"
#include "tests/models/weights/make_files.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

namespace {

const std::string golden = MR_SOURCE_DIR "/tests/golden/weights/";
const std::string w_storage = storage("torch\nFloatStorage", "0", 6);

// scripts/make_weight_goldens.py: value(i) = i / 4 − 1
double value(int i) { return i / 4.0 - 1; }
std::vector<double> values(int n) {
  std::vector<double> v(static_cast<size_t>(n));
  for (int i = 0; i < n; ++i) v[static_cast<size_t>(i)] = value(i);
  return v;
}

void check_mixed(const WeightFile& f) {
  const auto is = [&](const char* tensor_name, FileType type, const FileShape& shape, const std::vector<double>& expected) {
    INFO(tensor_name);
    const NamedTensor* t = f.find(tensor_name);
    REQUIRE(t != nullptr);
    CHECK(t->type == type);
    CHECK(t->shape == shape);
    CHECK(read_doubles(*t) == expected);
  };
  std::vector<double> transposed, every_other;
  for (int j = 0; j < 6; ++j)
    for (int i = 0; i < 4; ++i) transposed.push_back(value(6 * i + j));
  for (int i = 0; i < 24; i += 2) every_other.push_back(value(i));
  is("base", FileType::f32, {4, 6}, values(24));
  is("transposed", FileType::f32, {6, 4}, transposed);
  is("block", FileType::f32, {2, 3}, {value(8), value(9), value(10), value(14), value(15), value(16)});
  is("every_other", FileType::f32, {4, 3}, every_other);
  is("expanded", FileType::f32, {2, 3}, {-1, -0.75, -0.5, -1, -0.75, -0.5});
  is("channels_last", FileType::f32, {2, 3, 2, 2}, values(24));
  is("parameter", FileType::f32, {5}, values(5));
  is("half", FileType::f16, {2, 3}, values(6));
  is("bfloat16", FileType::bf16, {2, 3}, values(6));
  is("double", FileType::f64, {2, 3}, values(6));
  is("long", FileType::i64, {}, {7});
  is("int", FileType::i32, {3}, {0, 1, 2});
  is("short", FileType::i16, {3}, {-1, 0, 1});
  is("char", FileType::i8, {3}, {-1, 0, 1});
  is("byte", FileType::u8, {3}, {250, 251, 252});
  is("bool", FileType::boolean, {2}, {1, 0});
  is("empty", FileType::f32, {0, 3}, {});
  CHECK(f.tensors.size() == 17);
}

}  // namespace

TEST_CASE("pth: torch's files, zip, legacy and protocol 4, every type and stride", "[weights]") {
  for (const char* file : {"zip.pth", "legacy.pth", "protocol4.pth"}) {
    INFO(file);
    check_mixed(open_weights(golden + file));
  }
}

TEST_CASE("pth: a converted file holds the same", "[weights]") {
  const Folder folder;
  convert_weights(golden + "zip.pth", folder / "a.safetensors");
  check_mixed(open_weights(folder / "a.safetensors"));
}

TEST_CASE("pth: a module's state dict, alone and inside a checkpoint", "[weights]") {
  for (const char* file : {"module.pth", "checkpoint.pth"}) {
    const WeightFile f = open_weights(golden + file);
    std::string names;
    for (const NamedTensor& t : f.tensors) names += t.name + " ";
    CHECK(names == "conv.weight bn.weight bn.bias bn.running_mean bn.running_var bn.num_batches_tracked ");
    CHECK(read_doubles(*f.find("conv.weight")) == values(24));
  }
}

TEST_CASE("pth: dicts inside the object join their keys with dots", "[weights]") {
  const Folder folder;
  const std::string t = tensor(w_storage, 2, {2}, {3});
  const std::string pickle = "\x80\x02}(" + text("a") + "}" + text("b") + t + "s" + integer(7) + t + text("n") + "Nu.";
  const WeightFile f = open_weights(folder.write("a.pth", pth(pickle)));
  REQUIRE(f.tensors.size() == 2);
  CHECK(f.tensors[0].name == "a.b");
  CHECK(f.tensors[1].name == "7");
  CHECK(read_floats(f.tensors[0]) == std::vector<float>{3, 6});
}

TEST_CASE("pth: no name is looked up, let alone run: what is called is an object, and no weights", "[weights][faults]") {
  const Folder folder;
  const std::string pwned = folder / "pwned";
  const auto refused = [&](const std::string& pickle, const char* part) {
    INFO(part);
    CHECK_THROWS_WITH(open_weights(folder.write("evil.pth", pth(pickle))), Contains(part));
    CHECK_THROWS_WITH(open_weights(folder / "evil.pth"), Contains("evil.pth: "));
    CHECK_FALSE(std::filesystem::exists(pwned));
    // beside tensors it is passed over, unrun as well
    const std::string beside =
        "\x80\x02}(" + text("w") + tensor(w_storage, 0, {6}, {1}) + text("x") + pickle.substr(2, pickle.size() - 3) + "u.";
    CHECK(open_weights(folder.write("beside.pth", pth(beside))).tensors.size() == 1);
    CHECK_FALSE(std::filesystem::exists(pwned));
  };
  const std::string argument = text("touch " + pwned) + "\x85R.";
  for (const char* name : {"os\nsystem", "posix\nsystem", "builtins\neval", "__builtin__\nexec", "subprocess\nPopen", "torch\nload"}) {
    std::string dotted = name;
    dotted.replace(dotted.find('\n'), 1, ".");
    refused("\x80\x02" + std::string("c") + name + "\n" + argument, ("got a value of the type " + dotted).c_str());
  }
  refused(
      "\x80\x02"
      "ccollections\nOrderedDict.__init__\n)R.",
      "got a value of the type collections.OrderedDict.__init__");
  refused("\x80\x04\x8c\x02os\x8c\x06system\x93" + argument, "got a value of the type os.system");  // STACK_GLOBAL
  refused("\x80\x02(cos\nsystem\no.", "got a value of the type os.system");                         // OBJ
  refused(
      "\x80\x02"
      "c\x1b[31mos\nsystem\n)R.",
      "type ?[31mos.system");  // no escape codes in messages
  refused(
      "\x80\x02"
      "cos\nsystem\n" +
          text("x") + "\x85R}" + text("k") + "Nsb.",
      "os.system");  // as state
}

TEST_CASE("pth: opcodes that a weights file does not need are refused", "[weights][faults]") {
  const Folder folder;
  const auto refused = [&](const std::string& pickle, const char* part) {
    INFO(part);
    CHECK_THROWS_WITH(open_weights(folder.write("evil.pth", pth(pickle))), Contains("evil.pth: data.pkl byte") && Contains(part));
  };
  refused("\x80\x02(S'ls'\nios\nsystem\n.", "opcode 83 is not one");  // STRING, INST
  refused("\x80\x02(ios\nsystem\n.", "opcode 105 is not one");        // INST
  refused("\x80\x02(o.", "OBJ: expected a class");
  refused(std::string("\x80\x02\x82\x01."), "opcode 130 is not one");  // EXT1
  refused("\x80\x02Pid\n.", "opcode 80 is not one");                   // PERSID
  refused(std::string("\x80\x06."), "expected protocol 5 or lower");
  refused(std::string("\x80\x05\x97."), "opcode 151 is not one");  // NEXT_BUFFER
}

TEST_CASE("pth: what does not fit the stack machine is an error with its offset", "[weights][faults]") {
  const Folder folder;
  const auto refused = [&](const std::string& pickle, const char* part) {
    INFO(part);
    CHECK_THROWS_WITH(open_weights(folder.write("bad.pth", pth("\x80\x02" + pickle))), Contains(part));
  };
  refused("", "byte 2: expected 1 more bytes, got 0");
  refused(".", "byte 2: the stack is empty");
  refused("NN.", "expected one value on the stack");
  refused("(N.", "expected one value on the stack");
  refused("t.", "expected a mark");
  refused("N(\x85.", "the stack is empty");
  refused("h\x05.", "memo 5 was never stored");
  refused("Nq\x05j" + le<uint32_t>(0xffffffff) + ".", "memo 4294967295 was never stored");
  refused("X" + le<uint32_t>(0xffffffff) + "abc.", "expected 4294967295 more bytes, got 4");
  refused("\x8d" + le<uint64_t>(~uint64_t{0}) + "abc.", "expected 18446744073709551615 more bytes, got 4");
  refused("X" + le<uint32_t>(2) + "\xc3(.", "expected UTF-8");
  refused(
      "\x8a\xff"
      "12.",
      "expected 255 more bytes");
  refused("ccollections", "expected a line");
  refused("]" + text("k") + "Ns.", "SETITEM: expected a dict");
  refused("}Na.", "APPEND: expected a list");
  refused("}(" + text("k") + "u.", "expected pairs");
  refused(text("f") + ")R.", "REDUCE: expected a name");
  refused("ctorch\nFloatStorage\n)R.", "FloatStorage cannot be called");
  refused("ccollections\nOrderedDict\nNR.", "REDUCE: expected a tuple");
  refused("ccollections\nOrderedDict\n](Ne\x85R.", "OrderedDict: expected a list of pairs");
  refused("]}b.", "BUILD: expected an object that can have a state");
  refused(std::string(1001, '('), "more than 1000 marks");
  refused("N", "expected 1 more bytes");
  refused("NN0.", "expected a dict of tensors");
  refused("}.", "found none in it");
  refused("}.x", "1 bytes follow its end");
  refused("}" + tuple({1}) + tensor(w_storage, 0, {6}, {1}) + "s.", "key of a tensor to be a text");
}

TEST_CASE("pth: storages and tensors that do not fit each other or the file", "[weights][faults]") {
  const Folder folder;
  const auto refused = [&](const std::string& value, const char* part) {
    INFO(part);
    CHECK_THROWS_WITH(open_weights(folder.write("bad.pth", pth(dict_of(value)))), Contains(part));
  };
  const std::string rebuild = "ctorch._utils\n_rebuild_tensor_v2\n(" + w_storage;
  CHECK(open_weights(folder.write("good.pth", pth(dict_of(tensor(w_storage, 0, {2, 3}, {3, 1}))))).tensors.size() == 1);
  refused(tensor(w_storage, 0, {7}, {1}), "elements lie outside its storage");
  refused(tensor(w_storage, 5, {2}, {1}), "elements lie outside its storage");
  refused(tensor(w_storage, 7, {0}, {1}), "offset lies outside");
  refused(tensor(w_storage, -1, {2}, {1}), "offset lies outside");
  refused(tensor(w_storage, 0, {-1}, {1}), "sizes and strides of 0 or more");
  refused(tensor(w_storage, 0, {2}, {-1}), "sizes and strides of 0 or more");
  refused(tensor(w_storage, 0, {2, 1}, {1}), "as many strides as sizes");
  refused(tensor(w_storage, 0, {2147483647, 2147483647, 4}, {0, 0, 0}), "more than 2^62 bytes");
  refused(tensor(w_storage, 0, {2147483647, 2}, {0, 0}), "out of proportion");
  refused(rebuild + integer(0) + "(\x8a\x08" + le<int64_t>(INT64_MAX) + "t" + tuple({1}) + "tR", "more than 2^62 bytes");
  refused(rebuild + integer(0) + tuple({2}) + "(\x8a\x08" + le<int64_t>(INT64_MAX) + "t" + "tR", "lie outside its storage");
  refused(rebuild + integer(1) + tuple({2}) + "(\x8a\x08" + le<int64_t>(INT64_MAX) + "t" + "tR", "lie outside its storage");
  refused(rebuild + integer(0) + tuple(std::vector<int32_t>(65, 1)) + tuple(std::vector<int32_t>(65, 1)) + "tR", "more than 64 axes");
  refused(rebuild + "tR", "expected an offset");
  refused("ctorch._utils\n_rebuild_tensor_v2\n(NtR", "expected a storage");
  refused(tensor(storage("torch\nFloatStorage", "0", 7), 0, {6}, {1}), "data/0: expected 28 bytes (7 of F32), got 24");
  refused(tensor(storage("torch\nDoubleStorage", "0", 6), 0, {6}, {1}), "data/0: expected 48 bytes (6 of F64), got 24");
  refused(tensor(storage("torch\nFloatStorage", "1", 6), 0, {6}, {1}), "expected an entry data/1");
  refused(tensor(storage("torch\nFloatStorage", "../../etc/passwd", 6), 0, {6}, {1}), "expected an entry data/../../etc/passwd");
  refused(tensor(storage("torch\nFloatStorage", "0", -6), 0, {0}, {1}), "0 or more elements");
  refused(tensor(storage("torch\nSize", "0", 6), 0, {6}, {1}), "expected a storage type");
  refused("(" + text("module") + "tQ", "expected (\"storage\", type");
  refused("]" + tensor(w_storage, 0, {6}, {1}) + "a" + tensor(storage("torch\nIntStorage", "0", 6), 0, {6}, {1}) + "a",
          "two types or sizes");
  // A stride along an axis of one is never used.
  CHECK(read_floats(open_weights(folder.write("one.pth", pth(dict_of(rebuild + integer(5) + tuple({1}) + "(\x8a\x08" +
                                                                     le<int64_t>(INT64_MAX) + "ttR"))))
                        .tensors[0]) == std::vector<float>{6});
}

TEST_CASE("pth: dicts that hold themselves, or each other many times over", "[weights][faults]") {
  const Folder folder;
  CHECK_THROWS_WITH(
      open_weights(folder.write("a.pth", pth("\x80\x02}q" + std::string(1, '\0') + text("a") + "h" + std::string(1, '\0') + "s."))),
      Contains("deeper than 8"));
  std::string deep = "\x80\x02";
  for (int i = 0; i < 900; ++i) deep += "}" + text("a");
  deep += "}";
  for (int i = 0; i < 900; ++i) deep += "s";
  CHECK_THROWS_WITH(open_weights(folder.write("b.pth", pth(deep + "."))), Contains("deeper than 8"));
  // Seven levels of dicts that hold the level below 100 times each: 10^14 entries.
  std::string wide = "\x80\x02}q" + std::string(1, '\0');
  for (char level = 1; level < 7; ++level) {
    wide += "}(";
    for (int i = 0; i < 100; ++i) wide += text(std::to_string(i)) + "h" + std::string(1, static_cast<char>(level - 1));
    wide += std::string("uq") + level;
  }
  CHECK_THROWS_WITH(open_weights(folder.write("c.pth", pth(wide + "("))), Contains("more bytes"));
  CHECK_THROWS_WITH(open_weights(folder.write("d.pth", pth(wide + "q\x10"
                                                                  "0000000h\x06."))),
                    Contains("1000000 entries"));
}

TEST_CASE("pth: zip archives with a lie in them", "[weights][faults]") {
  const Folder folder;
  const std::string pickle = dict_of(tensor(w_storage, 0, {6}, {1})), six = floats({1, 2, 3, 4, 5, 6});
  const auto refused = [&](const std::string& bytes, const char* part) {
    INFO(part);
    CHECK_THROWS_WITH(show_text(open_weights(folder.write("bad.pth", bytes))), Contains(part));
  };
  const std::string good = zip({{"a/data.pkl", pickle}, {"a/data/0", six}});
  CHECK(show_text(open_weights(folder.write("good.pth", good))).find("6 values") != std::string::npos);
  refused(zip({{"a/data.pkl", pickle}, {"a/data/0", "bomb", 8, 4'000'000'000u}}),
          "a/data/0: expected a stored entry, got compression method 8 (4 bytes that claim to be 4000000000)");
  refused(zip({{"a/data.pkl", pickle, 8}, {"a/data/0", six}}), "data.pkl: expected a stored entry");
  refused(zip({{"a/data.pkl", pickle}, {"a/data/0", six, 0, 1'000'000}}), "24 bytes claim to be 1000000");
  refused(zip({{"a/data.pkl", pickle}, {"a/data/0", six, 0, UINT32_MAX, 1}}), "expected no encryption");
  refused(zip({{"a/data.pkl", pickle}, {"a/data/0", six}, {"a/data/0", six}}), "a/data/0 occurs twice");
  refused(zip({{"a/data.pkl", pickle}, {"b/data.pkl", pickle}, {"a/data/0", six}}), "expected one data.pkl, got two");
  refused(zip({{"a/other", pickle}}), "expected an entry data.pkl");
  refused(zip({{"a/data.pkl", pickle}, {"a/data/0", six}, {"a/constants.pkl", ""}}), "TorchScript");
  refused(zip({{"a/data.pkl", pickle}, {"a/data/0", six}, {"a/byteorder", "big"}}), "byteorder");
  refused(zip({{"a/data.pkl", pickle}, {"a/data/0", six}, {"a/byteorder", "bigend"}}), "byteorder");
  refused(good + "x", "no end record");

  std::string overlapping = good;  // data/0 where data.pkl is
  const size_t second = overlapping.rfind("PK\x01\x02");
  overlapping.replace(second + 42, 4, le<uint32_t>(0));
  refused(overlapping, "its local header has another name");
  std::string far = good;
  far.replace(second + 42, 4, le<uint32_t>(0xfffffff0));
  refused(far, "its header lies past the end");
  std::string huge = good;
  huge.replace(huge.size() - 12, 2, le<uint16_t>(0xffff));
  refused(huge, "zip64");

  std::string flipped = good;
  flipped[flipped.find(six) + 3] ^= 1;
  refused(flipped, "data/0: the contents do not match their checksum");
  flipped = good;
  flipped[flipped.find("storage")] ^= 1;
  refused(flipped, "data.pkl: the contents do not match their checksum");
  for (size_t n = 0; n < good.size(); ++n) CHECK_THROWS_WITH(open_weights(folder.write("cut", good.substr(0, n))), Contains("cut"));
}

TEST_CASE("pth: legacy streams cut, lengthened or changed", "[weights][faults]") {
  const Folder folder;
  const std::string good = read_file(golden + "legacy.pth");
  const auto refused = [&](const std::string& bytes, const char* part) {
    INFO(part);
    CHECK_THROWS_WITH(show_text(open_weights(folder.write("bad.pth", bytes))), Contains(part));
  };
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string s = good;
    return s.replace(s.find(from), from.size(), to);
  };
  refused(good + "x", "1 bytes follow the last storage");
  refused(with("M\xe9\x03", "M\xea\x03"), "version: expected 1001");
  refused(with("little_endianq\x02\x88", "little_endianq\x02\x89"), "little_endian to be true");
  refused(with("\x8a\x0al", "\x8a\x0am"), "magic number");
  for (size_t n = 9; n<good.size(); n += n> good.size() - 100 ? 1 : 37)
    CHECK_THROWS_WITH(open_weights(folder.write("cut", good.substr(0, n))), Contains("cut"));
}
