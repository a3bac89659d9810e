#include "models/weights/mistaken.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/file_kind.h"
#include "base/text.h"

namespace mr {
namespace {

namespace fs = std::filesystem;

constexpr const char* wanted = ": expected weights (.safetensors, torch's .pth, .pt, .ckpt or .bin, detectron2's .pkl), got ";
constexpr const char* save_state_dict = "save the model's weights from Python, torch.save(model.state_dict(), FILE)";
constexpr const char* unpack = "unpack it, and give the file in it";

// Kinds of files that people take for weights.
struct Mistaken {
  FileKind kind;
  const char* instead;
};
constexpr Mistaken kinds[] = {
    {FileKind::hdf5,
     "Keras writes such, and Matterport's Mask R-CNN is one: its network is another one, built of TensorFlow's layers, and its weights "
     "fit no recipe; start from torchvision's or detectron2's"},
    {FileKind::checkpoint,
     "its weights are beside it, RUN/last.safetensors and RUN/best.safetensors; to go on with the run: mrcnn train RECIPE --out RUN "
     "--resume"},
    {FileKind::lfs_pointer, "it stands for the file itself, which git lfs pull fetches"},
    {FileKind::numpy, save_state_dict},
    {FileKind::matlab, save_state_dict},
    {FileKind::gguf, nullptr},
    {FileKind::tf_lite, save_state_dict},
    {FileKind::gzip, "gunzip FILE, or tar xzf FILE, and give what is in it"},
    {FileKind::tar, "tar xf FILE, and give what is in it"},
    {FileKind::bzip2, unpack},
    {FileKind::xz, unpack},
    {FileKind::zstd, unpack},
    {FileKind::seven_zip, unpack},
    {FileKind::rar, unpack},
    {FileKind::png, nullptr},
    {FileKind::jpeg, nullptr},
    {FileKind::gif, nullptr},
    {FileKind::webp, nullptr},
    {FileKind::tiff, nullptr},
    {FileKind::pdf, nullptr},
    {FileKind::program, nullptr},
    {FileKind::sqlite, nullptr},
};

struct Ending {
  std::string_view end;
  const char* what;
  const char* instead;
};
constexpr const char* tensorflow = "a TensorFlow checkpoint or graph";
constexpr const char* from_tensorflow = "its weights fit no recipe; start from torchvision's or detectron2's";
constexpr Ending endings[] = {
    {".onnx", "an ONNX graph", save_state_dict},
    {".index", tensorflow, from_tensorflow},
    {".meta", tensorflow, from_tensorflow},
    {".data-00000-of-00001", tensorflow, from_tensorflow},
    {".pb", tensorflow, from_tensorflow},
    {".tflite", tensorflow, from_tensorflow},
    {".weights", "Darknet's weights (of a YOLO network)", "they are of another architecture; start from torchvision's or detectron2's"},
    {".caffemodel", "a Caffe model", save_state_dict},
    {".params", "MXNet's parameters", save_state_dict},
    {".distcp", "a part of a distributed checkpoint of torch",
     "join it: python -m torch.distributed.checkpoint.format_utils dcp_to_torch FOLDER FILE"},
    {".part", "a download that is not finished", "download it again"},
    {".crdownload", "a download that is not finished", "download it again"},
};

[[noreturn]] void refuse(const std::string& path, const std::string& what, const char* instead) {
  fail(path, wanted, what, instead ? ": " : "", instead ? instead : "");
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

// Of texts that begin with a brace or a bracket.
void refuse_json(const std::string& path, std::string_view text) {
  if (text.substr(std::min(text.find('{'), text.size())).starts_with("{\"iteration\""))
    refuse(path, "the log of a run", "its weights are beside it, best.safetensors");
  if (contains(text, "\"weight_map\""))
    refuse(path, "the index of weights in several safetensors files",
           "load the parts with Python and save them as one, safetensors.torch.save_file({**load_file(PART1), …}, FILE)");
  if (contains(text, "\"annotations\"") || contains(text, "\"images\"") || contains(text, "\"categories\""))
    refuse(path, "annotations in COCO's format", "they go into data.train_annotations of a recipe: mrcnn recipe new --annotations FILE …");
  if (contains(text, "\"image_id\"")) refuse(path, "results in COCO's format", "mrcnn coco-eval evaluates them");
  refuse(path, "a text in JSON",
         "the weights of a model whose config.json this is lie beside it, as model.safetensors or pytorch_model.bin");
}

// Pickles of protocols 0 and 1: a dict or a list ("(dp0\n", "(lp0\n", "}q", "]q"), or an object's module and class, a line each, and what is
// done with it ("p0", "q\0", "("). Texts in them may hold any byte.
bool is_old_pickle(std::string_view start) {
  using namespace std::string_view_literals;
  for (const std::string_view begin : {"(dp"sv, "(lp"sv, "}q"sv, "]q"sv})
    if (start.starts_with(begin)) return true;
  const size_t module = start.starts_with("(i") ? 2 : start.starts_with("c") ? 1 : 0;
  size_t at = module;
  for (int line = 0; line < 2; ++line) {
    const size_t end = start.find('\n', at);
    const auto of_a_name = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '.'; };
    if (module == 0 || end == std::string_view::npos || end == at || !std::ranges::all_of(start.substr(at, end - at), of_a_name))
      return false;
    at = end + 1;
  }
  const std::string_view then = start.substr(at, 2);
  return then.starts_with('(') ||
         (then.size() == 2 && ((then[0] == 'p' && std::isdigit(then[1]) != 0) || (then[0] == 'q' && then[1] < ' ')));
}

void refuse_text(const std::string& path, std::string_view text, const std::string& ending) {
  const size_t begin = std::min(text.size(), text.find_first_not_of("\xef\xbb\xbf \t\r\n"));
  const std::string start = lower(text.substr(begin, 2000));
  if (start.starts_with("<!doctype html") || start.starts_with("<html") || start.starts_with("<head"))
    refuse(path, "a web page, as a download that failed leaves it", "open the address in a browser, and download the file itself");
  if (start.starts_with("<?xml") || start.starts_with("<error"))
    refuse(path, "a text in XML, as a download that was refused leaves it", "look at the text, and download the file again");
  if (start.starts_with("{") || start.starts_with("[{")) refuse_json(path, text);
  if (start.starts_with("model_checkpoint_path")) refuse(path, tensorflow, from_tensorflow);
  if (ending == ".toml" || contains(start, "\nbase = \"") || contains(start, "[model"))
    refuse(path, "a recipe", "mrcnn train FILE --out RUN trains by it, and writes RUN/best.safetensors");
  if (ending == ".yaml" || ending == ".yml") refuse(path, "a configuration in YAML", "the weights that it names are another file");
  refuse(path, "a text, which begins with \"" + printable(text.substr(begin, 40)) + "\"", nullptr);
}

// The first of the names that weights usually have; empty: there is none of them.
std::string usual_weights_in(const fs::path& folder) {
  std::error_code unknown;
  for (const char* name : {"best.safetensors", "model.safetensors", "pytorch_model.bin", "last.safetensors"})
    if (fs::exists(folder / name, unknown)) return (folder / name).string();
  return {};
}

}  // namespace

void refuse_mistaken(const InputFile& file) {
  const std::string& path = file.path();
  if (file.size() == 0) refuse(path, "an empty file", "was it downloaded? download it again");
  const std::string start = file.read_text(0, std::min<uint64_t>(file.size(), 1 << 16));
  for (const Mistaken& m : kinds)
    if (is_kind(start, m.kind)) refuse(path, name_of(m.kind), m.instead);
  const std::string name = lower(std::filesystem::path(path).filename().string());
  for (const Ending& e : endings)
    if (name.ends_with(e.end)) refuse(path, e.what, e.instead);
  // protobuf: the version of ONNX's format as field 1, the name of the exporter as field 2
  if (start.size() > 4 && start[0] == 8 && start[2] == 0x12 && contains(start, "pytorch")) refuse(path, endings[0].what, save_state_dict);

  if (is_old_pickle(start))
    refuse(path, "a pickle of an old protocol, 0 or 1", "load it with Python and write it again, pickle.dump(x, f, protocol=2)");
  const bool text = std::ranges::all_of(start, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 || (byte >= 9 && byte <= 13);
  });
  if (text) refuse_text(path, start, std::filesystem::path(name).extension().string());
  check(start.find_first_not_of('\0') != std::string::npos, path, wanted,
        "zeros, as a download that broke off leaves them: download it again");
  std::string hex;
  for (const char c : start.substr(0, 4)) {
    char digits[4];
    std::snprintf(digits, sizeof digits, " %02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
    hex += digits;
  }
  fail(path, wanted, "neither of them: ", file.size(), " bytes that begin with", hex);
}

void refuse_mistaken_archive(const std::string& where, const std::map<std::string, ZipEntry>& entries) {
  const auto find = [&entries](std::string_view end) {
    const auto at = std::ranges::find_if(entries, [end](const auto& e) { return e.first.ends_with(end); });
    return at == entries.end() ? std::string() : at->first;
  };
  const auto refuse_as = [&where](const char* what, const std::string& instead) {
    fail(where, ": ", what, ", no file of weights: ", instead);
  };
  if (!find("/constants.pkl").empty())
    refuse_as("a TorchScript program", "save its state_dict(), torch.save(torch.jit.load(FILE).state_dict(), OTHER), and give that file");
  if (!find("/data.pkl").empty()) return;
  if (!find("serialized_exported_program.json").empty() || !find("models/model.json").empty() || !find("archive_format").empty())
    refuse_as("a program of torch.export",
              "save its state_dict(), torch.save(torch.export.load(FILE).state_dict, OTHER), and give that file");
  if (!find(".data/extern_modules").empty()) refuse_as("a package of torch.package", save_state_dict);
  if (!find("model.weights.h5").empty()) refuse_as("a Keras model", from_tensorflow);
  for (const char* end : {".safetensors", ".pth", ".pt", ".pkl", ".ckpt"})
    if (const std::string inside = find(end); !inside.empty())
      refuse_as("an archive", str("unzip it, and give ", printable(inside), " from it"));
  if (!find(".npy").empty()) refuse_as("numpy's arrays (.npz)", save_state_dict);
  if (!find("[Content_Types].xml").empty()) refuse_as("an office document", "give the file of weights");
  fail(where, ": expected an entry data.pkl: a zip archive, but not one of torch.save; it holds ",
       entries.empty() ? "nothing" : printable(entries.begin()->first),
       entries.size() > 1 ? str(" and ", entries.size() - 1, " more") : "");
}

void refuse_folder(const std::string& path) {
  if (const std::string inside = usual_weights_in(path); !inside.empty()) fail(path, ": expected a file, got a folder: give ", inside);
  check(!fs::exists(fs::path(path) / "saved_model.pb"), path, ": expected a file, got a folder: ", tensorflow, ": ", from_tensorflow);
  fail(path, ": expected a file, got a folder");
}

void refuse_absent(const std::string& path) {
  const fs::path wanted = path;
  std::string text = path + ": there is no such file";
  if (const std::string beside = usual_weights_in(wanted.parent_path()); !beside.empty()) append(text, str("; ", beside, " is there"));
  if (text.ends_with("last.safetensors is there") && wanted.filename() == "best.safetensors")
    text += ", the weights that the run had come to: the best are kept from its first evaluation on";
  throw FileError(text, ENOENT);
}

}  // namespace mr
