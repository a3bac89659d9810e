#include <algorithm>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>

#include "app/commands.h"
#include "app/device_option.h"
#include "app/predict_annotations.h"
#include "base/files.h"
#include "data/coco/coco_results.h"
#include "data/draw/detections.h"
#include "data/image/image.h"
#include "train/evaluate.h"
#include "train/interrupt.h"

namespace mr::app {
namespace {

namespace fs = std::filesystem;

struct Arguments {
  std::string weights, out, recipe, annotations, device;
  std::vector<std::string> inputs, assignments;
  double score = 0.5;
  bool pictures = true;
};

bool looks_like_image(const fs::path& p) {
  std::string e = p.extension().string();
  std::transform(e.begin(), e.end(), e.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const char* known : {".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".pgm", ".pbm", ".pnm"})
    if (e == known) return true;
  return false;
}

// The first few, one after the other.
std::string some_of(const std::vector<std::string>& all) {
  constexpr size_t most = 5;
  std::string text;
  for (size_t i = 0; i < std::min(all.size(), most); ++i) text += (i ? "; " : "") + all[i];
  return all.size() > most ? str(text, "; and ", all.size() - most, " more") : text;
}

// Files as given; of a folder its image files, by name.
std::vector<fs::path> image_files(const std::vector<std::string>& inputs) {
  std::vector<std::string> absent;
  for (const std::string& input : inputs)
    if (!fs::exists(input)) absent.push_back(input + ": there is no such file or folder");
  check(absent.empty(), some_of(absent));
  std::vector<fs::path> files;
  for (const std::string& input : inputs) {
    if (!fs::is_directory(input)) {
      files.emplace_back(input);
      continue;
    }
    const size_t before = files.size();
    for (const auto& entry : fs::directory_iterator(input))
      if (looks_like_image(entry.path())) files.push_back(entry.path());
    check(files.size() > before, input, ": the folder holds no image files");
    std::sort(files.begin() + static_cast<ptrdiff_t>(before), files.end());
  }
  return files;
}

// Where the picture of each file is drawn: its name as a .png, numbered where two would be one. Errors: one of the files lies there.
std::vector<std::string> picture_paths(const fs::path& folder, const std::vector<fs::path>& files) {
  std::set<fs::path> inputs;
  for (const fs::path& f : files) inputs.insert(fs::weakly_canonical(f));
  std::set<std::string> taken;
  std::vector<std::string> paths;
  for (const fs::path& f : files) {
    const std::string stem = f.stem().string();
    std::string name = stem + ".png";
    for (int n = 2; !taken.insert(name).second; ++n) name = stem + "_" + std::to_string(n) + ".png";
    paths.push_back((folder / name).string());
    check(!inputs.contains(fs::weakly_canonical(folder / name)), paths.back(), ": is a picture to be read, and would be written over; ",
          "choose another --out");
  }
  return paths;
}

void draw(Image& image, const std::vector<Detection>& found, const Classes& classes, const std::string& path) {
  std::vector<DrawnDetection> drawn;
  for (const Detection& d : found) drawn.push_back({d.box, d.label, d.score, d.mask});
  DrawOptions options;
  options.colour_by_instance = classes.size() == 1;
  draw_detections(image, drawn, classes.names, options);
  write_png(path, image);
}

void predict(const Arguments& a) {
  check_usage(a.score >= 0 && a.score <= 1, "--score: must be from 0 to 1, got ", a.score);
  const std::vector<fs::path> files = image_files(a.inputs);
  PredictAnnotations annotations(a.annotations);
  std::vector<int64_t> image_ids;
  for (const fs::path& f : files) image_ids.push_back(annotations.image_id(f));
  Detector detector = load_detector(a.weights, a.recipe, a.assignments, a.score);
  const Device device = device_of(a.device);
  detector.system->parameters().move_to(device);
  if (const auto note = use_context_of(detector.recipe, device)) std::cerr << "mrcnn: " << *note << "\n";
  if (const std::string note = annotations.number_classes(detector.classes); !note.empty()) std::cerr << "mrcnn: " << note << "\n";
  make_folder(a.out);

  const std::vector<std::string> pictures = a.pictures ? picture_paths(a.out, files) : std::vector<std::string>();
  const bool masks = detector.recipe.model.mask.enabled;
  std::vector<CocoDetection> results;
  nlohmann::ordered_json images = nlohmann::ordered_json::array();
  std::vector<std::string> unreadable;
  for (size_t i = 0; i < files.size() && interrupted() == 0; ++i) {
    Image image;
    try {
      image = read_image(files[i].string());
    } catch (const ImageError& e) {
      unreadable.push_back(e.what());
      continue;
    }
    std::vector<Detection> found = detect(detector, image);
    found.erase(std::remove_if(found.begin(), found.end(), [&](const Detection& d) { return d.score < a.score; }), found.end());
    for (CocoDetection& d : coco_detections(found, image_ids[i], masks))
      if (!annotations.leaves_out(d.label)) results.push_back(std::move(d));
    images.push_back({{"id", image_ids[i]}, {"file_name", files[i].string()}, {"width", image.width}, {"height", image.height}});
    if (a.pictures) draw(image, found, detector.classes, pictures[i]);
    std::cout << files[i].string() << ": " << found.size() << " objects" << std::endl;
  }
  if (!images.empty()) {
    const std::vector<int64_t>& ids_of_labels = annotations.class_ids();
    write_coco_results(a.out + "/results.json", results, ids_of_labels, masks ? CocoType::segm : CocoType::bbox);
    if (masks) write_coco_results(a.out + "/results_bbox.json", results, ids_of_labels, CocoType::bbox);
    write_text_file(a.out + "/images.json", images.dump(1) + "\n");
  }
  stop_if_interrupted();  // what was found before is written
  if (!unreadable.empty()) fail(unreadable.size(), " of ", files.size(), " images could not be read: ", some_of(unreadable));
}

}  // namespace

void add_predict(CLI::App& program) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c = program.add_subcommand("predict", "Finds the objects in pictures, and draws them");
  c->add_option("WEIGHTS", a->weights, ".safetensors from mrcnn train, or torchvision's .pth with --recipe")->required();
  c->add_option("FILE", a->inputs, "images (JPEG, PNG, BMP, PNM), or folders of them")->required();
  c->add_option("--out", a->out, "folder for results.json and a picture NAME.png an image")->required();
  c->add_option("--recipe", a->recipe, "instead of the one stored with the weights: a shipped name or a TOML file");
  c->add_option("--set", a->assignments, "key=value, over the recipe")->allow_extra_args(false);
  c->add_option("--score", a->score, "leave out objects below this score")->capture_default_str();
  c->add_option("--annotations", a->annotations,
                "COCO file: image ids are those of its images of the same file name, class ids those of its classes of the same name; else "
                "1, 2, 3, … and the model's");
  add_device(*c, a->device);
  c->add_flag("!--no-pictures", a->pictures, "only the result files");
  c->footer(
      "results.json: COCO results, [{\"image_id\", \"category_id\", \"score\", \"segmentation\"}]; the boxes lie beside it in\n"
      "results_bbox.json (\"bbox\"), because cocoapi misjudges the size of masks in files that hold both. Without a mask head\n"
      "results.json holds the boxes.");
  c->callback([a] {
    catch_interrupts();
    predict(*a);
  });
}

}  // namespace mr::app
