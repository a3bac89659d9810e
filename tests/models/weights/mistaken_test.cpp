// Files that people take for weights: each is named, with what to do instead.
#include <filesystem>

#include "base/check.h"
#include "models/weights/weight_file.h"
#include "tests/catch.h"
#include "tests/models/weights/make_files.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

TEST_CASE("what a person takes for weights is named, with the way on", "[weights][faults]") {
  const Folder folder;
  const auto named = [&](const std::string& name, const std::string& bytes, const std::string& what, const std::string& instead) {
    INFO(name);
    CHECK_THROWS_WITH(open_weights(folder.write(name, bytes)), Contains(name + ": ") && Contains(what) && Contains(instead));
  };
  using namespace std::string_literals;
  const std::string zeros(64, '\0');
  named("a.pth", "", "an empty file", "download it again");
  named("a.pth", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 178090079\n", "a pointer of Git LFS", "git lfs pull");
  named("a.pth", "<!DOCTYPE html>\n<html><head><title>404</title>", "a web page", "download the file itself");
  named("a.pth", "\n <HTML lang=en>", "a web page", "download the file itself");
  named("a.pth", "<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "XML", "download the file again");
  named("model.h5", "\x89HDF\r\n\x1a\n" + zeros, "an HDF5 file: Keras writes such, and Matterport's", "fit no recipe");
  named("model.onnx", "\x08\x07\x12\x07pytorch\x1a\x05"s + zeros, "an ONNX graph", "torch.save(model.state_dict(), FILE)");
  named("model", "\x08\x07\x12\x07pytorch\x1a\x05"s + zeros, "an ONNX graph", "torch.save(model.state_dict(), FILE)");
  named("model.ckpt.index", zeros + "W\xfb\x80\x8b$uG\xdb", "a TensorFlow checkpoint", "start from torchvision's");
  named("model.ckpt.data-00000-of-00001", std::string(64, 'x') + zeros, "a TensorFlow checkpoint", "start from torchvision's");
  named("saved_model.pb", "\x08\x01\x12\x03" + zeros, "a TensorFlow checkpoint", "start from torchvision's");
  named("checkpoint", "model_checkpoint_path: \"model.ckpt-100\"\n", "a TensorFlow checkpoint", "start from torchvision's");
  named("yolov3.weights", std::string("\0\0\0\0\2\0\0\0", 8) + zeros, "Darknet's weights", "another architecture");
  named("a.tar.gz", "\x1f\x8b\x08" + zeros, "a gzip archive", "tar xzf FILE");
  named("a.tar", "a.pth" + std::string(252, '\0') + "ustar" + zeros, "a tar archive", "tar xf FILE");
  named("a.7z", "7z\xbc\xaf\x27\x1c" + zeros, "a 7z archive", "unpack it");
  named("a.npy", "\x93NUMPY\x01" + zeros, "a NumPy array", "torch.save(model.state_dict(), FILE)");
  named("a.png", "\x89PNG\r\n\x1a\n0123456789", "a PNG picture", "expected weights");
  named("a.safetensors", "\xff\xd8\xff\xe0" + zeros, "a JPEG picture", "expected weights");
  named("model.safetensors.index.json", R"({"metadata": {"total_size": 1}, "weight_map": {"a": "model-00001-of-00002.safetensors"}})",
        "the index of weights in several safetensors files", "save_file");
  named("instances_train.json", R"({"info": {}, "images": [], "annotations": [], "categories": []})", "annotations in COCO's format",
        "data.train_annotations");
  named("results.json", R"([{"image_id": 1, "category_id": 1, "score": 0.5}])", "results in COCO's format", "mrcnn coco-eval");
  named("config.json", R"({"architectures": ["MaskRCNN"]})", "a text in JSON", "model.safetensors");
  named("mine.toml", "name = \"mine\"\nbase = \"nuclei_small\"\n", "a recipe", "mrcnn train FILE --out RUN");
  named("mask_rcnn_R_50_FPN_3x.yaml", "_BASE_: \"../Base-RCNN-FPN.yaml\"\n", "a configuration in YAML", "another file");
  named("iteration_00000100.checkpoint", "mrcnnCK\n" + zeros, "a checkpoint of a run", "RUN/best.safetensors");
  named("old.pkl", "(dp0\nS'conv1_w'\np1\ncnumpy.core.multiarray\n_reconstruct\n", "a pickle of an old protocol", "protocol=2");
  named("v3.pkl", "(dp0\nVconv1_w\np1\nc_codecs\nencode\n(V\x01\x02\xff\np2\nVlatin1\np3\ntp4\nR"s + zeros, "a pickle of an old protocol",
        "protocol=2");
  named("v1.pkl", "}q\0(X\1\0\0\0wq\1K\1u."s + zeros, "a pickle of an old protocol", "protocol=2");
  named("classes.txt", "cat\ndog\npig\n", "a text, which begins with \"cat?dog?pig?\"", "expected weights");
  named("v0.pkl", "ccollections\nOrderedDict\np0\n((lp1\n\x02"s, "a pickle of an old protocol", "protocol=2");
  named("metrics.jsonl",
        R"({"iteration": 20, "loss": 1.5})"
        "\n"
        R"({"iteration": 40, "evaluation": {"images": 9, "annotations": 3}})",
        "the log of a run", "best.safetensors");
  named("a.pth", zeros, "zeros", "download it again");
  named("a.pth", "PK", "a text, which begins with \"PK\"", "expected weights");
  named("a.pth", "\x01\x02\x03\x04" + zeros, "68 bytes that begin with 01 02 03 04", "expected weights");
}

TEST_CASE("archives that hold no weights of torch.save are named", "[weights][faults]") {
  const Folder folder;
  const auto named = [&](const std::vector<ZipPart>& parts, const std::string& what) {
    CHECK_THROWS_WITH(open_weights(folder.write("a.zip", zip(parts))), Contains("a.zip: ") && Contains(what));
  };
  named({{"a/data.pkl", "x"}, {"a/constants.pkl", "x"}, {"a/code/x.py", "x"}}, "a TorchScript program");
  named({{"a/models/model.json", "{}"}, {"a/archive_format", "pt2"}}, "a program of torch.export");
  named({{"a/.data/extern_modules", ""}}, "a package of torch.package");
  named({{"config.json", "{}", 8}, {"model.weights.h5", "x", 8}}, "a Keras model");
  named({{"weights/maskrcnn.pth", "x", 8}}, "unzip it, and give weights/maskrcnn.pth from it");
  named({{"arr_0.npy", "x", 8}}, "numpy's arrays (.npz)");
  named({{"b.txt", "x"}, {"a.txt", "x"}},
        "expected an entry data.pkl: a zip archive, but not one of torch.save; it holds a.txt and 1 more");
  named({}, "it holds nothing");
  // Packed again, as a file manager does: every entry is compressed, the shortest too.
  named({{"a/data.pkl", "x", 8}, {"a/byteorder", "little", 8}}, "expected a stored entry, got compression method 8");
}

TEST_CASE("the state of an optimiser is called so, with tensors in it and under whatever names", "[weights][faults]") {
  const Folder folder;
  const std::string buffer = tensor(storage("torch\nFloatStorage", "0", 6), 0, {6}, {1}), state = "}" + text("state") + "}" + integer(0) +
                                                                                                  "}" + text("momentum_buffer") + buffer +
                                                                                                  "sss" + text("param_groups") + "]s.";
  CHECK_THROWS_WITH(open_weights(folder.write("opt.pth", pth("\x80\x02" + state))), Contains("the state of an optimiser, without weights"));
  const WeightFile flat = open_weights(
      folder.write("opt.safetensors",
                   safetensors(R"({"state.0.momentum_buffer": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}})", floats({1}))));
  REQUIRE(flat.notes.size() == 1);
  CHECK_THAT(flat.notes[0], Contains("are the state of an optimiser, and no weights"));
}

TEST_CASE("a folder is answered with the weights in it", "[weights][faults]") {
  const Folder folder;
  CHECK_THROWS_WITH(open_weights(folder / "."), Contains("expected a file, got a folder"));
  folder.write("best.safetensors", "");
  CHECK_THROWS_WITH(open_weights(folder / "."), Contains("got a folder: give ") && Contains("best.safetensors"));
}

TEST_CASE("weights that are not there are answered with those beside them", "[weights][faults]") {
  const Folder folder;
  CHECK_THROWS_WITH(open_weights(folder / "best.safetensors"),
                    Contains("best.safetensors: there is no such file") && !Contains(" is there"));
  folder.write("last.safetensors", "");
  CHECK_THROWS_WITH(open_weights(folder / "best.safetensors"),
                    Contains("best.safetensors: there is no such file; " + (folder / "last.safetensors") +
                             " is there, the weights that the run had come to: the best are kept from its first evaluation on"));
  CHECK_THROWS_WITH(open_weights(folder / "other.pth"),
                    Contains("other.pth: there is no such file; ") && Contains("last.safetensors is there"));
}

TEST_CASE("a download that broke off is said to be cut short", "[weights][faults]") {
  const Folder folder;
  const std::string whole = safetensors(R"({"a":{"dtype":"U8","shape":[9],"data_offsets":[0,9]}})", "123456789");
  CHECK_THROWS_WITH(open_weights(folder.write("a", whole.substr(0, 30))), Contains("cut short"));
  CHECK_THROWS_WITH(open_weights(folder.write("a", whole.substr(0, whole.size() - 2))), Contains("cut short"));
  const std::string archive = zip({{"a/data.pkl", std::string(100, 'x')}});
  CHECK_THROWS_WITH(open_weights(folder.write("a", archive.substr(0, 90))), Contains("cut short"));
  CHECK_THROWS_WITH(open_weights(folder.write("a", "\x80\x02}X\xff\xff\x01\x02 0123456789")), Contains("cut short"));
}
